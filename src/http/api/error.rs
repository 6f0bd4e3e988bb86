//! Everything that can go wrong in the API, and the only place that turns it into a status and a problem document (RFC 9457).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::{AdminError, Fault, TokenState};
use crate::doors::describe;
use crate::http::limits;
use crate::http::problem::RETRY_AFTER_SECONDS;
use crate::random::RandomError;
use crate::server::RequestId;
use crate::store::StoreError;
use crate::store::ephemeral::EphemeralError;

/// Why a request was not done. Nothing was written then.
#[derive(Debug)]
pub(super) enum ApiError {
    /// 401: there is no token, or it is none of ours.
    NoToken(&'static str),
    /// 401: the token was one.
    TokenEnded(TokenState),
    /// 404: nothing has this address, or nothing in this organization.
    NoSuch(&'static str),
    /// 405.
    MethodNotAllowed,
    /// 400: not JSON.
    NotJson(String),
    /// 415: not said to be JSON.
    NotSaidToBeJson,
    /// 413.
    TooLarge,
    /// 422: JSON, or a query, that means nothing here.
    Invalid(Vec<Fault>),
    /// 429.
    TooManyRequests,
    /// 428: a change must say what it was made from.
    RevisionMissing,
    /// 412: it was made from something older.
    RevisionDiffers,
    /// What the use case said.
    Admin(AdminError),
}

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        Self::Admin(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Admin(error.into())
    }
}

impl From<EphemeralError> for ApiError {
    fn from(error: EphemeralError) -> Self {
        Self::Admin(AdminError::Session(error.into()))
    }
}

impl From<RandomError> for ApiError {
    fn from(error: RandomError) -> Self {
        StoreError::from(error).into()
    }
}

/// A problem, as RFC 9457 has it. Programs decide by `status` and `reason`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the reason says more.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// What is wrong, in a sentence.
    #[schema(example = "there is no such token")]
    title: String,
    /// The status of the answer.
    #[schema(example = 404)]
    status: u16,
    /// One word for programs: `not_found`, `invalid`, `last_admin`, …
    #[schema(example = "not_found")]
    reason: String,
    /// The id of the request, which the log has too.
    #[schema(example = "req_46397eb0571f907100000069")]
    request: String,
    /// What is wrong with the input, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<FieldFault>>)]
    faults: Vec<Fault>,
}

/// One thing wrong with the input.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says how a fault looks on the wire")]
pub(super) struct FieldFault {
    /// Which field, by its path: `scopes[0]`. Of a query, `query`.
    field: String,
    /// What is wrong with it.
    message: String,
}

