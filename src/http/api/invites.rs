//! Invites. Usher sends no mail: whoever invites tells people to sign in.

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
use super::schema;
use crate::admin::NewInvite;
use crate::app::App;
use crate::core::{EmailAddress, InviteId, Role, SeatTier};
use crate::store::InviteRow;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(resend)).routes(routes!(revoke))
}

/// An invite that was neither used nor revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invite {
    #[schema(value_type = schema::InviteId)]
    id: InviteId,
    #[schema(value_type = String)]
    email: EmailAddress,
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = Option<String>)]
    seat: Option<SeatTier>,
    /// Whether the seat is held now.
    holds_seat: bool,
    /// Kept for a Primary Owner who has not come yet: it is the settings' own.
    primary_owner: bool,
    invited_by: Option<String>,
    #[schema(value_type = schema::Time)]
    created_at: Timestamp,
    #[schema(value_type = schema::Time)]
    expires_at: Timestamp,
}

/// Open invites.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invites {
    items: Vec<Invite>,
}

/// Who is invited, and as what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "mia@acme.example"}))]
pub(super) struct InviteRequest {
    #[schema(value_type = String, format = Email, max_length = 254)]
    email: EmailAddress,
    /// The role to come in with; left out: that of new members.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    role: Option<String>,
    /// The seat to hold until then; left out: the highest that is free.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    seat: Option<String>,
}

/// Which invite an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    invite: InviteId,
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        Self {
            id: row.invite.id,
            email: row.invite.email,
            role: row.invite.role,
            seat: row.invite.seat,
            holds_seat: row.is_held,
            primary_owner: row.primary_owner,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.invite.expires_at,
        }
    }
}

/// Lists invites that were neither used nor revoked, expired ones too, by address.
#[utoipa::path(
    get,
    path = "/invites",
    operation_id = "list_invites",
    tag = "invites",
    responses((status = 200, description = "The invites.", body = Invites)),
    security(("token" = ["members:read"]))
)]
async fn list(caller: Caller) -> Result<Json<Invites>, ApiError> {
    let invites = caller.admin.list_invites(&caller.actor).await?;
    Ok(Json(Invites { items: invites.into_iter().map(Invite::from).collect() }))
}

/// Invites somebody for 21 days, and holds a seat for them. Only where people come in by invites.
#[utoipa::path(
    post,
    path = "/invites",
    operation_id = "create_invite",
    tag = "invites",
    request_body = InviteRequest,
    responses(
        (status = 201, description = "The invite.", body = Invite),
        (status = 409, description = "Refused: `managed_by_idp`, `domain_not_allowed`, `already_member`, `already_invited`, `blocked_by_admin`, `tier_full`, `no_seats_left`, `above_your_role`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn create(caller: Caller, Sent(request): Sent<InviteRequest>) -> Result<(StatusCode, Json<Invite>), ApiError> {
    let new = NewInvite { email: request.email, role: request.role.map(Role::new), seat: request.seat.map(SeatTier::new) };
    Ok((StatusCode::CREATED, Json(caller.admin.create_invite(&caller.actor, &new).await?.into())))
}

/// Opens an invite for 21 more days from now; its seat is taken again when the hold had ended.
#[utoipa::path(
    post,
    path = "/invites/{invite}/resend",
    operation_id = "resend_invite",
    tag = "invites",
    params(("invite" = inline(schema::InviteId), Path, description = "Which.")),
    responses(
        (status = 200, description = "The invite.", body = Invite),
        (status = 409, description = "Refused: `managed_by_idp`, `tier_full`, `primary_owner`, `above_your_role`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn resend(caller: Caller, At(at): At<Address>) -> Result<Json<Invite>, ApiError> {
    Ok(Json(caller.admin.resend_invite(&caller.actor, at.invite).await?.into()))
}

/// Ends an invite, and frees the seat that it held.
#[utoipa::path(
    delete,
    path = "/invites/{invite}",
    operation_id = "revoke_invite",
    tag = "invites",
    params(("invite" = inline(schema::InviteId), Path, description = "Which.")),
    responses(
        (status = 200, description = "The invite as it was.", body = Invite),
        (status = 409, description = "Refused: `primary_owner`, `above_your_role`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn revoke(caller: Caller, At(at): At<Address>) -> Result<Json<Invite>, ApiError> {
    Ok(Json(caller.admin.revoke_invite(&caller.actor, at.invite).await?.into()))
}
