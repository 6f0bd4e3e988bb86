//! What of the settings is to be different. What is left out stays, and a list takes the place of the whole list.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::shown::{Group, RoleGroups, Threshold, Tier, TierGroups};
use crate::core::{
    Accent, Branding, EmailAddress, Logo, MappedGroup, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, OwnedSeats, Policy,
    RemovalThreshold, Role, RoleMapping, SeatTier, SeatTierMapping,
};
use crate::http::api::error::ApiError;
use crate::http::api::{input, schema};

/// The longest time of a policy: ten years. What is longer is no time that anybody waits for.
const LONGEST_SECONDS: i64 = 10 * 366 * 24 * 3600;
const MOST: u32 = 1_000_000;

/// What is to be different; what is left out stays. `null` where there is always something is a mistake, and not the same as left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role_mappings": [{"role": "Owner", "groups": [{"value": "app-owners"}]}, {"role": "User", "groups": [{"value": "everyone"}]}]}))]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) struct Changes {
    /// The name for people.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    name: Option<String>,
    /// How people become members.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<schema::Mode>, nullable = false)]
    provisioning: Option<Mode>,
    /// Whether groups decide role and tier.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    group_mappings: Option<bool>,
    /// Highest first.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    roles: Option<Vec<Role>>,
    /// Roles that administer the organization in Usher.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    administrators: Option<BTreeSet<Role>>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>, nullable = false)]
    default_role: Option<Role>,
    /// Highest first; empty: seats are not counted.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    seat_tiers: Option<Vec<Tier>>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    role_mappings: Option<Vec<RoleGroups>>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    seat_mappings: Option<Vec<TierGroups>>,
    /// The address of the Primary Owner; `null`: nobody.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>, example = "olivia@acme.example")]
    primary_owner: Option<Option<EmailAddress>>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    policy: Option<PolicyChanges>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    branding: Option<BrandingChanges>,
}

/// What of the policy is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
struct PolicyChanges {
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<schema::NoRoleMatch>, nullable = false)]
    no_role_match: Option<NoRoleMatch>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<schema::NoSeatMatch>, nullable = false)]
    no_seat_match: Option<NoSeatMatch>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<schema::OnTierFull>, nullable = false)]
    on_tier_full: Option<OnTierFull>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(minimum = 0, maximum = 316_224_000, nullable = false)]
    groups_absent_grace_seconds: Option<i64>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(minimum = 0, maximum = 316_224_000, nullable = false)]
    stale_after_seconds: Option<i64>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(minimum = 0, maximum = 316_224_000, nullable = false)]
    pin_max_seconds: Option<i64>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(minimum = 0, maximum = 316_224_000, nullable = false)]
    undo_window_seconds: Option<i64>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    approve_first_logins: Option<bool>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    allow_guests: Option<bool>,
    /// At least five minutes; `null`: as the process says.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<i64>, minimum = 300, maximum = 316_224_000)]
    session_idle_seconds: Option<Option<i64>>,
    /// At least five minutes, and as long as `session_idle_seconds`; `null`: as the process says.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<i64>, minimum = 300, maximum = 316_224_000)]
    session_max_seconds: Option<Option<i64>>,
    /// Refused with `sso_not_proven` until an Owner has tried a login and a recovery link.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    require_sso: Option<bool>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(nullable = false)]
    removal_threshold: Option<Threshold>,
    #[serde(default, deserialize_with = "input::given")]
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    seat_warn_percent: Option<u32>,
}

/// What of the pages' looks is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
struct BrandingChanges {
    /// Whom people ask for help; `null`: nobody.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    support_contact: Option<Option<String>>,
    /// The colour of buttons and links; `null`: Usher's own.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<schema::Colour>)]
    accent: Option<Option<Accent>>,
    /// A PNG, JPEG or WebP picture of at most 32 KiB, in base64; `null`: none.
    #[serde(default, deserialize_with = "input::given")]
    #[schema(value_type = Option<String>, content_encoding = "base64")]
    logo: Option<Option<String>>,
}

/// Puts a value that is given in the place of the one that there is.
fn set<T>(place: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *place = value;
    }
}

