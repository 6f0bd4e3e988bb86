//! Settings of the organization.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::revision::Tagged;
use super::schema;
use crate::app::App;
use crate::core::{MappedGroup, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, OrganizationId, Policy, Role};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// The settings of the organization.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Settings {
    #[schema(value_type = schema::ShortName)]
    id: OrganizationId,
    name: String,
    /// How people become members.
    #[schema(value_type = schema::Mode)]
    provisioning: Mode,
    /// Whether groups decide role and tier.
    group_mappings: bool,
    /// Highest first.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// Roles that administer the organization in Usher.
    #[schema(value_type = Vec<String>)]
    administrators: BTreeSet<Role>,
    #[schema(value_type = String)]
    default_role: Role,
    /// Highest first; empty: seats are not counted.
    seat_tiers: Vec<Tier>,
    role_mappings: Vec<RoleGroups>,
    seat_mappings: Vec<TierGroups>,
    primary_owner: Option<String>,
    policy: Rules,
}

/// A seat tier, and how many of its seats the organization owns.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeatTier)]
struct Tier {
    name: String,
    seats: u32,
}

/// The groups that give a role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleMapping)]
struct RoleGroups {
    role: String,
    groups: Vec<Group>,
}

/// The groups that give a seat tier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeatMapping)]
struct TierGroups {
    tier: String,
    groups: Vec<Group>,
}

/// A group, as the provider sends it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappedGroup)]
struct Group {
    /// What the provider sends; compared exactly.
    value: String,
    /// What people read, when it differs.
    label: Option<String>,
}

/// What else the rules go by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
struct Rules {
    #[schema(value_type = schema::NoRoleMatch)]
    no_role_match: NoRoleMatch,
    #[schema(value_type = schema::NoSeatMatch)]
    no_seat_match: NoSeatMatch,
    #[schema(value_type = schema::OnTierFull)]
    on_tier_full: OnTierFull,
    groups_absent_grace_seconds: i64,
    stale_after_seconds: i64,
    pin_max_seconds: i64,
    undo_window_seconds: i64,
}

impl From<Organization> for Settings {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            provisioning: organization.mode,
            group_mappings: organization.group_mappings,
            roles: organization.roles,
            administrators: organization.administrators,
            default_role: organization.default_role,
            seat_tiers: organization
                .seat_tiers
                .into_iter()
                .map(|seats| Tier { name: seats.tier.to_string(), seats: seats.owned })
                .collect(),
            role_mappings: organization
                .role_mappings
                .into_iter()
                .map(|mapping| RoleGroups { role: mapping.role.to_string(), groups: groups(mapping.groups) })
                .collect(),
            seat_mappings: organization
                .seat_tier_mappings
                .into_iter()
                .map(|mapping| TierGroups { tier: mapping.tier.to_string(), groups: groups(mapping.groups) })
                .collect(),
            primary_owner: organization.primary_owner.map(|address| address.to_string()),
            policy: organization.policy.into(),
        }
    }
}

impl From<Policy> for Rules {
    fn from(policy: Policy) -> Self {
        Self {
            no_role_match: policy.no_role_match,
            no_seat_match: policy.no_seat_match,
            on_tier_full: policy.on_tier_full,
            groups_absent_grace_seconds: policy.groups_absent_grace.as_secs(),
            stale_after_seconds: policy.stale_after.as_secs(),
            pin_max_seconds: policy.pin_max.as_secs(),
            undo_window_seconds: policy.undo_window.as_secs(),
        }
    }
}

fn groups(mapped: Vec<MappedGroup>) -> Vec<Group> {
    mapped.into_iter().map(|group| Group { value: group.value, label: group.label }).collect()
}

/// Shows the settings.
#[utoipa::path(
    get,
    path = "/settings",
    operation_id = "show_settings",
    tag = "settings",
    responses((status = 200, description = "The settings.", body = Settings, headers(("ETag" = String, description = "For `If-Match`.")))),
    security(("token" = ["settings:read"]))
)]
async fn show(caller: Caller) -> Result<Tagged<Json<Settings>>, ApiError> {
    let (organization, revision) = caller.admin.find_organization(&caller.actor).await?;
    Ok(Tagged(revision, Json(organization.into())))
}
