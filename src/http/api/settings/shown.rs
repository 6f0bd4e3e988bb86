//! The settings as they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::core::{
    Accent, Branding, MappedGroup, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, OrganizationId, Policy, RemovalThreshold, Role,
};
use crate::http::api::caller::Caller;
use crate::http::api::error::ApiError;
use crate::http::api::revision::Tagged;
use crate::http::api::schema;
use crate::http::assets::AssetBase;
use crate::http::brand;

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
    branding: Look,
}

/// A seat tier, and how many of its seats the organization owns.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SeatTier)]
pub(super) struct Tier {
    #[schema(min_length = 1, max_length = 256, example = "Premium")]
    pub(super) name: String,
    #[schema(maximum = 1_000_000)]
    pub(super) seats: u32,
}

/// The groups that give a role.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleMapping)]
pub(super) struct RoleGroups {
    #[schema(min_length = 1, max_length = 256, example = "Admin")]
    pub(super) role: String,
    pub(super) groups: Vec<Group>,
}

/// The groups that give a seat tier.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SeatMapping)]
pub(super) struct TierGroups {
    #[schema(min_length = 1, max_length = 256, example = "Premium")]
    pub(super) tier: String,
    pub(super) groups: Vec<Group>,
}

/// A group, as the provider sends it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappedGroup)]
pub(super) struct Group {
    /// What the provider sends; compared exactly.
    #[schema(min_length = 1, max_length = 256, example = "app-admins")]
    pub(super) value: String,
    /// What people read, when it differs.
    #[schema(min_length = 1, max_length = 256)]
    pub(super) label: Option<String>,
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
    /// A new person whom the rules would let in waits for an administrator.
    approve_first_logins: bool,
    /// People with an address in a domain that is not yours can be invited.
    allow_guests: bool,
    /// A session ends so long after its last request; `null`: as the process says.
    session_idle_seconds: Option<i64>,
    /// A session ends so long after the login; `null`: as the process says.
    session_max_seconds: Option<i64>,
    /// Apps are entered only with a sign-in through a connection.
    require_sso: bool,
    /// How many people may lose access by one save before their number has to be confirmed.
    removal_threshold: Threshold,
    /// From which share of a tier in use on administrators are told.
    seat_warn_percent: u32,
}

/// A share of the members or a number of people, whichever is more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemovalThreshold, example = json!({"percent": 10, "people": 5}))]
pub(super) struct Threshold {
    #[schema(maximum = 100)]
    pub(super) percent: u32,
    #[schema(maximum = 1_000_000)]
    pub(super) people: u32,
}

/// How the organization's pages look.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Branding)]
struct Look {
    /// Whom people ask for help.
    support_contact: Option<String>,
    /// The colour of buttons and links; `null`: Usher's own.
    #[schema(value_type = Option<schema::Colour>)]
    accent: Option<Accent>,
    /// Where the logo is, on the auth host; `null`: there is none.
    #[schema(example = "/brand/0123456789abcdef.png")]
    logo: Option<String>,
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
            branding: organization.branding.into(),
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
            approve_first_logins: policy.approve_first_logins,
            allow_guests: policy.allow_guests,
            session_idle_seconds: policy.session_idle.map(|cap| cap.as_secs()),
            session_max_seconds: policy.session_max.map(|cap| cap.as_secs()),
            require_sso: policy.require_sso,
            removal_threshold: policy.removal_threshold.into(),
            seat_warn_percent: policy.seat_warn,
        }
    }
}

impl From<RemovalThreshold> for Threshold {
    fn from(RemovalThreshold { percent, people }: RemovalThreshold) -> Self {
        Self { percent, people }
    }
}

impl From<Branding> for Look {
    fn from(branding: Branding) -> Self {
        let logo = branding.logo.map(|logo| brand::logo_address(AssetBase::AuthHost, &logo.file_name()));
        Self { support_contact: branding.support_contact, accent: branding.accent, logo }
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
