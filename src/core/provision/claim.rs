//! Step 6: what the group claim of this login says (rules.md, "Group value states").

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::candidate::Candidate;
use super::decision::{Rule, Trace, Verdict};
use super::mapping::{Received, note_near_misses};
use super::trace::count;
use crate::core::{GroupClaim, Member, Reason};

/// The groups of a person, as far as they matter.
#[derive(Debug)]
pub(super) enum Groups {
    /// Groups do not decide at this login (rows 8, 10).
    Ignored,
    /// These, perhaps none.
    Known(Received),
    /// The claim says nothing that could be believed, for this reason.
    Unknown(Reason),
}

impl Groups {
    pub(super) fn read(candidate: &Candidate<'_>, trace: &mut Trace) -> Self {
        let organization = candidate.organization();
        if candidate.is_guest() {
            trace.add(Rule::Groups, Verdict::Noted, "groups say nothing about guests");
            return Self::Ignored;
        }
        if !organization.maps_at_login() {
            trace.add(Rule::Groups, Verdict::Noted, "groups do not decide at a login here");
            return Self::Ignored;
        }
        let healthy = candidate.login.facts.connection.health.is_healthy(candidate.login.now);
        let (groups, detail) = match &candidate.login.identity.groups {
            GroupClaim::Present(values) => {
                let received = trimmed(values);
                let detail = format!("present: {}", count(received.len(), "group"));
                note_near_misses(trace, organization, &received);
                (Self::Known(received), detail)
            }
            GroupClaim::Empty => (Self::Known(Received::new()), "empty: the claim came without a group".to_owned()),
            GroupClaim::Absent if healthy => {
                let detail = "absent, and others had it on this connection within a day: counts as no group";
                (Self::Known(Received::new()), detail.to_owned())
            }
            GroupClaim::Absent => {
                let detail = "absent, and nobody had it on this connection within a day: the claim may be broken";
                (Self::Unknown(Reason::GroupsClaimMissing), detail.to_owned())
            }
            GroupClaim::Malformed => (Self::Unknown(Reason::GroupsClaimMalformed), "of a type that cannot be read as groups".to_owned()),
            GroupClaim::Overage => (Self::Unknown(Reason::GroupsOverage), "too many groups: the provider sent none of them".to_owned()),
        };
        trace.add(Rule::Groups, Verdict::Noted, detail);
        groups
    }
}

fn trimmed(values: &BTreeSet<String>) -> Received {
    values.iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// Whether role and seat are still kept without groups: from the last login with groups, or else since the person joined.
pub(super) fn within_grace(candidate: &Candidate<'_>, member: &Member) -> bool {
    let grace = candidate.organization().policy.groups_absent_grace;
    let since = member.last_groups_at.unwrap_or(member.joined_at);
    grace > SignedDuration::ZERO && candidate.login.now.duration_since(since) <= grace
}
