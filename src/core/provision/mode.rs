//! Step 5: who may become a member by logging in. Members pass here in every mode.

use super::candidate::Candidate;
use super::decide::Refusal;
use super::decision::{Rule, Trace, Verdict};
use crate::core::{Mode, Reason};

pub(super) fn check(candidate: &Candidate<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    if candidate.is_guest() {
        trace.add(Rule::Mode, Verdict::Noted, "guests come by invites in every mode");
        return Ok(());
    }
    let organization = candidate.organization();
    let mapped = if organization.group_mappings && organization.mode != Mode::Manual { "with" } else { "without" };
    let mode = format!("{} {mapped} group mappings", organization.mode);
    let newcomer = candidate.member.is_none() && !candidate.primary_owner;
    let refusal = match organization.mode {
        Mode::Manual if newcomer && candidate.invite.is_none() => Refusal::recorded(Reason::NotInvited),
        // Row 7: the directory alone makes members, even of someone invited.
        Mode::Scim if newcomer => Refusal::plain(Reason::NotInDirectory),
        Mode::Manual | Mode::Jit | Mode::Scim => {
            trace.add(Rule::Mode, Verdict::Noted, mode);
            return Ok(());
        }
    };
    trace.add(Rule::Mode, Verdict::Refused, format!("{mode}: nobody becomes a member by logging in"));
    Err(refusal)
}
