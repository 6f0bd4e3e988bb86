//! Removing members, letting blocked ones back, and undoing a removal.

use std::sync::Arc;

use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{At, Sent};
use super::members::{self, Changed};
use super::schema;
use crate::app::App;
use crate::core::{MemberId, RemovalId};
use crate::store::Removal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, remove)).routes(routes!(undo)).routes(routes!(unblock))
}

/// A removal that can be undone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Removal)]
pub(super) struct Undoable {
    #[schema(value_type = schema::RemovalId)]
    id: RemovalId,
    #[schema(value_type = schema::Time)]
    at: Timestamp,
    /// Who did it, as audit lines name them; `system` when groups did at a login.
    actor: String,
    /// Who was removed.
    #[schema(value_type = Vec<schema::MemberId>)]
    members: Vec<MemberId>,
}

/// Removals that can be undone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Removals {
    items: Vec<Undoable>,
}

/// Who is to be removed: all of them, or nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"members": ["mem_01980c5c2d7a7c21a4f1c0de5e6f7a8b"], "block": false}))]
pub(super) struct RemovalRequest {
    /// 1 to 500 members.
    #[schema(value_type = Vec<schema::MemberId>, min_items = 1, max_items = 500)]
    members: Vec<MemberId>,
    /// They cannot come back until unblocked.
    block: bool,
}

/// Which removal an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    removal: RemovalId,
}

impl From<Removal> for Undoable {
    fn from(removal: Removal) -> Self {
        let members = removal.members.into_iter().map(|member| member.id).collect();
        Self { id: removal.id, at: removal.at, actor: removal.actor, members }
    }
}

/// Lists removals that can still be undone, the newest first, at most 500.
#[utoipa::path(
    get,
    path = "/removals",
    operation_id = "list_removals",
    tag = "members",
    responses((status = 200, description = "The removals.", body = Removals)),
    security(("token" = ["members:read"]))
)]
async fn list(caller: Caller) -> Result<Json<Removals>, ApiError> {
    let removals = caller.admin.list_removals(&caller.actor).await?;
    Ok(Json(Removals { items: removals.into_iter().map(Undoable::from).collect() }))
}

/// Removes members, all of them or none. Their sessions end, their seats are free, their API tokens are revoked.
#[utoipa::path(
    post,
    path = "/removals",
    operation_id = "remove_members",
    tag = "members",
    request_body = RemovalRequest,
    responses(
        (status = 200, description = "What changed, and what undoes it.", body = Changed),
        (status = 409, description = "Refused: `last_admin`, `primary_owner`, `above_your_role`, `nothing_to_do`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn remove(caller: Caller, Sent(request): Sent<RemovalRequest>) -> Result<Json<Changed>, ApiError> {
    Ok(Json(caller.admin.remove_members(&caller.actor, &request.members, request.block).await?.into()))
}

/// Undoes a removal: role, seat and pin as they were. A seat that is gone is told in the notes; API tokens stay revoked.
#[utoipa::path(
    post,
    path = "/removals/{removal}/undo",
    operation_id = "undo_removal",
    tag = "members",
    params(("removal" = inline(schema::RemovalId), Path, description = "Which.")),
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused: `undone_already`, `too_late_to_undo`, `above_your_role`, `nothing_to_do`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn undo(caller: Caller, At(at): At<Address>) -> Result<Json<Changed>, ApiError> {
    Ok(Json(caller.admin.undo_removal(&caller.actor, at.removal).await?.into()))
}

/// Lets a blocked person come back, by the rules.
#[utoipa::path(
    post,
    path = "/members/{member}/unblock",
    operation_id = "unblock_member",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who.")),
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused: `not_blocked`, `above_your_role`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn unblock(caller: Caller, At(at): At<members::Address>) -> Result<Json<Changed>, ApiError> {
    Ok(Json(caller.admin.unblock_member(&caller.actor, at.member).await?.into()))
}
