//! The group claim of one login, and how healthy the claim is on its connection (rules.md, "Group value states").

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What the identity provider said about groups at one login.
///
/// Four states decide (present, empty, absent, overage); a malformed claim counts as absent on an unhealthy connection, with its own reason code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "groups")]
pub enum GroupClaim {
    /// The claim has at least one value. Values are trimmed of outer white space, and otherwise as they came.
    Present(BTreeSet<String>),
    /// The claim is there and has no value.
    Empty,
    /// The claim is not there.
    Absent,
    /// The claim has a type that cannot be read as groups (`null`, a number, …), or control characters.
    Malformed,
    /// The provider says that there are too many groups to list (Entra ID).
    Overage,
}

impl GroupClaim {
    /// The claim for a list of values, whichever door they came through: trimmed, without empty ones; no value left is [`GroupClaim::Empty`]. A control
    /// character makes all of it [`GroupClaim::Malformed`], because leaving one group out would change a decision silently; but for blanks and line ends
    /// around a value, which are how somebody writes XML.
    pub fn from_values<I: IntoIterator<Item = S>, S: AsRef<str>>(values: I) -> Self {
        let mut groups = BTreeSet::new();
        for value in values {
            // Not `trim`: U+0085, a control, is white space to it.
            let value = value.as_ref().trim_ascii();
            if value.contains(char::is_control) {
                return Self::Malformed;
            }
            groups.insert(value.trim().to_owned());
        }
        groups.remove("");
        if groups.is_empty() { Self::Empty } else { Self::Present(groups) }
    }
}

/// When a connection last delivered its group claim to anyone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimHealth {
    /// The last login on this connection, of anyone, with groups present.
    pub last_present_at: Option<Timestamp>,
}

impl ClaimHealth {
    /// How recent a delivered claim must be for the claim to count as healthy.
    pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

    /// Whether the claim was delivered to someone within [`Self::WINDOW`] before `now`.
    #[must_use]
    pub fn is_healthy(self, now: Timestamp) -> bool {
        self.last_present_at.is_some_and(|at| now.duration_since(at) <= Self::WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_in_one_group_makes_the_claim_malformed() {
        for odd in ["a\u{0}", "a\nb", "\u{7f}a", "a\u{80}", "\u{85}a", "a\u{85}", "a\u{9f}b", "\u{85}", "a \u{85} "] {
            assert_eq!(GroupClaim::from_values(["staff", odd]), GroupClaim::Malformed, "{odd:?}");
        }
    }

    #[test]
    fn what_stands_around_a_value_is_no_part_of_it() {
        let of = |values: &[&str]| GroupClaim::Present(values.iter().map(|value| (*value).to_owned()).collect());
        assert_eq!(GroupClaim::from_values(["\n    staff\r\n\t", "\u{a0}a b\u{2003}", " ", "\n"]), of(&["a b", "staff"]));
        assert_eq!(GroupClaim::from_values(["", "\t"]), GroupClaim::Empty);
    }
}
