//! A member, and what is changed by hand. A change names with `If-Match` the revision that it was made from.

use std::sync::Arc;

use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{self, At, Sent};
use super::revision::{IfMatch, Tagged, judged};
use super::schema;
use crate::admin::{MemberChange, NewPin, PeopleChange};
use crate::app::App;
use crate::core::{self, MemberId, MemberRow, MemberStatus, PersonId, RemovalId, Role, SeatTier};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show, change))
        .routes(routes!(pin, unpin))
        .routes(routes!(mark_service_account))
        .routes(routes!(give_seat))
        .routes(routes!(reclaim_seat))
}

/// A person in the organization.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Member {
    #[schema(value_type = schema::MemberId)]
    id: MemberId,
    #[schema(value_type = schema::PersonId)]
    person: PersonId,
    name: Option<String>,
    email: Option<String>,
    /// Not a human: does not count as an administrator who can repair things.
    service_account: bool,
    #[schema(value_type = schema::MemberStatus)]
    status: MemberStatus,
    /// For a removed member, the last one.
    #[schema(value_type = String, example = "User")]
    role: Role,
    #[schema(value_type = Option<String>, example = "Standard")]
    seat: Option<SeatTier>,
    /// The tier that the rules want and that was full.
    waits_for: Option<WaitsFor>,
    /// An administrator took the seat away by hand.
    seat_unassigned: bool,
    pin: Option<Pin>,
    primary_owner: bool,
    #[schema(value_type = Option<schema::Time>)]
    last_login_at: Option<Timestamp>,
    #[schema(value_type = schema::Time)]
    joined_at: Timestamp,
    /// Counts changes; it is the `ETag` of the member.
    revision: i64,
}

/// A place in the queue for a tier.
#[derive(Debug, Serialize, ToSchema)]
struct WaitsFor {
    #[schema(value_type = String)]
    tier: SeatTier,
    #[schema(value_type = schema::Time)]
    since: Timestamp,
}

/// An exception by hand that survives logins until it ends.
#[derive(Debug, Serialize, ToSchema)]
struct Pin {
    /// The pinned role; `null`: the role is not pinned.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Whether the seat is pinned.
    pins_seat: bool,
    /// The pinned seat; `null` with `pins_seat`: pinned to none.
    #[schema(value_type = Option<String>)]
    seat: Option<SeatTier>,
    reason: String,
    by: String,
    #[schema(value_type = schema::Time)]
    ends_at: Timestamp,
}

impl From<MemberRow> for Member {
    fn from(MemberRow { person, member }: MemberRow) -> Self {
        Self {
            id: member.id,
            person: person.id,
            name: person.name,
            email: person.email.map(|email| email.to_string()),
            service_account: person.service_account,
            status: member.status,
            role: member.role,
            seat: member.seat,
            waits_for: member.wanted_tier.map(|wanted| WaitsFor { tier: wanted.tier, since: wanted.since }),
            seat_unassigned: member.seat_unassigned,
            pin: member.pin.map(Pin::from),
            primary_owner: member.primary_owner,
            last_login_at: member.last_login_at,
            joined_at: member.joined_at,
            revision: member.revision,
        }
    }
}

impl From<core::Pin> for Pin {
    fn from(pin: core::Pin) -> Self {
        Self {
            role: pin.role,
            pins_seat: pin.seat.is_some(),
            seat: pin.seat.flatten(),
            reason: pin.reason,
            by: pin.by,
            ends_at: pin.ends_at,
        }
    }
}

/// What an act changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// The members who changed, as they are now.
    members: Vec<Member>,
    /// What is worth knowing, in sentences.
    notes: Vec<String>,
    /// What undoes it, when members were removed.
    #[schema(value_type = Option<schema::RemovalId>)]
    removal: Option<RemovalId>,
}

impl From<PeopleChange> for Changed {
    fn from(change: PeopleChange) -> Self {
        Self { members: change.members.into_iter().map(Member::from).collect(), notes: change.notes, removal: change.removal }
    }
}

/// Which member an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    pub(super) member: MemberId,
}

/// What is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "User"}))]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) struct ChangeRequest {
    /// The role to have.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    role: Option<String>,
    /// The seat to have; `null`: no seat assigned.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    seat: Option<Option<String>>,
}

/// An exception by hand, of role, seat or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "User", "reason": "until the groups are sorted out", "ends_at": "2027-01-31T00:00:00Z"}))]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) struct PinRequest {
    /// The role to hold.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    role: Option<String>,
    /// The seat to hold; `null`: none.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    seat: Option<Option<String>>,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
    /// Within the policy's longest pin.
    #[schema(value_type = schema::Time)]
    ends_at: Timestamp,
}

