//! `ETag` and `If-Match`: a change says what it was made from, so that nobody overwrites what they have not seen.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::ApiError;
use crate::admin::AdminError;

/// An answer with the revision that it shows.
pub(super) struct Tagged<T>(pub(super) i64, pub(super) T);

impl<T: IntoResponse> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.0)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The revision that a change was made from: one strong tag, as it was given. `*` would say "whatever it is", which is what this is against.
pub(super) struct IfMatch(i64);

impl IfMatch {
    pub(super) const fn revision(&self) -> i64 {
        self.0
    }
}

/// How an act on what was seen ended: that it was changed meanwhile is a precondition that failed.
pub(super) fn judged<T, A: From<T>>(done: Result<T, AdminError>) -> Result<Json<A>, ApiError> {
    match done {
        Ok(done) => Ok(Json(done.into())),
        Err(AdminError::Stale) => Err(ApiError::RevisionDiffers),
        Err(error) => Err(error.into()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts.headers.get(header::IF_MATCH).ok_or(ApiError::RevisionMissing)?;
        let tag = value.to_str().ok().and_then(|value| value.trim().strip_prefix('"')?.strip_suffix('"'));
        // A tag that is none of ours is the tag of something else.
        tag.and_then(|tag| tag.parse().ok()).map(Self).ok_or(ApiError::RevisionDiffers)
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let tag = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^\"[0-9]{1,18}\"$")).examples(["\"41\""]).build();
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("The `ETag` of what the change was made from."))
            .schema(Some(tag))
            .build();
        vec![header]
    }
}
