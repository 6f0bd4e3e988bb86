//! An administrator's yes: the wait for it at a first login, and what it writes when it is given by hand.

use jiff::Timestamp;

use super::candidate::{Candidate, Login};
use super::decide::{Refusal, decide};
use super::decision::{Admission, Change, Decision, Outcome, Rule, Trace, Verdict};
use super::gate::{Gate, Place, Wish};
use super::role::Standing;
use super::{Facts, Known, connection, entry, person};
use crate::core::{Identity, Member, MemberId, MemberStatus, Person, PersonId, Pin, Reason, Role, SeatTier};

/// After everything else has said yes: someone new waits for an administrator, where the policy asks for one. An invite is a yes, and the Primary
/// Owner needs none.
pub(super) fn check(candidate: &Candidate<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    let asked_for = candidate.organization().policy.approve_first_logins;
    if !asked_for || candidate.member.is_some() || candidate.primary_owner || candidate.invite.is_some() {
        return Ok(());
    }
    trace.add(Rule::Approval, Verdict::Refused, "the rules would let this person in, and first logins wait for an administrator's yes");
    Err(Refusal::recorded(Reason::AwaitingApproval))
}

/// What an administrator gives somebody who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The seat; `None`: no seat.
    pub seat: Option<SeatTier>,
    /// Who gives it, as a pin shows it.
    pub by: String,
}

/// Decides what a yes by hand writes: the person, the link, the member with this role and seat. Mode and groups are not asked, but where they would
/// take it back at the next login, a pin holds it for as long as pins may last.
///
/// Total, as [`decide`]: whoever may not be let in by hand either (blocked, another's address, no seat) is refused.
#[must_use]
pub fn approve(facts: &Facts, identity: &Identity, grant: &Grant, now: Timestamp) -> Decision {
    let mut trace = Trace { at: now, steps: Vec::new() };
    match evaluate(Login { facts, identity, now }, grant, &mut trace) {
        Ok((admission, mut changes)) => {
            let pin = pin(facts, identity, &admission, grant, now);
            if let Some(pin) = &pin {
                trace.add(Rule::Pin, Verdict::Noted, format!("pinned until {}: the next login would decide otherwise", pin.ends_at));
            }
            changes.extend(pin.map(|pin| Change::SetPin { pin }));
            Decision { outcome: Outcome::Admit(admission), changes, trace }
        }
        Err(refusal) => Decision { outcome: Outcome::Refuse(refusal.reason()), changes: Vec::new(), trace },
    }
}

fn evaluate(login: Login<'_>, grant: &Grant, trace: &mut Trace) -> Result<(Admission, Vec<Change>), Refusal> {
    connection::check(login, trace)?;
    let found = person::find(login, trace)?;
    let candidate = Candidate::of(login, found, trace)?;
    if candidate.member.is_some() {
        trace.add(Rule::Approval, Verdict::Refused, "is a member already");
        return Err(Refusal::plain(Reason::ManagedByIdp));
    }
    trace.add(Rule::Approval, Verdict::Won, format!("{}, given by {}", grant.role, grant.by));
    let gate = Gate::of(&candidate);
    let wish = grant.seat.clone().map_or(Wish::Nothing, |tier| Wish::FirstFree(vec![tier]));
    let place: Result<Place, Reason> = gate.grant(&candidate, wish);
    gate.note(trace);
    let place = place.map_err(Refusal::plain)?;
    Ok(entry::write(&candidate, Standing::by_hand(grant.role.clone()), place))
}

/// A pin, if the next login of this person as it is now would not leave role and seat alone.
fn pin(facts: &Facts, identity: &Identity, admission: &Admission, grant: &Grant, now: Timestamp) -> Option<Pin> {
    if !facts.organization.maps_at_login() {
        return None;
    }
    let next = decide(&afterwards(facts, identity, admission, now), identity, now);
    if let Outcome::Admit(then) = &next.outcome
        && then.role == admission.role
        && then.seat == admission.seat
    {
        return None;
    }
    let ends_at = now.checked_add(facts.organization.policy.pin_max).unwrap_or(Timestamp::MAX);
    // A pin to no seat would keep the person out (row 34).
    let (role, seat) = (Some(admission.role.clone()), admission.seat.clone().map(Some));
    Some(Pin { role, seat, reason: "a request for access was approved".to_owned(), by: grant.by.clone(), ends_at })
}

/// The facts of the login after the yes.
fn afterwards(facts: &Facts, identity: &Identity, admission: &Admission, now: Timestamp) -> Facts {
    let nobody = uuid::Uuid::nil();
    let before = facts.linked.as_ref().or_else(|| facts.same_email.iter().find(|known| known.person.email == identity.email));
    let person = before.map_or_else(
        || Person { id: PersonId::from_uuid(nobody), email: identity.email.clone(), name: identity.name.clone(), service_account: false },
        |known| known.person.clone(),
    );
    let member = Member {
        id: MemberId::from_uuid(nobody),
        person: person.id,
        organization: facts.organization.id.clone(),
        status: MemberStatus::Active,
        role: admission.role.clone(),
        seat: admission.seat.clone(),
        wanted_tier: None,
        seat_unassigned: false,
        pin: None,
        primary_owner: false,
        last_login_at: Some(now),
        last_groups_at: None,
        joined_at: now,
        revision: 1,
    };
    let links = before.map(|known| known.links.clone()).unwrap_or_default();
    let same_email = facts.same_email.iter().filter(|known| known.person.id != person.id).cloned().collect();
    Facts { linked: Some(Known { person, links, member: Some(member) }), same_email, invite: None, ..facts.clone() }
}
