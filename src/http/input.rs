//! What a request brings, or the page that says it could not be read.

use axum::extract::{Form, FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The query, by field. A field that is missing, twice or of another type is [`Problem::Malformed`].
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::from_request_parts(parts, state).await.map_err(|_| Problem::Malformed)?;
        Ok(Self(asked))
    }
}

/// The form that was posted, by field; the same.
pub(super) struct Posted<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Form(posted) = Form::from_request(request, state).await.map_err(|_| Problem::Malformed)?;
        Ok(Self(posted))
    }
}
