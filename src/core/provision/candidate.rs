//! Step 4, and what the later steps ask about the person: member or newcomer, invited, Primary Owner, pinned.

use jiff::Timestamp;

use super::Facts;
use super::decide::Refusal;
use super::decision::{Rule, Trace, Verdict};
use super::person::Found;
use crate::core::{Identity, Invite, Member, MemberStatus, Organization, Pin, Reason, SeatTier};

/// The question: this identity, with these facts, now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) facts: &'a Facts,
    pub(super) identity: &'a Identity,
    pub(super) now: Timestamp,
}

/// The person who wants to come in.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) login: Login<'a>,
    pub(super) found: Found<'a>,
    /// The member, if active. `None` makes a newcomer, also of someone who was removed.
    pub(super) member: Option<&'a Member>,
    /// The member, if removed (rows 40-42).
    pub(super) former: Option<&'a Member>,
    /// The invite, if open.
    pub(super) invite: Option<&'a Invite>,
    /// Is the Primary Owner, or becomes it now.
    pub(super) primary_owner: bool,
}

impl<'a> Candidate<'a> {
    pub(super) fn of(login: Login<'a>, found: Found<'a>, trace: &mut Trace) -> Result<Self, Refusal> {
        let row = found.known.and_then(|known| known.member.as_ref());
        let (member, former) = match row.map(|member| member.status) {
            Some(MemberStatus::Blocked) => {
                trace.add(Rule::Status, Verdict::Refused, "removed and blocked by an admin");
                return Err(Refusal::plain(Reason::BlockedByAdmin));
            }
            Some(MemberStatus::Active) => (row, None),
            Some(MemberStatus::Removed) => (None, row),
            None => (None, None),
        };
        trace.add(
            Rule::Status,
            Verdict::Noted,
            match (member, former) {
                (Some(_), _) => "active member",
                (None, Some(_)) => "was a member and was removed: comes as a new person",
                (None, None) => "no member yet",
            },
        );
        let candidate =
            Self { login, found, member, former, invite: open_invite(login, trace), primary_owner: is_primary_owner(login, member) };
        if candidate.primary_owner {
            let how = if candidate.is_marked() { "is the Primary Owner" } else { "has the address set for the Primary Owner" };
            trace.add(Rule::Guard, Verdict::Noted, how);
        }
        Ok(candidate)
    }

    pub(super) fn organization(&self) -> &'a Organization {
        &self.login.facts.organization
    }

    /// Whether the member is marked as the Primary Owner already.
    pub(super) fn is_marked(&self) -> bool {
        self.member.is_some_and(|member| member.primary_owner)
    }

    /// Whether this is a guest, who came by an invite and stays by hand (row 39).
    pub(super) fn is_guest(&self) -> bool {
        !self.login.facts.connection.domain_verified
    }

    /// Whether groups decide at all, at a login or by sync.
    pub(super) fn mappings_on(&self) -> bool {
        self.organization().maps_groups() && !self.is_guest()
    }

    /// The tier that the member waits for. Without mappings nothing wants another tier (row 58).
    pub(super) fn place_in_queue(&self) -> Option<&'a SeatTier> {
        let wanted = self.member?.wanted_tier.as_ref()?;
        self.mappings_on().then_some(&wanted.tier)
    }

    /// The pin that counts now: on an active member, under mappings, not ended (rows 46, 58).
    pub(super) fn pin(&self) -> Option<&'a Pin> {
        let pin = self.member?.pin.as_ref()?;
        (self.organization().maps_at_login() && self.login.now < pin.ends_at).then_some(pin)
    }
}

/// An invite found by another address than the asserted one would let anyone in on it.
fn open_invite<'a>(login: Login<'a>, trace: &mut Trace) -> Option<&'a Invite> {
    let invite = login.facts.invite.as_ref().filter(|invite| Some(&invite.email) == login.identity.email.as_ref())?;
    let open = login.now < invite.expires_at;
    let held = invite.seat.as_ref().map_or_else(|| "no seat".to_owned(), |tier| format!("a {tier} seat"));
    let detail = if open { format!("invited as {}, holding {held}", invite.role) } else { "invite expired".to_owned() };
    trace.add(Rule::Invite, if open { Verdict::Noted } else { Verdict::NoMatch }, detail);
    open.then_some(invite)
}

/// The mark on the active member counts; the configured address only makes the first one (row 52, R10).
fn is_primary_owner(login: Login<'_>, member: Option<&Member>) -> bool {
    if member.is_some_and(|member| member.primary_owner) {
        return true;
    }
    let configured = login.facts.organization.primary_owner.as_ref();
    !login.facts.other_primary_owner && configured.is_some() && configured == login.identity.email.as_ref()
}
