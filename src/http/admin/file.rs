//! A list as a file, written while it is read.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;

use super::console::Console;
use crate::admin::AdminError;

/// Named after the organization, what is in it, and the day: `acme-members-2026-11-03.csv`.
pub(super) fn download(
    console: &Console,
    what: &str,
    extension: &str,
    media_type: &'static str,
    pieces: impl Stream<Item = Result<Bytes, AdminError>> + Send + 'static,
) -> Response {
    let day = console.now.strftime("%Y-%m-%d");
    let name = format!("attachment; filename=\"{}-{what}-{day}.{extension}\"", console.organization.id);
    ([(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, name)], Body::from_stream(pieces)).into_response()
}
