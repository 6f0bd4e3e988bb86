//! Requests for access: who waits, and yes, no, or never.

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
use super::input::{At, Sent};
use super::members::Member;
use super::schema;
use crate::admin::{Approved, RequestList, RequestView};
use crate::app::App;
use crate::core::{ConnectionId, DecisionId, Reason, Role, SeatTier};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(approve)).routes(routes!(decline)).routes(routes!(block))
}

/// Somebody who waits for an administrator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessRequest)]
pub(super) struct Request {
    #[schema(value_type = schema::RequestId)]
    id: DecisionId,
    name: Option<String>,
    email: Option<String>,
    #[schema(value_type = schema::ShortName)]
    connection: ConnectionId,
    /// Why the rules did not let them in; `no_seats_left` is the waiting list for seats.
    #[schema(value_type = schema::Reason)]
    reason: Reason,
    /// When they asked; `null`: they wait without having asked.
    #[schema(value_type = Option<schema::Time>)]
    asked_at: Option<Timestamp>,
    /// What they said.
    asked_for: Option<String>,
    /// The first try.
    #[schema(value_type = schema::Time)]
    first_at: Timestamp,
    /// The newest try, when the groups were seen.
    #[schema(value_type = schema::Time)]
    last_at: Timestamp,
    /// How often they tried.
    count: u32,
    /// The groups of the newest try; `null`: none that could be read.
    groups: Option<Vec<String>>,
    /// The role that fits the groups, or else the one of new members.
    suggested_role: String,
    /// A seat that fits and is free; `null`: there is none, or seats are not counted.
    suggested_seat: Option<String>,
}

/// Who waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessRequests)]
pub(super) struct Requests {
    /// Oldest first.
    items: Vec<Request>,
}

/// As what somebody is let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "User", "seat": "Standard"}))]
pub(super) struct ApprovalRequest {
    #[schema(min_length = 1, max_length = 200)]
    role: String,
    /// Left out or `null`: no seat.
    #[schema(min_length = 1, max_length = 200)]
    seat: Option<String>,
}

/// Why not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Please ask your team lead first."}))]
pub(super) struct DeclineRequest {
    /// The person reads it.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// What a yes did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Approval {
    member: Member,
    /// Groups would take it back at the next login: a pin holds it until then.
    #[schema(value_type = Option<schema::Time>)]
    pinned_until: Option<Timestamp>,
}

/// Which request an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    request: DecisionId,
}

impl From<RequestView> for Request {
    fn from(view: RequestView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            email: view.email.map(|email| email.to_string()),
            connection: view.connection,
            reason: view.reason,
            asked_at: view.asked_at,
            asked_for: view.asked_for,
            first_at: view.first_at,
            last_at: view.last_at,
            count: view.count,
            groups: view.groups,
            suggested_role: view.suggested_role.to_string(),
            suggested_seat: view.suggested_tier.map(|tier| tier.to_string()),
        }
    }
}

/// Lists who waits to be let in, the oldest first, with the role and seat that fit their groups.
#[utoipa::path(
    get,
    path = "/requests",
    operation_id = "list_requests",
    tag = "requests",
    responses((status = 200, description = "Who waits.", body = Requests)),
    security(("token" = ["members:read"]))
)]
async fn list(caller: Caller) -> Result<Json<Requests>, ApiError> {
    let RequestList { requests, .. } = caller.admin.list_requests(&caller.actor).await?;
    Ok(Json(Requests { items: requests.into_iter().map(Request::from).collect() }))
}

/// Lets somebody in, through the same seat gate as a login.
#[utoipa::path(
    post,
    path = "/requests/{request}/approve",
    operation_id = "approve_request",
    tag = "requests",
    params(("request" = inline(schema::RequestId), Path, description = "Which.")),
    request_body = ApprovalRequest,
    responses(
        (status = 200, description = "The new member.", body = Approval),
        (status = 409, description = "Refused: `above_your_role`, `connection_gone`, or the reason code that stands against it, as `no_seats_left`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn approve(caller: Caller, At(at): At<Address>, Sent(request): Sent<ApprovalRequest>) -> Result<Json<Approval>, ApiError> {
    let (role, seat) = (Role::new(request.role), request.seat.map(SeatTier::new));
    let Approved { row, pinned_until } = caller.admin.approve_request(&caller.actor, at.request, &role, seat.as_ref()).await?;
    Ok(Json(Approval { member: row.into(), pinned_until }))
}

/// Says no. The person reads the note, and may ask again after 30 days.
#[utoipa::path(
    post,
    path = "/requests/{request}/decline",
    operation_id = "decline_request",
    tag = "requests",
    params(("request" = inline(schema::RequestId), Path, description = "Which.")),
    request_body = DeclineRequest,
    responses((status = 204, description = "It is declined.")),
    security(("token" = ["members:write"]))
)]
async fn decline(caller: Caller, At(at): At<Address>, Sent(request): Sent<DeclineRequest>) -> Result<StatusCode, ApiError> {
    caller.admin.decline_request(&caller.actor, at.request, request.note.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says never: the person is kept as a blocked member, until somebody unblocks them.
#[utoipa::path(
    post,
    path = "/requests/{request}/block",
    operation_id = "block_request",
    tag = "requests",
    params(("request" = inline(schema::RequestId), Path, description = "Which.")),
    responses(
        (status = 200, description = "The blocked member.", body = Member),
        (status = 409, description = "Refused: `connection_gone`, or the reason code that stands against it.")
    ),
    security(("token" = ["members:write"]))
)]
async fn block(caller: Caller, At(at): At<Address>) -> Result<Json<Member>, ApiError> {
    Ok(Json(caller.admin.block_request(&caller.actor, at.request).await?.into()))
}
