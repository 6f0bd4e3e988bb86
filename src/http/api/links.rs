//! How people are known to a connection: one person by hand, everybody for a while, and what another connection would meet.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::connections;
use super::error::ApiError;
use super::input::{At, Sent};
use super::members::Member;
use super::schema;
use crate::app::App;
use crate::core::switch::Preflight;
use crate::core::{ConnectionId, EmailAddress, MemberId, MemberRow};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(relink)).routes(routes!(open_window, close_window)).routes(routes!(preflight))
}

/// By what somebody is known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"subject": "00u1a2b3c4"}))]
pub(super) struct RelinkRequest {
    /// What the provider calls the person from now on.
    #[schema(min_length = 1, max_length = 1024)]
    subject: String,
}

/// How long a window is open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"until": "2027-01-31T00:00:00Z"}))]
pub(super) struct WindowRequest {
    /// Within the next 72 hours.
    #[schema(value_type = schema::Time)]
    until: Timestamp,
}

/// Where people are to sign in instead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "okta"}))]
pub(super) struct PreflightRequest {
    /// The other connection.
    #[schema(value_type = schema::ShortName)]
    to: ConnectionId,
    /// The addresses that the new provider has, if there is a list of them.
    #[schema(value_type = Option<Vec<String>>, max_items = 10_000)]
    addresses: Option<Vec<EmailAddress>>,
}

/// What a switch of connections would meet; each person is in one list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SwitchPreflight {
    /// Will be found.
    ready: Vec<Member>,
    /// Will be a stranger there.
    unmatched: Vec<Member>,
    /// Shares the address with somebody else: nobody will be chosen.
    duplicate: Vec<Member>,
    /// Differs in case only, which Usher does not mind and others may.
    case_only: Vec<Member>,
}

/// Which member and connection an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    member: MemberId,
    connection: ConnectionId,
}

impl From<Preflight> for SwitchPreflight {
    fn from(Preflight { ready, unmatched, duplicate, case_only }: Preflight) -> Self {
        let members = |rows: Vec<MemberRow>| rows.into_iter().map(Member::from).collect();
        Self { ready: members(ready), unmatched: members(unmatched), duplicate: members(duplicate), case_only: members(case_only) }
    }
}

/// Says that somebody is known by another subject on a connection from now on. Their sessions end.
#[utoipa::path(
    put,
    path = "/members/{member}/links/{connection}",
    operation_id = "relink_member",
    tag = "members",
    params(
        ("member" = inline(schema::MemberId), Path, description = "Who."),
        ("connection" = inline(schema::ShortName), Path, description = "At which connection.")
    ),
    request_body = RelinkRequest,
    responses(
        (status = 200, description = "The member.", body = Member),
        (status = 409, description = "Refused: `subject_taken`, `above_your_role`, `in_other_organizations`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn relink(caller: Caller, At(at): At<Address>, Sent(request): Sent<RelinkRequest>) -> Result<Json<Member>, ApiError> {
    Ok(Json(caller.admin.relink_member(&caller.actor, at.member, &at.connection, &request.subject).await?.into()))
}

/// Opens the relink window of a connection, or moves its end: until then a new subject with the address of somebody known is that person. It counts in
/// every organization, so it needs a token of somebody with the highest role, and there has to be one organization only.
#[utoipa::path(
    put,
    path = "/connections/{connection}/relink-window",
    operation_id = "open_relink_window",
    tag = "connections",
    params(("connection" = inline(schema::ShortName), Path, description = "Which.")),
    request_body = WindowRequest,
    responses(
        (status = 204, description = "It is open."),
        (status = 409, description = "Refused: `above_your_role`, `not_all_organizations`.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn open_window(caller: Caller, At(at): At<connections::Address>, Sent(request): Sent<WindowRequest>) -> Result<StatusCode, ApiError> {
    caller.admin.open_relink_window(&caller.actor, &at.connection, request.until).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes the relink window of a connection. One that is closed stays so.
#[utoipa::path(
    delete,
    path = "/connections/{connection}/relink-window",
    operation_id = "close_relink_window",
    tag = "connections",
    params(("connection" = inline(schema::ShortName), Path, description = "Which.")),
    responses(
        (status = 204, description = "It is closed."),
        (status = 409, description = "Refused: `above_your_role`, `not_all_organizations`.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn close_window(caller: Caller, At(at): At<connections::Address>) -> Result<StatusCode, ApiError> {
    caller.admin.close_relink_window(&caller.actor, &at.connection).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whom of those who sign in through a connection another one would find, before anybody is sent there.
#[utoipa::path(
    post,
    path = "/connections/{connection}/preflight",
    operation_id = "preflight_switch",
    tag = "connections",
    params(("connection" = inline(schema::ShortName), Path, description = "From which.")),
    request_body = PreflightRequest,
    responses((status = 200, description = "What it would meet.", body = SwitchPreflight)),
    security(("token" = ["members:read"]))
)]
async fn preflight(
    caller: Caller,
    At(at): At<connections::Address>,
    Sent(request): Sent<PreflightRequest>,
) -> Result<Json<SwitchPreflight>, ApiError> {
    let PreflightRequest { to, addresses } = request;
    Ok(Json(caller.admin.preflight_switch(&caller.actor, &at.connection, &to, addresses.as_deref()).await?.into()))
}
