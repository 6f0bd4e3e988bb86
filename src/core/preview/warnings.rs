//! What is allowed, and worth a second look before it is saved.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::SeenGroup;
use super::lockout::listed;
use crate::core::provision::folded;
use crate::core::{ConnectionId, MappedGroup, Organization, Role, SeatTier};

/// How long nobody has to have had a mapped group for it to be worth a warning.
const UNSEEN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many people a warning names; the rest are counted.
pub(super) const NAMED: usize = 20;

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
pub enum Warning {
    /// One group gives two roles: the higher one wins (row 22).
    GroupMappedTwice {
        /// The group.
        group: String,
        /// The roles, highest first.
        roles: Vec<Role>,
    },
    /// People match both Custom and User: User wins, and the limits of Custom do not hold for them (row 23).
    CustomBypassed {
        /// How many.
        people: u64,
        /// Some of them by name.
        names: Vec<String>,
    },
    /// A mapped group differs from one that came only in case or blanks (vector 4).
    NearMiss {
        /// What is mapped.
        mapped: String,
        /// What it gives.
        gives: String,
        /// What the provider sends.
        seen: String,
    },
    /// Nobody had a mapped group for 30 days (row 65).
    NotSeen {
        /// The group.
        group: String,
        /// What it gives.
        gives: String,
        /// When somebody last had it; `None`: nobody ever.
        last_seen_at: Option<Timestamp>,
    },
    /// More seats are in use than would be owned: nobody loses one, nobody new gets one (row 36).
    SeatsBelowUse {
        /// The tier.
        tier: SeatTier,
        /// Owned after the save.
        owned: u32,
        /// In use now.
        used: u32,
        /// Who joined last among those who have one: as many as stay over, at most 20 by name.
        over: Vec<String>,
    },
    /// People sign in through several connections, and each sends its own groups: the last login decides (row 64).
    SeveralConnections {
        /// How many people.
        people: u64,
        /// The connections.
        connections: Vec<ConnectionId>,
    },
}

impl Warning {
    /// The warning for a reader.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::GroupMappedTwice { group, roles } => {
                let first = roles.first().map(Role::as_str).unwrap_or_default();
                format!("{group} is mapped to {}: {first} wins.", listed(roles.iter().map(Role::as_str), "and"))
            }
            Self::CustomBypassed { people, names } => format!(
                "{people} in groups for both Custom and User ({}) get User, so the limits of Custom do not hold for them.",
                listed(names.iter().map(String::as_str), "and")
            ),
            Self::NearMiss { mapped, gives, seen } => {
                format!("{mapped:?} is mapped to {gives}, and the provider sends {seen:?}: that is not the same.")
            }
            Self::NotSeen { group, gives, last_seen_at: None } => format!("{group}, mapped to {gives}: nobody has ever come with it."),
            Self::NotSeen { group, gives, last_seen_at: Some(at) } => {
                format!("{group}, mapped to {gives}: nobody has come with it since {}.", at.strftime("%Y-%m-%d"))
            }
            Self::SeatsBelowUse { tier, owned, used, .. } => {
                format!("{used} {tier} seats are in use and {owned} would be owned: nobody loses theirs, and no new one is given.")
            }
            Self::SeveralConnections { people, connections } => format!(
                "{people} sign in through several of {}: the groups of the last login decide.",
                listed(connections.iter().map(ConnectionId::as_str), "and")
            ),
        }
    }
}

/// What the mappings themselves say, held against the groups that have come.
pub(super) fn about_mappings(organization: &Organization, seen: &[SeenGroup], now: Timestamp) -> Vec<Warning> {
    if !organization.maps_at_login() {
        return Vec::new();
    }
    let mut warnings = mapped_twice(organization);
    // Before anybody came, every group is one that nobody came with.
    if seen.is_empty() {
        return warnings;
    }
    let mut last_seen: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for group in seen {
        let at = last_seen.entry(&group.value).or_insert(group.last_seen_at);
        *at = (*at).max(group.last_seen_at);
        spellings.entry(folded(&group.value)).or_default().insert(&group.value);
    }
    for (group, gives) in mapped(organization) {
        let value = group.value.trim();
        let last = last_seen.get(value).copied();
        let near = || spellings.get(&folded(value)).into_iter().flatten().filter(|spelling| **spelling != value);
        if last.is_some_and(|at| now.duration_since(at) <= UNSEEN) {
            continue;
        }
        let misses = near().map(|seen| Warning::NearMiss { mapped: value.to_owned(), gives: gives.clone(), seen: (*seen).to_owned() });
        let before = warnings.len();
        warnings.extend(misses);
        if warnings.len() == before {
            let shown = group.label.clone().unwrap_or_else(|| value.to_owned());
            warnings.push(Warning::NotSeen { group: shown, gives, last_seen_at: last });
        }
    }
    warnings
}

/// Every mapped group with what it gives, highest first.
fn mapped(organization: &Organization) -> impl Iterator<Item = (&MappedGroup, String)> {
    let roles = organization.role_mappings.iter().flat_map(|mapping| mapping.groups.iter().map(|group| (group, mapping.role.to_string())));
    let tiers =
        organization.seat_tier_mappings.iter().flat_map(|mapping| mapping.groups.iter().map(|group| (group, mapping.tier.to_string())));
    roles.chain(tiers)
}

fn mapped_twice(organization: &Organization) -> Vec<Warning> {
    let mut roles: BTreeMap<&str, Vec<Role>> = BTreeMap::new();
    for role in &organization.roles {
        let groups = organization.role_mappings.iter().filter(|mapping| &mapping.role == role).flat_map(|mapping| &mapping.groups);
        for value in groups.map(|group| group.value.trim()).collect::<BTreeSet<_>>() {
            roles.entry(value).or_default().push(role.clone());
        }
    }
    let twice = roles.into_iter().filter(|(_, roles)| roles.len() > 1);
    twice.map(|(group, roles)| Warning::GroupMappedTwice { group: group.to_owned(), roles }).collect()
}
