//! API tokens. One that may make tokens can make another like itself, so programs can replace their own before it expires.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{Asked, At, Sent};
use super::page::{Page, Paging};
use super::schema;
use crate::admin::{self, IssuedToken, Permission, TokenState, TokenWish};
use crate::app::App;
use crate::core::{PersonId, TokenId};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show)).routes(routes!(rotate)).routes(routes!(revoke))
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    #[schema(value_type = schema::TokenId)]
    id: TokenId,
    /// What people call it.
    #[schema(example = "nightly export")]
    name: String,
    /// What it may.
    #[schema(value_type = Vec<schema::Scope>)]
    scopes: BTreeSet<String>,
    owner: Owner,
    #[schema(value_type = State)]
    state: TokenState,
    #[schema(value_type = schema::Time)]
    created_at: Timestamp,
    #[schema(value_type = schema::Time)]
    expires_at: Timestamp,
    /// The last use, at most a minute behind.
    #[schema(value_type = Option<schema::Time>)]
    last_used_at: Option<Timestamp>,
    #[schema(value_type = Option<schema::Time>)]
    revoked_at: Option<Timestamp>,
}

/// The member whom a token belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenOwner)]
struct Owner {
    #[schema(value_type = schema::PersonId)]
    person: PersonId,
    name: Option<String>,
    email: Option<String>,
    /// The role now, which the token cannot exceed.
    role: String,
}

/// Whether a token counts: `owner_left` when its owner is no administrator any more.
#[derive(ToSchema)]
#[schema(as = TokenState, rename_all = "snake_case")]
#[expect(dead_code, reason = "says how a state looks on the wire")]
enum State {
    Active,
    Expired,
    Revoked,
    OwnerLeft,
}

/// A new token. `token` is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewToken {
    /// The token itself: keep it like a password.
    #[schema(pattern = "^ush_[A-Za-z0-9_-]{43}$")]
    token: String,
    about: Token,
}

/// What a new token should be. It belongs to the owner of the token that asks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nightly export", "scopes": ["activity:read"], "expires_at": "2027-01-31T00:00:00Z"}))]
pub(super) struct TokenRequest {
    /// What people call it.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What it may; each must be among those of the token that asks.
    #[schema(value_type = Vec<schema::Scope>, min_items = 1)]
    scopes: BTreeSet<Permission>,
    /// Within the next 365 days.
    #[schema(value_type = schema::Time)]
    expires_at: Timestamp,
}

/// How long a rotated token counts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"expires_at": "2027-01-31T00:00:00Z"}))]
pub(super) struct RotationRequest {
    /// Within the next 365 days.
    #[schema(value_type = schema::Time)]
    expires_at: Timestamp,
}

/// Which token an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    token: TokenId,
}

impl From<admin::Token> for Token {
    fn from(admin::Token { row, state }: admin::Token) -> Self {
        let owner = Owner { person: row.owner.person, name: row.owner.name, email: row.owner.email, role: row.owner.role.to_string() };
        Self {
            id: row.id,
            name: row.name,
            scopes: row.scopes,
            owner,
            state,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

impl From<IssuedToken> for NewToken {
    fn from(issued: IssuedToken) -> Self {
        Self { token: issued.secret.reveal().to_owned(), about: issued.token.into() }
    }
}

/// Lists the organization's tokens, the newest first, also those that count no longer.
#[utoipa::path(
    get,
    path = "/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(Paging),
    responses((status = 200, description = "A page of tokens.", body = Page<Token>)),
    security(("token" = ["tokens:write"]))
)]
async fn list(caller: Caller, Asked(paging): Asked<Paging>) -> Result<Json<Page<Token>>, ApiError> {
    let limit = paging.limit()?;
    let after = paging.after(|text| TokenId::parse(text).ok())?;
    let tokens = caller.admin.list_tokens(&caller.actor, after, limit + 1).await?;
    Ok(Json(Page::cut(tokens.into_iter().map(Token::from).collect(), limit, |token| token.id.to_string())))
}

/// Makes a token.
#[utoipa::path(
    post,
    path = "/tokens",
    operation_id = "create_token",
    tag = "tokens",
    request_body = TokenRequest,
    responses(
        (status = 201, description = "The token, shown this once.", body = NewToken),
        (status = 409, description = "Refused: `too_many_tokens`.")
    ),
    security(("token" = ["tokens:write"]))
)]
async fn create(caller: Caller, Sent(request): Sent<TokenRequest>) -> Result<(StatusCode, Json<NewToken>), ApiError> {
    let wish = TokenWish { name: request.name, scopes: request.scopes, expires_at: request.expires_at, owner: None };
    let issued = caller.admin.create_token(&caller.actor, wish).await?;
    Ok((StatusCode::CREATED, Json(issued.into())))
}

/// Shows a token.
#[utoipa::path(
    get,
    path = "/tokens/{token}",
    operation_id = "show_token",
    tag = "tokens",
    params(("token" = inline(schema::TokenId), Path, description = "Which.")),
    responses((status = 200, description = "The token.", body = Token)),
    security(("token" = ["tokens:write"]))
)]
async fn show(caller: Caller, At(at): At<Address>) -> Result<Json<Token>, ApiError> {
    Ok(Json(caller.admin.find_token(&caller.actor, at.token).await?.into()))
}

/// Gives a token another secret and another end. The former secret ends at once. Only for tokens of the same owner.
#[utoipa::path(
    post,
    path = "/tokens/{token}/rotate",
    operation_id = "rotate_token",
    tag = "tokens",
    params(("token" = inline(schema::TokenId), Path, description = "Which.")),
    request_body = RotationRequest,
    responses(
        (status = 200, description = "The token, shown this once.", body = NewToken),
        (status = 409, description = "Refused: `not_your_token`, `token_revoked`.")
    ),
    security(("token" = ["tokens:write"]))
)]
async fn rotate(caller: Caller, At(at): At<Address>, Sent(request): Sent<RotationRequest>) -> Result<Json<NewToken>, ApiError> {
    Ok(Json(caller.admin.rotate_token(&caller.actor, at.token, request.expires_at).await?.into()))
}

/// Revokes a token, from the next request on. It stays in the list, so this deletes nothing. One that was revoked before stays as it was.
#[utoipa::path(
    post,
    path = "/tokens/{token}/revoke",
    operation_id = "revoke_token",
    tag = "tokens",
    params(("token" = inline(schema::TokenId), Path, description = "Which.")),
    responses(
        (status = 200, description = "The token as it is now.", body = Token),
        (status = 409, description = "Refused: `above_your_role`.")
    ),
    security(("token" = ["tokens:write"]))
)]
async fn revoke(caller: Caller, At(at): At<Address>) -> Result<Json<Token>, ApiError> {
    Ok(Json(caller.admin.revoke_token(&caller.actor, at.token).await?.into()))
}
