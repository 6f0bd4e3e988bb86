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
    /// The claim has a type that cannot be read as groups (`null`, a number, …).
    Malformed,
    /// The provider says that there are too many groups to list (Entra ID).
    Overage,
}

impl GroupClaim {
    /// The claim for a list of values: trimmed, without empty ones; no value left is [`GroupClaim::Empty`].
    pub fn from_values<I: IntoIterator<Item = S>, S: AsRef<str>>(values: I) -> Self {
        let groups: BTreeSet<String> =
            values.into_iter().map(|value| value.as_ref().trim().to_owned()).filter(|value| !value.is_empty()).collect();
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
