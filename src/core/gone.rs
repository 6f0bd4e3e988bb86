//! Mapped groups that people had and have no more: renamed or deleted at the provider, most likely (row 65).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GroupClaim, Organization, PersonId};

/// So many logins without a group say something about it.
const LOGINS: usize = 10;

/// What one login said about groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLogin {
    /// Who, if somebody known.
    pub person: Option<PersonId>,
    /// When.
    pub at: Timestamp,
    /// The claim.
    pub groups: GroupClaim,
}

/// A mapped group that matched before and matches nobody now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneGroup {
    /// What is mapped.
    pub value: String,
    /// As people read it.
    pub label: String,
    /// The role or the seat tier that it gives.
    pub gives: String,
    /// When somebody last came with it.
    pub last_seen_at: Timestamp,
    /// Logins since.
    pub logins: usize,
}

/// Mapped groups that none of the last logins had, though somebody who came again had it before. `logins` may be in any order.
#[must_use]
pub fn gone_groups(organization: &Organization, mut logins: Vec<SeenLogin>) -> Vec<GoneGroup> {
    if !organization.maps_at_login() {
        return Vec::new();
    }
    // A claim that did not come says nothing about one group.
    logins.retain(|login| matches!(login.groups, GroupClaim::Present(_) | GroupClaim::Empty));
    logins.sort_by_key(|login| std::cmp::Reverse(login.at));
    let mut gone: BTreeMap<&str, GoneGroup> = BTreeMap::new();
    for (value, label, gives) in mapped(organization) {
        if let Some((last_seen_at, since)) = went(&logins, value) {
            let group = || GoneGroup { value: value.to_owned(), label, gives, last_seen_at, logins: since };
            gone.entry(value).or_insert_with(group);
        }
    }
    gone.into_values().collect()
}

/// When the group last came and how many logins there were since, if it went away. Newest first.
fn went(logins: &[SeenLogin], value: &str) -> Option<(Timestamp, usize)> {
    let has = |login: &SeenLogin| matches!(&login.groups, GroupClaim::Present(groups) if groups.iter().any(|group| group.trim() == value));
    let since = logins.iter().position(has)?;
    if since < LOGINS {
        return None;
    }
    let (newer, older) = logins.split_at(since);
    let came_again: BTreeSet<PersonId> = newer.iter().filter_map(|login| login.person).collect();
    let had_it = |login: &&SeenLogin| has(login) && login.person.is_some_and(|person| came_again.contains(&person));
    older.iter().find(had_it)?;
    Some((older.first()?.at, since))
}

fn mapped(organization: &Organization) -> impl Iterator<Item = (&str, String, String)> {
    let roles = organization.role_mappings.iter().flat_map(|mapping| mapping.groups.iter().map(|group| (group, mapping.role.to_string())));
    let tiers =
        organization.seat_tier_mappings.iter().flat_map(|mapping| mapping.groups.iter().map(|group| (group, mapping.tier.to_string())));
    roles.chain(tiers).map(|(group, gives)| {
        let label = group.label.clone().unwrap_or_else(|| group.value.clone());
        (group.value.trim(), label, gives)
    })
}