impl ApiError {
    /// One field that cannot be used.
    pub(super) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Admin(AdminError::invalid(field, message))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken(_) | Self::TokenEnded(_) => StatusCode::UNAUTHORIZED,
            Self::NoSuch(_) | Self::Admin(AdminError::NoSuch(_) | AdminError::Store(StoreError::Missing(_))) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::NotSaidToBeJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) | Self::Admin(AdminError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::RevisionMissing => StatusCode::PRECONDITION_REQUIRED,
            Self::RevisionDiffers => StatusCode::PRECONDITION_FAILED,
            Self::Admin(AdminError::NotAllowed(_) | AdminError::FreshSignInNeeded) => StatusCode::FORBIDDEN,
            Self::Admin(
                AdminError::Refused { .. } | AdminError::Stale | AdminError::ReviewChanged(_) | AdminError::Store(StoreError::Refused(_)),
            ) => StatusCode::CONFLICT,
            Self::Admin(AdminError::Store(_) | AdminError::Session(_)) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NoToken(reason) => reason,
            Self::TokenEnded(TokenState::Expired) => "token_expired",
            Self::TokenEnded(TokenState::Revoked) => "token_revoked",
            Self::TokenEnded(TokenState::OwnerLeft | TokenState::Active) => "token_owner_left",
            Self::NoSuch(_) | Self::Admin(AdminError::NoSuch(_) | AdminError::Store(StoreError::Missing(_))) => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotJson(_) => "not_json",
            Self::NotSaidToBeJson => "unsupported_media_type",
            Self::TooLarge => "too_large",
            Self::Invalid(_) | Self::Admin(AdminError::Invalid(_)) => "invalid",
            Self::TooManyRequests => "too_many_requests",
            Self::RevisionMissing => "if_match_missing",
            Self::RevisionDiffers => "if_match_differs",
            Self::Admin(AdminError::NotAllowed(_)) => "not_allowed",
            Self::Admin(AdminError::FreshSignInNeeded) => "fresh_sign_in_needed",
            Self::Admin(AdminError::Refused { code, .. }) => code,
            Self::Admin(AdminError::Stale) => "stale",
            Self::Admin(AdminError::ReviewChanged(_)) => "review_changed",
            Self::Admin(AdminError::Store(StoreError::Refused(_))) => "refused",
            Self::Admin(AdminError::Store(_) | AdminError::Session(_)) => "unavailable",
        }
    }

    /// Of a store that failed nothing is said but that it did.
    fn title(&self) -> String {
        match self {
            Self::NoToken("token_missing") => "this needs a token: Authorization: Bearer ush_…".to_owned(),
            Self::NoToken(_) => "this is no token of this installation".to_owned(),
            Self::TokenEnded(TokenState::Expired) => "the token has expired".to_owned(),
            Self::TokenEnded(TokenState::Revoked) => "the token was revoked".to_owned(),
            Self::TokenEnded(TokenState::OwnerLeft | TokenState::Active) => {
                "the token's owner is no administrator of the organization any more".to_owned()
            }
            Self::NoSuch(what) => format!("there is no such {what}"),
            Self::MethodNotAllowed => "not with this method".to_owned(),
            Self::NotJson(why) => format!("the body is not JSON: {why}"),
            Self::NotSaidToBeJson => "send JSON, with Content-Type: application/json".to_owned(),
            Self::TooLarge => "the body is too large".to_owned(),
            Self::Invalid(_) => "the input cannot be used".to_owned(),
            Self::TooManyRequests => "too many requests, or too much at a time; Retry-After says when to go on".to_owned(),
            Self::RevisionMissing => "say with If-Match what the change was made from: the ETag in the answer to GET".to_owned(),
            Self::RevisionDiffers => "it was changed meanwhile; get it again".to_owned(),
            Self::Admin(AdminError::Store(StoreError::Missing(_))) => "there is no such thing".to_owned(),
            Self::Admin(AdminError::Store(StoreError::Refused(why))) => why.clone(),
            Self::Admin(AdminError::Store(_) | AdminError::Session(_)) => "not right now; try again in a moment".to_owned(),
            Self::Admin(error) => error.to_string(),
        }
    }

    fn problem(self, request: String) -> Problem {
        let (title, status, reason) = (self.title(), self.status().as_u16(), self.reason().to_owned());
        let faults = match self {
            Self::Invalid(faults) | Self::Admin(AdminError::Invalid(faults)) => faults,
            _ => Vec::new(),
        };
        Problem { r#type: "about:blank", title, status, reason, request, faults }
    }
}

/// It travels to [`show`] inside the response, because only the request knows its id.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Admin(error @ (AdminError::Store(_) | AdminError::Session(_))) = &self {
            tracing::error!(cause = describe(error), "a request to the API failed");
        }
        let mut response = self.status().into_response();
        match self.status() {
            StatusCode::UNAUTHORIZED => {
                // RFC 6750 3: no error code when nothing was sent.
                let challenge = match self {
                    Self::NoToken("token_missing") => "Bearer realm=\"usher\"",
                    _ => "Bearer realm=\"usher\", error=\"invalid_token\"",
                };
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            StatusCode::TOO_MANY_REQUESTS => drop(response.headers_mut().insert(header::RETRY_AFTER, limits::RETRY_AFTER_SECONDS.into())),
            StatusCode::SERVICE_UNAVAILABLE => drop(response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into())),
            _ => {}
        }
        response.extensions_mut().insert(Arc::new(std::sync::Mutex::new(Some(self))));
        response
    }
}

/// Writes the problem document.
pub(super) async fn show(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
    let Some(kept) = response.extensions_mut().remove::<Kept>() else { return response };
    let Some(error) = kept.lock().ok().and_then(|mut error| error.take()) else { return response };
    let document = serde_json::to_vec(&error.problem(id)).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(document);
    response
}

/// Extensions are to be cloned, errors are not.
type Kept = Arc<std::sync::Mutex<Option<ApiError>>>;

/// Nothing has this address.
pub(super) async fn no_such_address() -> ApiError {
    ApiError::NoSuch("address")
}

/// There is something, but not with this method; the answer says with which.
pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

/// More is being sent than there is room for.
pub(super) fn too_many() -> Response {
    ApiError::TooManyRequests.into_response()
}
