//! Guests: people whose address is in a domain that is not the parent's (row 39). A provider is not believed about such an address, so it opens
//! nothing by itself; it only finds the invite that an administrator made for exactly this address, and afterwards the member that came of it.
//! Groups say nothing about guests: role and seat are those of the invite.

use super::candidate::Login;
use super::decision::{Rule, Trace, Verdict};
use crate::core::MemberStatus;

/// Whether the organization lets this address in as a guest's.
pub(super) fn may_come(login: Login<'_>, trace: &mut Trace) -> bool {
    let facts = login.facts;
    if !facts.connection.guest_domain || !facts.organization.policy.allow_guests {
        return false;
    }
    let address = login.identity.email.as_ref();
    let invited = facts.invite.as_ref().is_some_and(|invite| Some(&invite.email) == address && login.now < invite.expires_at);
    let is_here = facts.linked.as_ref().is_some_and(|known| {
        known.person.email.as_ref() == address && known.member.as_ref().is_some_and(|member| member.status == MemberStatus::Active)
    });
    let comes = invited || is_here;
    let (verdict, why) = match (invited, is_here) {
        (_, true) => (Verdict::Noted, "a guest, who is a member"),
        (true, false) => (Verdict::Noted, "a guest, who was invited"),
        (false, false) => (Verdict::Refused, "a guest's address, and nobody invited it"),
    };
    trace.add(Rule::Connection, verdict, why);
    comes
}
