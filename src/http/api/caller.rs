//! Whom a token speaks for. Made anew for each request from the token, its owner and the settings of this moment.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;

use super::error::ApiError;
use super::input::At;
use crate::admin::{Actor, Admin, Bearer, Who};
use crate::app::App;
use crate::core::OrganizationId;
use crate::http::limits;
use crate::http::origin::Origin;

/// A program that acts in one organization. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Caller(Arc<Inside>);

/// What [`Caller`] knows.
#[derive(Debug)]
pub(super) struct Inside {
    /// The use cases.
    pub(super) admin: Admin,
    /// Who acts; given to every use case.
    pub(super) actor: Actor,
}

impl Deref for Caller {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

/// Only inside of [`enter`]; anywhere else there is nobody to have.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::NoSuch("address"))
    }
}

/// Which organization an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    organization: OrganizationId,
}

/// Lets tokens of the organization in. Another organization's token learns nothing, not even whether the organization is there.
pub(super) async fn enter(
    State(app): State<Arc<App>>,
    address: Result<At<Address>, ApiError>,
    origin: Origin,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !limits::api_by_address(&app, &origin).await? {
        return Err(ApiError::TooManyRequests);
    }
    let token = bearer(request.headers())?;
    let admin = app.admin();
    let actor = match admin.find_bearer(token, origin.plain()).await? {
        Bearer::Actor(actor) => actor,
        Bearer::Unknown => return Err(ApiError::NoToken("token_unknown")),
        Bearer::Ended(state) => return Err(ApiError::TokenEnded(state)),
    };
    if let Who::Token { id, .. } = &actor.who
        && !limits::api_by_token(&app, id, &origin).await?
    {
        return Err(ApiError::TooManyRequests);
    }
    let At(address) = address?;
    if address.organization != actor.organization {
        return Err(ApiError::NoSuch("organization"));
    }
    request.extensions_mut().insert(Caller(Arc::new(Inside { admin, actor })));
    Ok(next.run(request).await)
}

/// The token of a request: from one `Authorization` header with the scheme `Bearer` (RFC 6750 2.1), and from nowhere else.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = ApiError::NoToken("token_missing");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing) };
    let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return Err(missing) };
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start_matches(' ')) } else { Err(missing) }
}