impl Changes {
    /// The organization as it is to be.
    pub(super) fn apply(self, mut organization: Organization) -> Result<Organization, ApiError> {
        set(&mut organization.name, self.name);
        set(&mut organization.mode, self.provisioning);
        set(&mut organization.group_mappings, self.group_mappings);
        set(&mut organization.roles, self.roles);
        set(&mut organization.administrators, self.administrators);
        set(&mut organization.default_role, self.default_role);
        set(&mut organization.seat_tiers, self.seat_tiers.map(tiers).transpose()?);
        set(&mut organization.role_mappings, self.role_mappings.map(role_mappings));
        set(&mut organization.seat_tier_mappings, self.seat_mappings.map(seat_mappings));
        set(&mut organization.primary_owner, self.primary_owner);
        if let Some(policy) = self.policy {
            policy.apply(&mut organization.policy)?;
        }
        if let Some(branding) = self.branding {
            branding.apply(&mut organization.branding)?;
        }
        Ok(organization)
    }
}

impl PolicyChanges {
    fn apply(self, policy: &mut Policy) -> Result<(), ApiError> {
        set(&mut policy.no_role_match, self.no_role_match);
        set(&mut policy.no_seat_match, self.no_seat_match);
        set(&mut policy.on_tier_full, self.on_tier_full);
        set(&mut policy.groups_absent_grace, seconds("groups_absent_grace_seconds", self.groups_absent_grace_seconds)?);
        set(&mut policy.stale_after, seconds("stale_after_seconds", self.stale_after_seconds)?);
        set(&mut policy.pin_max, seconds("pin_max_seconds", self.pin_max_seconds)?);
        set(&mut policy.undo_window, seconds("undo_window_seconds", self.undo_window_seconds)?);
        set(&mut policy.approve_first_logins, self.approve_first_logins);
        set(&mut policy.allow_guests, self.allow_guests);
        set(&mut policy.session_idle, cap("session_idle_seconds", self.session_idle_seconds)?);
        set(&mut policy.session_max, cap("session_max_seconds", self.session_max_seconds)?);
        set(&mut policy.require_sso, self.require_sso);
        set(&mut policy.seat_warn, self.seat_warn_percent);
        if let Some(Threshold { percent, people }) = self.removal_threshold {
            if percent > 100 || people > MOST {
                return Err(ApiError::invalid("policy.removal_threshold", format!("use at most 100 percent and {MOST} people")));
            }
            policy.removal_threshold = RemovalThreshold { percent, people };
        }
        Ok(())
    }
}

impl BrandingChanges {
    fn apply(self, branding: &mut Branding) -> Result<(), ApiError> {
        set(&mut branding.support_contact, self.support_contact.map(|contact| contact.filter(|text| !text.trim().is_empty())));
        set(&mut branding.accent, self.accent);
        set(&mut branding.logo, self.logo.map(|logo| logo.as_deref().map(picture).transpose()).transpose()?);
        Ok(())
    }
}

fn seconds(field: &str, given: Option<i64>) -> Result<Option<SignedDuration>, ApiError> {
    match given {
        Some(seconds) if !(0..=LONGEST_SECONDS).contains(&seconds) => {
            Err(ApiError::invalid(&format!("policy.{field}"), format!("use 0 to {LONGEST_SECONDS}")))
        }
        given => Ok(given.map(SignedDuration::from_secs)),
    }
}

/// A limit of sessions, or none.
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
fn cap(field: &str, given: Option<Option<i64>>) -> Result<Option<Option<SignedDuration>>, ApiError> {
    given.map(|cap| seconds(field, cap)).transpose()
}

fn picture(text: &str) -> Result<Logo, ApiError> {
    let bytes = STANDARD.decode(text).map_err(|_| ApiError::invalid("branding.logo", "this is no base64"))?;
    Logo::of(&bytes).map_err(|error| ApiError::invalid("branding.logo", error.to_string()))
}

fn tiers(tiers: Vec<Tier>) -> Result<Vec<OwnedSeats>, ApiError> {
    if tiers.iter().any(|tier| tier.seats > MOST) {
        return Err(ApiError::invalid("seat_tiers", format!("use at most {MOST} seats")));
    }
    Ok(tiers.into_iter().map(|Tier { name, seats }| OwnedSeats { tier: SeatTier::new(name), owned: seats }).collect())
}

fn role_mappings(mappings: Vec<RoleGroups>) -> Vec<RoleMapping> {
    mappings.into_iter().map(|mapping| RoleMapping { role: Role::new(mapping.role), groups: groups(mapping.groups) }).collect()
}

fn seat_mappings(mappings: Vec<TierGroups>) -> Vec<SeatTierMapping> {
    mappings.into_iter().map(|mapping| SeatTierMapping { tier: SeatTier::new(mapping.tier), groups: groups(mapping.groups) }).collect()
}

fn groups(groups: Vec<Group>) -> Vec<MappedGroup> {
    groups.into_iter().map(|group| MappedGroup { value: group.value, label: group.label }).collect()
}