/// Whether a person is a service account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"service_account": true}))]
pub(super) struct ServiceAccountRequest {
    service_account: bool,
}

/// Shows a member.
#[utoipa::path(
    get,
    path = "/members/{member}",
    operation_id = "show_member",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who.")),
    responses((status = 200, description = "The member.", body = Member, headers(("ETag" = String, description = "For `If-Match`.")))),
    security(("token" = ["members:read"]))
)]
async fn show(caller: Caller, At(at): At<Address>) -> Result<Tagged<Json<Member>>, ApiError> {
    let row = caller.admin.find_member(&caller.actor, at.member).await?;
    Ok(Tagged(row.member.revision, Json(row.into())))
}

/// Changes role or seat by hand. Where groups decide, this is refused with the group to change instead: pin, or change the group.
#[utoipa::path(
    patch,
    path = "/members/{member}",
    operation_id = "change_member",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who."), IfMatch),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused: `managed_by_idp`, `tier_full`, `last_admin`, `primary_owner`, `above_your_role`, `not_active`, `nothing_to_do`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn change(caller: Caller, At(at): At<Address>, seen: IfMatch, Sent(request): Sent<ChangeRequest>) -> Result<Json<Changed>, ApiError> {
    let seat = request.seat.map(|seat| seat.map(SeatTier::new));
    let change = MemberChange { role: request.role.map(Role::new), seat, expected: Some(seen.revision()) };
    judged(caller.admin.change_member(&caller.actor, at.member, change).await)
}

/// Pins role or seat for a while: it counts from now on, survives logins, and ends by itself.
#[utoipa::path(
    put,
    path = "/members/{member}/pin",
    operation_id = "pin_member",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who."), IfMatch),
    request_body = PinRequest,
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused: `no_pin_needed`, `pin_too_long`, and as for a change.")
    ),
    security(("token" = ["members:write"]))
)]
async fn pin(caller: Caller, At(at): At<Address>, seen: IfMatch, Sent(request): Sent<PinRequest>) -> Result<Json<Changed>, ApiError> {
    let pin = NewPin {
        role: request.role.map(Role::new),
        seat: request.seat.map(|seat| seat.map(SeatTier::new)),
        reason: request.reason,
        ends_at: request.ends_at,
        expected: Some(seen.revision()),
    };
    judged(caller.admin.pin_member(&caller.actor, at.member, pin).await)
}

/// Takes a pin off. Groups decide again at the next login.
#[utoipa::path(
    delete,
    path = "/members/{member}/pin",
    operation_id = "unpin_member",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who."), IfMatch),
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused, as for a change.")
    ),
    security(("token" = ["members:write"]))
)]
async fn unpin(caller: Caller, At(at): At<Address>, seen: IfMatch) -> Result<Json<Changed>, ApiError> {
    judged(caller.admin.unpin_member(&caller.actor, at.member, Some(seen.revision())).await)
}

/// Marks a person as a service account, or as a human.
#[utoipa::path(
    put,
    path = "/members/{member}/service-account",
    operation_id = "mark_service_account",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who.")),
    request_body = ServiceAccountRequest,
    responses(
        (status = 200, description = "The member.", body = Member),
        (status = 409, description = "Refused: `last_admin`, `above_your_role`, `in_other_organizations`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn mark_service_account(
    caller: Caller,
    At(at): At<Address>,
    Sent(request): Sent<ServiceAccountRequest>,
) -> Result<Json<Member>, ApiError> {
    Ok(Json(caller.admin.mark_service_account(&caller.actor, at.member, request.service_account).await?.into()))
}

/// Gives a member the seat that they wait for, if one is free.
#[utoipa::path(
    post,
    path = "/members/{member}/give-seat",
    operation_id = "give_seat",
    tag = "seats",
    params(("member" = inline(schema::MemberId), Path, description = "Who.")),
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused: `not_waiting`, `tier_full`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn give_seat(caller: Caller, At(at): At<Address>) -> Result<Json<Changed>, ApiError> {
    Ok(Json(caller.admin.assign_waiting_seat(&caller.actor, at.member).await?.into()))
}

/// Frees the seat of somebody who has not been here for long. They stay a member.
#[utoipa::path(
    post,
    path = "/members/{member}/reclaim-seat",
    operation_id = "reclaim_seat",
    tag = "seats",
    params(("member" = inline(schema::MemberId), Path, description = "Who.")),
    responses(
        (status = 200, description = "What changed.", body = Changed),
        (status = 409, description = "Refused: `no_seat`, `primary_owner`.")
    ),
    security(("token" = ["members:write"]))
)]
async fn reclaim_seat(caller: Caller, At(at): At<Address>) -> Result<Json<Changed>, ApiError> {
    Ok(Json(caller.admin.reclaim_seat(&caller.actor, at.member).await?.into()))
}
