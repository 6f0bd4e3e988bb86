//! The operations listener: is the process alive, can each part do its work, and what was counted. Never on the public port.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Serialize;

use super::metrics::{self, Sources};
use super::problem;
use crate::app::App;
use crate::doors::describe;
use crate::proxy::Proxy;

/// `/healthz`, `/readyz` and `/metrics`.
pub fn router(app: Arc<App>, proxy: Arc<Proxy>) -> Router {
    let metrics = Router::new()
        .route("/metrics", get(metrics::show))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), problem::show))
        .with_state(Sources { app: Arc::clone(&app), proxy });
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(app).merge(metrics)
}

/// One part of the gateway.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Part {
    fn new<E: std::error::Error>(name: &str, answer: &Result<(), E>) -> Self {
        let detail = answer.as_ref().err().map(|error| describe(error));
        Self { name: name.to_owned(), ready: answer.is_ok(), detail }
    }
}

/// 503 while a store is down. A connection whose provider cannot be used is named, but does not take the node out: other people can sign in.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let mut parts = vec![Part::new("database", &app.store.ping().await), Part::new("sessions", &app.ephemeral.ping().await)];
    let grace = app.config.session.outage_grace;
    for part in parts.iter_mut().filter(|part| !part.ready) {
        let fault = part.detail.take().unwrap_or_default();
        part.detail = Some(format!("{fault}; whoever is signed in goes on for {grace:?} after the last confirmation"));
    }
    let ready = parts.iter().all(|part| part.ready);
    let closed = app.doors.closed().into_iter();
    parts.extend(closed.map(|(id, reason)| Part { name: format!("connection:{id}"), ready: false, detail: Some(reason) }));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ready": ready, "parts": parts }))).into_response()
}
