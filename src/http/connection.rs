//! What providers and apps fetch from us: SAML metadata, and the keys of the identity JWT.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
use crate::app::App;
use crate::core::{ConnectionId, Protocol};

/// `GET /saml/{connection}/metadata`
pub(super) async fn metadata(State(app): State<Arc<App>>, Path(connection): Path<String>) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find(&id).ok_or(Problem::NoSuchConnection)?;
    let Protocol::Saml(saml) = &entrance.connection.protocol else { return Err(Problem::NoSuchConnection) };
    let xml =
        app.doors.sp_metadata(&entrance.connection, saml).map_err(|error| Problem::broken_connection(&entrance.connection, &error))?;
    Ok(([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response())
}

/// `GET /.well-known/jwks.json`
pub(super) async fn jwks(State(app): State<Arc<App>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=300")];
    (headers, app.identity_keys.jwks()).into_response()
}
