//! An organization: its ranked roles and seat tiers, how people come in, and the group mappings.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Branding, EmailAddress, OrganizationId};

macro_rules! label {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the name as it is; configuration has checked that it is known.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

label!(
    /// The name of a role (`Owner`).
    Role
);
label!(
    /// The name of a seat tier (`Premium`).
    SeatTier
);

/// How people become members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// Invited people only.
    Manual,
    /// Just in time: at their first login.
    Jit,
    /// By directory sync; a login never creates anyone.
    Scim,
}

/// The plan sets default roles and tiers, and which modes exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Plan {
    /// Manual and JIT; Owner, Admin, User; Premium, Standard.
    Team,
    /// All modes; Owner, Admin, User, Custom; Premium, Standard.
    Enterprise,
    /// All modes; Admin, Developer, Limited Developer, Billing, Claude Code User, User; one seat tier.
    Console,
    /// Everything is written out.
    Custom,
}

impl Plan {
    /// The modes that exist in the plan (R1).
    #[must_use]
    pub const fn modes(self) -> &'static [Mode] {
        match self {
            Self::Team => &[Mode::Manual, Mode::Jit],
            Self::Enterprise | Self::Console | Self::Custom => &[Mode::Manual, Mode::Jit, Mode::Scim],
        }
    }
}

/// A seat tier and how many of its seats the organization owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedSeats {
    /// The tier.
    pub tier: SeatTier,
    /// Seats bought.
    pub owned: u32,
}

/// The groups that give one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleMapping {
    /// The role that they give.
    pub role: Role,
    /// Group values as the provider sends them, compared exactly.
    pub groups: Vec<MappedGroup>,
}

/// The groups that give one seat tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatTierMapping {
    /// The tier that they give.
    pub tier: SeatTier,
    /// Group values as the provider sends them, compared exactly.
    pub groups: Vec<MappedGroup>,
}

/// A group in a mapping: the provider's value, and a label for people when the value is an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedGroup {
    /// What the provider sends.
    pub value: String,
    /// What people read, when it differs.
    pub label: Option<String>,
}

/// What happens to someone in no mapped role group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRoleMatch {
    /// A member is removed at that login, a new person refused.
    Remove,
    /// A member keeps access with the default role; a new person is still refused (row 18).
    DefaultRole,
}

/// Which seat someone in no mapped seat group wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoSeatMatch {
    /// The highest tier that has a free seat.
    HighestAvailable,
    /// The lowest tier that has a free seat.
    LowestAvailable,
    /// None: a member without a seat.
    None,
    /// The login is refused.
    Refuse,
}

/// What happens when the mapped tier is full and the person is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTierFull {
    /// The next lower tier, with a place in the queue for the wanted one.
    NextLower,
    /// The login is refused.
    Refuse,
    /// A member without a seat, with a place in the queue.
    NoSeat,
}

/// Settings of rules.md, "Settings with defaults", as far as they concern the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// No mapped role group.
    pub no_role_match: NoRoleMatch,
    /// No mapped seat group.
    pub no_seat_match: NoSeatMatch,
    /// The mapped tier is full.
    pub on_tier_full: OnTierFull,
    /// How long role and seat are kept while the claim is missing on an unhealthy connection; zero turns keeping off.
    pub groups_absent_grace: SignedDuration,
    /// When a member without a login is shown as stale.
    pub stale_after: SignedDuration,
    /// How long a pin may last.
    pub pin_max: SignedDuration,
    /// How long a removal can be undone.
    pub undo_window: SignedDuration,
    /// Whether a new person whom the rules would let in waits for an administrator's yes.
    #[serde(default)]
    pub approve_first_logins: bool,
    /// Whether people with an address in a domain that is not the parent's may be invited, and come in by their invite alone (row 39).
    #[serde(default)]
    pub allow_guests: bool,
    /// A session ends so long after its last request, where that is shorter than the process says.
    #[serde(default)]
    pub session_idle: Option<SignedDuration>,
    /// A session ends so long after the login, where that is shorter than the process says (R31).
    #[serde(default)]
    pub session_max: Option<SignedDuration>,
    /// Whether apps are entered only with a sign-in through a connection, never with a recovery link (row 60).
    #[serde(default)]
    pub require_sso: bool,
    /// How many people may lose access by one save before their number has to be typed.
    #[serde(default)]
    pub removal_threshold: RemovalThreshold,
    /// From how many hundredths of a tier in use on administrators are told; 1 to 100.
    #[serde(default = "seat_warn")]
    pub seat_warn: u32,
}

