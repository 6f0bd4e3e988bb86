//! Exports: files that are written while they are read, and never held whole.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;

use crate::admin::AdminError;

/// A file from pieces. An error in the middle breaks the connection off, so that nobody takes the half for the whole.
pub(super) fn streamed(
    media_type: &'static str,
    disposition: &'static str,
    pieces: impl Stream<Item = Result<Bytes, AdminError>> + Send + 'static,
) -> Response {
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}
