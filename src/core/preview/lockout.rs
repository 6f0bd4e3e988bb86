//! Whether a save would shut people out of their own organization (row 56, vectors 2 and 3).

use serde::{Deserialize, Serialize};

use super::Administrator;
use crate::core::{Organization, Role};

/// Why a save is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "lockout")]
pub enum Lockout {
    /// Whoever saves would administer no more.
    Saver {
        /// The role at their next login; `None`: they would not come in, or nobody can say.
        role_after: Option<Role>,
        /// The groups that they were last seen in: mapping one of them to a role of `mending` mends it.
        groups: Vec<String>,
        /// The roles that administer, and the groups that would give them.
        mending: Vec<Mending>,
        /// Other administrators who are certain to remain. Empty: nobody may insist on this save.
        remaining: Vec<String>,
    },
    /// A connection goes that is the last way in of somebody with the highest role. Nobody may insist.
    Owners {
        /// Who.
        names: Vec<String>,
    },
    /// Nobody would administer the organization. Nobody may insist.
    Nobody {
        /// The groups of whoever saves, if somebody does: mapping one of them mends it.
        groups: Vec<String>,
        /// The roles that administer, and the groups that would give them.
        mending: Vec<Mending>,
    },
}

/// A role that administers, and how one gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mending {
    /// The role.
    pub role: Role,
    /// Groups that would give it after the save, as people read them.
    pub groups: Vec<String>,
}

impl Lockout {
    /// Whether the save may be made all the same, by typing the organization's name.
    #[must_use]
    pub const fn can_be_forced(&self) -> bool {
        match self {
            Self::Saver { remaining, .. } => !remaining.is_empty(),
            Self::Owners { .. } | Self::Nobody { .. } => false,
        }
    }

    /// One word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Saver { .. } => "lockout_saver",
            Self::Owners { .. } => "lockout_owner",
            Self::Nobody { .. } => "lockout_nobody",
        }
    }

    /// What stands against the save, and what would mend it.
    #[must_use]
    pub fn sentence(&self, organization: &Organization) -> String {
        let name = &organization.name;
        let (what, groups, mending, remaining): (_, _, _, &[String]) = match self {
            Self::Saver { role_after: None, groups, mending, remaining } => {
                (format!("You could not administer {name} any more."), groups, mending, remaining)
            }
            Self::Saver { role_after: Some(role), groups, mending, remaining } => {
                (format!("You would be {role} and could not administer {name} any more."), groups, mending, remaining)
            }
            Self::Owners { names } => {
                let highest = organization.roles.first().map_or("the highest role", Role::as_str);
                return format!(
                    "This is the last way in of {} ({highest}). Let them sign in through another connection first, or take the role from them.",
                    listed(names.iter().map(String::as_str), "and")
                );
            }
            Self::Nobody { groups, mending } => (format!("Nobody could administer {name} any more."), groups, mending, &[]),
        };
        let ways: Vec<String> = [map_own(groups, mending), join(mending), ask(remaining)].into_iter().flatten().collect();
        match ways.as_slice() {
            [] => format!("{what} Keep an administrator’s role for somebody who has it now."),
            ways => format!("{what} To mend it, {}.", listed(ways.iter().map(String::as_str), "or")),
        }
    }
}

/// What whoever saves can do alone.
fn map_own(groups: &[String], mending: &[Mending]) -> Option<String> {
    let roles = listed(mending.iter().map(|mending| mending.role.as_str()), "or");
    let own = listed(groups.iter().map(String::as_str), "or");
    (!own.is_empty()).then(|| format!("map one of your groups ({own}) to {roles}"))
}

/// What can be done at the provider.
fn join(mending: &[Mending]) -> Option<String> {
    let ways = mending.iter().filter(|mending| !mending.groups.is_empty());
    let ways: Vec<String> =
        ways.map(|mending| format!("{} to be {}", listed(mending.groups.iter().map(String::as_str), "or"), mending.role)).collect();
    (!ways.is_empty()).then(|| format!("get into {}", ways.join(" and ")))
}

/// Who else can save.
fn ask(remaining: &[String]) -> Option<String> {
    let names = listed(remaining.iter().map(String::as_str).take(3), "or");
    (!names.is_empty()).then(|| format!("ask {names} to save this"))
}

/// The roles that administer, with the groups that give them at a login.
pub(super) fn mending(organization: &Organization) -> Vec<Mending> {
    let groups = |role: &Role| {
        let of_role = organization.role_mappings.iter().filter(|mapping| &mapping.role == role).flat_map(|mapping| &mapping.groups);
        of_role.map(|group| group.label.clone().unwrap_or_else(|| group.value.clone())).collect()
    };
    let administer = organization.roles.iter().filter(|role| organization.is_administrator(role));
    administer
        .map(|role| Mending { role: role.clone(), groups: if organization.maps_at_login() { groups(role) } else { Vec::new() } })
        .collect()
}

/// Who may be relied on to mend things.
pub(super) fn remaining<'a>(
    administrators: &'a [Administrator],
    but: &'a crate::core::PersonId,
) -> impl Iterator<Item = &'a Administrator> {
    administrators.iter().filter(move |administrator| administrator.certain && administrator.person != *but)
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn listed<'a>(items: impl Iterator<Item = &'a str>, word: &str) -> String {
    let items: Vec<&str> = items.collect();
    match items.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