const fn seat_warn() -> u32 {
    80
}

/// A share of the members or a number of people, whichever is more (row 61).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalThreshold {
    /// Of the active members, in hundredths.
    pub percent: u32,
    /// This many people at least.
    pub people: u32,
}

impl Default for RemovalThreshold {
    fn default() -> Self {
        Self { percent: 10, people: 5 }
    }
}

impl RemovalThreshold {
    /// The most people who may lose access without further ado.
    #[must_use]
    pub fn of(self, members: u64) -> u64 {
        (members.saturating_mul(u64::from(self.percent)) / 100).max(u64::from(self.people))
    }
}

const DAY_HOURS: i64 = 24;

impl Policy {
    /// The shortest session that may be set: whoever shortens too much must have the time to take it back.
    pub const SESSION_MIN: SignedDuration = SignedDuration::from_mins(5);

    /// Whether administrators are to be told that a tier runs out. A tier of which none is owned has nothing to run out of.
    #[must_use]
    pub fn warns_of_seats(&self, owned: u32, used: u32) -> bool {
        owned > 0 && u64::from(used) * 100 >= u64::from(owned) * u64::from(self.seat_warn)
    }
}

impl Default for Policy {
    fn default() -> Self {
        let days = |n: i64| SignedDuration::from_hours(n * DAY_HOURS);
        Self {
            no_role_match: NoRoleMatch::Remove,
            no_seat_match: NoSeatMatch::HighestAvailable,
            on_tier_full: OnTierFull::NextLower,
            groups_absent_grace: days(7),
            stale_after: days(30),
            pin_max: days(30),
            undo_window: days(30),
            approve_first_logins: false,
            allow_guests: false,
            session_idle: None,
            session_max: None,
            require_sso: false,
            removal_threshold: RemovalThreshold::default(),
            seat_warn: seat_warn(),
        }
    }
}

/// One organization's settings: the whole input of the decision that is not about the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its short name.
    pub id: OrganizationId,
    /// Its name for people.
    pub name: String,
    /// Its plan.
    pub plan: Plan,
    /// Roles, highest first; never empty.
    pub roles: Vec<Role>,
    /// Roles that administer the organization in Usher.
    pub administrators: BTreeSet<Role>,
    /// The role of a new member without mappings.
    pub default_role: Role,
    /// Seat tiers, highest first. Empty: the organization does not count seats, and nobody has a tier.
    pub seat_tiers: Vec<OwnedSeats>,
    /// How people come in.
    pub mode: Mode,
    /// Whether groups decide role and tier.
    pub group_mappings: bool,
    /// Role mappings; at most one entry a role, and the same group may stand under two roles (row 22).
    pub role_mappings: Vec<RoleMapping>,
    /// Seat tier mappings.
    pub seat_tier_mappings: Vec<SeatTierMapping>,
    /// The address of the Primary Owner: a member with it is the Primary Owner, and it may always come in (row 52).
    pub primary_owner: Option<EmailAddress>,
    /// The rest.
    pub policy: Policy,
    /// How its pages look. Chosen in the console; a file says nothing about it.
    #[serde(default)]
    pub branding: Branding,
}

impl Organization {
    /// The rank of a role, 0 the highest; `None` for a role that the organization no longer has.
    #[must_use]
    pub fn role_rank(&self, role: &Role) -> Option<usize> {
        self.roles.iter().position(|candidate| candidate == role)
    }

    /// The rank of a tier, 0 the highest.
    #[must_use]
    pub fn tier_rank(&self, tier: &SeatTier) -> Option<usize> {
        self.seat_tiers.iter().position(|candidate| &candidate.tier == tier)
    }

    /// Whether a role administers the organization.
    #[must_use]
    pub fn is_administrator(&self, role: &Role) -> bool {
        self.administrators.contains(role)
    }

    /// Whether groups decide at a login: mappings are on and the mode is JIT (rows 4, 8, 10).
    #[must_use]
    pub fn maps_at_login(&self) -> bool {
        self.group_mappings && self.mode == Mode::Jit
    }

    /// Whether groups decide at all, at a login or at a sync.
    #[must_use]
    pub fn maps_groups(&self) -> bool {
        self.group_mappings && self.mode != Mode::Manual
    }

    /// Whether groups decide here and would not after a change to this: then the pins against them are dropped (row 58).
    #[must_use]
    pub fn drops_pins_for(&self, after: &Self) -> bool {
        self.maps_groups() && !after.maps_groups()
    }
}
