//! Which mapped groups a person is in: compared exactly after outer white space is taken off, never folded, never split.
//!
//! Folding has given `"Admin"` the role of `admin` elsewhere (Materialize #36509), so a difference in case or blanks only makes a note.

use std::collections::{BTreeMap, BTreeSet};

use super::decision::{Rule, Trace, Verdict};
use crate::core::{MappedGroup, Organization};

/// The groups that came, trimmed.
pub(super) type Received = BTreeSet<String>;

/// One role or tier, and the person's groups that give it.
pub(super) struct Match<'a, T> {
    pub(super) gives: &'a T,
    mapped: Vec<&'a MappedGroup>,
    groups: Vec<String>,
}

impl<'a, T> Match<'a, T> {
    /// Holds what is mapped to a name against what came.
    pub(super) fn find(gives: &'a T, mapped: impl Iterator<Item = &'a MappedGroup>, received: &Received) -> Self {
        let mapped: Vec<&MappedGroup> = mapped.collect();
        let groups = mapped.iter().filter(|group| received.contains(group.value.trim())).map(|group| shown(group).to_owned()).collect();
        Self { gives, mapped, groups }
    }

    pub(super) fn fits(&self) -> bool {
        !self.groups.is_empty()
    }
}

fn shown(group: &MappedGroup) -> &str {
    group.label.as_deref().unwrap_or(&group.value)
}

/// Writes down every name tried; `winner` is the one that decided, if a mapping did.
pub(super) fn note_matches<T: std::fmt::Display + PartialEq>(trace: &mut Trace, rule: Rule, tried: Vec<Match<'_, T>>, winner: Option<&T>) {
    let total = tried.len();
    for (index, attempt) in tried.into_iter().enumerate() {
        let rank = format!("rank {} of {total}: {}", index + 1, attempt.gives);
        let (verdict, detail) = if !attempt.fits() {
            let needs: Vec<&str> = attempt.mapped.iter().map(|group| shown(group)).collect();
            let why = if needs.is_empty() { "no group is mapped to it".to_owned() } else { format!("needs {}", needs.join(" or ")) };
            (Verdict::NoMatch, format!("{rank}, {why}"))
        } else if winner == Some(attempt.gives) {
            (Verdict::Won, format!("{rank} by {}", attempt.groups.join(", ")))
        } else {
            (Verdict::Lost, format!("{rank} by {}, overruled", attempt.groups.join(", ")))
        };
        trace.add_by_groups(rule, verdict, detail, attempt.groups);
    }
}

/// Notes received groups that differ from a mapped one in case or blanks only.
pub(super) fn note_near_misses(trace: &mut Trace, organization: &Organization, received: &Received) {
    let roles = organization.role_mappings.iter().map(|mapping| (mapping.role.as_str(), &mapping.groups));
    let tiers = organization.seat_tier_mappings.iter().map(|mapping| (mapping.tier.as_str(), &mapping.groups));
    let mut mapped: BTreeMap<String, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (gives, groups) in roles.chain(tiers) {
        for group in groups {
            mapped.entry(folded(&group.value)).or_default().insert((group.value.trim(), gives));
        }
    }
    for came in received {
        for (value, gives) in mapped.get(&folded(came)).into_iter().flatten() {
            if came != value {
                let detail = format!("{came:?} came, {value:?} is mapped to {gives}: not the same");
                trace.add(Rule::NearMiss, Verdict::Noted, detail);
            }
        }
    }
}

/// A name without what people overlook: case and blanks.
#[must_use]
pub fn folded(group: &str) -> String {
    group.split_whitespace().collect::<String>().to_lowercase()
}
