//! The operations listener: is the process alive, can each part do its work, and what was counted. Never on the public port.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::metrics;
use crate::app::App;
use crate::doors::describe;
use crate::proxy::Proxy;

/// How long whoever asks about readiness waits at most: longer than servers are waited for, so that what their stores find out is not lost.
const PATIENCE: Duration = Duration::from_secs(4);

/// What answers now; a reload puts another one in its place.
#[derive(Debug)]
pub struct Node {
    /// Sign-in and console.
    pub app: Arc<App>,
    /// App hosts.
    pub proxy: Arc<Proxy>,
}

/// `/healthz`, `/readyz` and `/metrics`. `stopping`: this node still answers, and wants nobody new.
pub fn router(node: Arc<ArcSwap<Node>>, stopping: CancellationToken) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move |node| ready(node, stopping.is_cancelled())))
        .route("/metrics", get(metrics::show))
        .with_state(node)
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
    fn new(name: &str, fault: Option<String>) -> Self {
        Self { name: name.to_owned(), ready: fault.is_none(), detail: fault }
    }
}

/// What is wrong with a store, if anything is. One that takes longer for the smallest question is too slow for a login, which asks several.
async fn fault<E: std::error::Error>(ping: impl Future<Output = Result<(), E>>) -> Option<String> {
    match tokio::time::timeout(PATIENCE, ping).await {
        Ok(answer) => answer.err().map(|error| describe(&error)),
        Err(_elapsed) => Some(format!("it gave no answer for {PATIENCE:?}")),
    }
}

/// 503 while a store is down, and from the stop signal on. A connection whose provider cannot be used is named, but does not take the node out: other people can sign in.
async fn ready(State(node): State<Arc<ArcSwap<Node>>>, stopping: bool) -> Response {
    let node = node.load_full();
    let app = &node.app;
    let (database, sessions) = tokio::join!(fault(app.store.probe()), fault(app.ephemeral.ping()));
    let mut parts = vec![Part::new("database", database), Part::new("sessions", sessions)];
    let grace = app.config.session.outage_grace;
    for part in parts.iter_mut().filter(|part| !part.ready) {
        let fault = part.detail.take().unwrap_or_default();
        part.detail = Some(format!("{fault}; whoever is signed in goes on for {grace:?} after the last confirmation"));
    }
    if stopping {
        parts.push(Part { name: "process".to_owned(), ready: false, detail: Some("it stops".to_owned()) });
    }
    let ready = parts.iter().all(|part| part.ready);
    let closed = app.doors.closed().into_iter();
    parts.extend(closed.map(|(id, reason)| Part { name: format!("connection:{id}"), ready: false, detail: Some(reason) }));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ready": ready, "parts": parts }))).into_response()
}
