//! The form into an organization. Groups are named by the place of their role or tier: `role-0` is the highest.

use crate::core::{MappedGroup, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, Role, RoleMapping, SeatTier, SeatTierMapping};

/// The pairs of a form, in order.
pub(super) type Pairs = Vec<(String, String)>;

/// What the form asks for, made from the organization as it is. Fields that a form does not have stay.
pub(super) fn read(organization: &Organization, pairs: &Pairs) -> Organization {
    let find = |name: &str| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let mut organization = organization.clone();
    if let Some(mode) = find("mode").and_then(|mode| mode.parse::<Mode>().ok()) {
        organization.mode = mode;
    }
    // A box that is not ticked sends nothing.
    organization.group_mappings = find("group_mappings").is_some();
    organization.role_mappings = mappings(&organization.roles, |place| groups(pairs, "role", place, &labels(&organization)))
        .map(|(role, groups)| RoleMapping { role, groups })
        .collect();
    let tiers: Vec<SeatTier> = organization.seat_tiers.iter().map(|seats| seats.tier.clone()).collect();
    organization.seat_tier_mappings = mappings(&tiers, |place| groups(pairs, "tier", place, &labels(&organization)))
        .map(|(tier, groups)| SeatTierMapping { tier, groups })
        .collect();
    let policy = &mut organization.policy;
    policy.no_role_match = choose(find("no_role_match"), &NO_ROLE_MATCH, &policy.no_role_match);
    policy.no_seat_match = choose(find("no_seat_match"), &NO_SEAT_MATCH, &policy.no_seat_match);
    policy.on_tier_full = choose(find("on_tier_full"), &ON_TIER_FULL, &policy.on_tier_full);
    organization
}

/// A choice: its value in the form, the words, and what it means.
pub(super) type Choices<T, const N: usize> = [(&'static str, &'static str, T); N];

pub(super) const MODES: Choices<Mode, 3> =
    [("manual", "Invite only", Mode::Manual), ("jit", "Just in time", Mode::Jit), ("scim", "Directory sync (SCIM)", Mode::Scim)];
pub(super) const NO_ROLE_MATCH: Choices<NoRoleMatch, 2> = [
    ("remove", "Remove or refuse", NoRoleMatch::Remove),
    ("default_role", "Members keep access with the default role", NoRoleMatch::DefaultRole),
];
pub(super) const NO_SEAT_MATCH: Choices<NoSeatMatch, 4> = [
    ("highest_available", "Highest free seat", NoSeatMatch::HighestAvailable),
    ("lowest_available", "Lowest free seat", NoSeatMatch::LowestAvailable),
    ("none", "No seat", NoSeatMatch::None),
    ("refuse", "Refuse", NoSeatMatch::Refuse),
];
pub(super) const ON_TIER_FULL: Choices<OnTierFull, 3> = [
    ("next_lower", "Next lower free seat, and a place in the queue", OnTierFull::NextLower),
    ("refuse", "Refuse", OnTierFull::Refuse),
    ("no_seat", "No seat, and a place in the queue", OnTierFull::NoSeat),
];

/// What the page calls a value of one of its choices.
pub(in crate::http::admin) fn words_of_choice(field: &str, value: &str) -> Option<&'static str> {
    match field {
        "mode" => words(&MODES, value),
        "no_role_match" => words(&NO_ROLE_MATCH, value),
        "no_seat_match" => words(&NO_SEAT_MATCH, value),
        "on_tier_full" => words(&ON_TIER_FULL, value),
        _ => None,
    }
}

fn words<T, const N: usize>(choices: &Choices<T, N>, value: &str) -> Option<&'static str> {
    choices.iter().find(|(name, ..)| *name == value).map(|(_, words, _)| *words)
}

fn choose<T: Clone, const N: usize>(asked: Option<&str>, choices: &Choices<T, N>, now: &T) -> T {
    choices.iter().find(|(value, ..)| Some(*value) == asked).map_or_else(|| now.clone(), |(.., meaning)| meaning.clone())
}

fn mappings<'a, K: Clone>(
    keys: &'a [K],
    groups: impl Fn(usize) -> Vec<MappedGroup> + 'a,
) -> impl Iterator<Item = (K, Vec<MappedGroup>)> + 'a {
    keys.iter().enumerate().map(move |(place, key)| (key.clone(), groups(place))).filter(|(_, groups)| !groups.is_empty())
}

/// The groups that stay ticked, then the one that was added; each once, without outer blanks.
fn groups(pairs: &Pairs, kind: &str, place: usize, labels: &[MappedGroup]) -> Vec<MappedGroup> {
    let (kept, added) = (format!("{kind}-{place}"), format!("add-{kind}-{place}"));
    let mut groups: Vec<MappedGroup> = Vec::new();
    for wanted in [kept, added] {
        for value in pairs.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| value.trim()) {
            if !value.is_empty() && groups.iter().all(|known| known.value != value) {
                let label = labels.iter().find(|known| known.value == value).and_then(|known| known.label.clone());
                groups.push(MappedGroup { value: value.to_owned(), label });
            }
        }
    }
    groups
}

/// Every group that has a label; labels are written in org.toml and stay with their group.
fn labels(organization: &Organization) -> Vec<MappedGroup> {
    let roles = organization.role_mappings.iter().flat_map(|mapping| &mapping.groups);
    let tiers = organization.seat_tier_mappings.iter().flat_map(|mapping| &mapping.groups);
    roles.chain(tiers).filter(|group| group.label.is_some()).cloned().collect()
}

/// The groups of a role.
pub(in crate::http::admin) fn role_groups<'a>(organization: &'a Organization, role: &Role) -> &'a [MappedGroup] {
    organization.role_mappings.iter().find(|mapping| &mapping.role == role).map_or(&[], |mapping| &mapping.groups)
}

/// The groups of a tier.
pub(in crate::http::admin) fn tier_groups<'a>(organization: &'a Organization, tier: &SeatTier) -> &'a [MappedGroup] {
    organization.seat_tier_mappings.iter().find(|mapping| &mapping.tier == tier).map_or(&[], |mapping| &mapping.groups)
}
