//! What a request brings, read strictly: what is not known is refused, so that a misspelled field is no silent default.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::ApiError;
use crate::admin::Fault;

/// The longest sentence about a fault: it may quote what was sent.
const MAX_MESSAGE: usize = 200;

/// A JSON body.
pub(super) struct Sent<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::NotSaidToBeJson);
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = |value: &str| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| essence(value) == "application/json")
}

fn unread(rejection: BytesRejection) -> ApiError {
    if rejection.into_response().status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge
    } else {
        ApiError::NotJson("it ended too early".to_owned())
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Left to serde, an array of the fields in their order would pass as well.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(ApiError::Invalid(vec![Fault { field: ".".to_owned(), message: "send an object".to_owned() }]));
    }
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut text).map_err(|error| {
        let field = short(&error.path().to_string());
        let error = error.into_inner();
        match error.classify() {
            Category::Data => ApiError::Invalid(vec![Fault { field, message: short(&error.to_string()) }]),
            Category::Io | Category::Syntax | Category::Eof => ApiError::NotJson(short(&error.to_string())),
        }
    })?;
    text.end().map_err(|error| ApiError::NotJson(short(&error.to_string())))?;
    Ok(value)
}

fn short(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MAX_MESSAGE).collect()
}

/// The query, by field.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => {
                let cause = std::error::Error::source(&rejection).map_or_else(|| rejection.body_text(), ToString::to_string);
                Err(ApiError::Invalid(vec![Fault { field: "query".to_owned(), message: short(&cause) }]))
            }
        }
    }
}

/// What the address names. An id of another kind is the id of nothing.
pub(super) struct At<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(at) = Path::from_request_parts(parts, state).await.map_err(|_| ApiError::NoSuch("thing"))?;
        Ok(Self(at))
    }
}

/// A field that is there counts as given, also when it is `null`: left to serde, it would count as left out.
pub(super) fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Text that was typed: without control characters, which no name has and some databases refuse.
///
/// # Errors
/// [`ApiError::Invalid`] for the field.
pub(super) fn line(field: &str, text: Option<String>, max: usize) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.is_empty() || text.chars().count() > max || text.chars().any(char::is_control) => {
            Err(ApiError::invalid(field, format!("use 1 to {max} characters, and no control characters")))
        }
        text => Ok(text),
    }
}
