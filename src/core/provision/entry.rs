//! Step 11: everything that lets the person in, as changes to write in one transaction.

use super::candidate::Candidate;
use super::decision::{Admission, Change};
use super::gate::Place;
use super::person::Tie;
use super::role::Standing;
use crate::core::{EmailAddress, Member, Mode, Person, Reason};

pub(super) fn write(candidate: &Candidate<'_>, standing: Standing, place: Place) -> (Admission, Vec<Change>) {
    let mut changes = Vec::new();
    about_person(candidate, &mut changes);
    if let Some(invite) = candidate.invite {
        changes.push(Change::ConsumeInvite { invite: invite.id, held: invite.seat.clone() });
    }
    about_member(candidate, &standing, &place, &mut changes);
    about_leftovers(candidate, &place, &mut changes);

    let reason = match (candidate.member, candidate.former) {
        (Some(_), _) => Reason::OkExisting,
        (None, Some(_)) => Reason::OkReadded,
        (None, None) => Reason::OkNew,
    };
    let mut notes = Vec::new();
    for note in standing.notes.into_iter().chain(place.notes) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    (Admission { reason, role: standing.role, seat: place.tier, notes }, changes)
}

fn about_person(candidate: &Candidate<'_>, changes: &mut Vec<Change>) {
    let identity = candidate.login.identity;
    let name = identity.name.clone().filter(|name| !name.trim().is_empty());
    match candidate.found.known.map(|known| &known.person) {
        None => changes.push(Change::CreatePerson { email: identity.email.clone(), name }),
        Some(Person { id, email: old_email, name: old_name, .. }) => {
            let email = identity.email.clone().or_else(|| old_email.clone());
            let name = name.or_else(|| old_name.clone());
            let as_text = |email: &Option<EmailAddress>| email.as_ref().map(|email| email.as_str().to_owned());
            if as_text(&email) != as_text(old_email) || &name != old_name {
                changes.push(Change::UpdatePerson { person: *id, email, name });
            }
        }
    }
    match candidate.found.tie {
        Tie::Linked => {}
        Tie::New => changes.push(Change::CreateLink),
        Tie::Replaces(link) => changes.push(Change::Relink { link }),
    }
}

fn about_member(candidate: &Candidate<'_>, standing: &Standing, place: &Place, changes: &mut Vec<Change>) {
    let (role, seat) = (standing.role.clone(), place.tier.clone());
    let Some(row) = candidate.member.or(candidate.former) else {
        changes.push(Change::CreateMember { role, seat, primary_owner: candidate.primary_owner });
        return;
    };
    let member = row.id;
    if candidate.former.is_some() {
        changes.push(Change::ReaddMember { member, role, seat });
    } else {
        if row.role != role {
            changes.push(Change::SetRole { member, from: row.role.clone(), to: role });
        }
        if row.seat != seat {
            changes.push(Change::MoveSeat { member, from: row.seat.clone(), to: seat });
        }
    }
    if candidate.primary_owner && !candidate.is_marked() {
        changes.push(Change::MarkPrimaryOwner { member });
    }
}

/// A pin that counts no more, and the place in the queue.
fn about_leftovers(candidate: &Candidate<'_>, place: &Place, changes: &mut Vec<Change>) {
    let row = candidate.member.or(candidate.former);
    if let Some(member) = row.filter(|member| is_pin_over(candidate, member)) {
        changes.push(Change::DropPin { member: member.id });
    }
    let waited_for = row.and_then(|member| member.wanted_tier.as_ref()).map(|wanted| &wanted.tier);
    match (&place.waits_for, row) {
        (Some(tier), _) if waited_for != Some(tier) => changes.push(Change::QueueForTier { tier: tier.clone() }),
        (None, Some(member)) if waited_for.is_some() => changes.push(Change::LeaveQueue { member: member.id }),
        _ => {}
    }
}

/// Ended, left over from before a removal, or left over from mappings that are off (row 58). Under SCIM the sync takes ended ones off.
fn is_pin_over(candidate: &Candidate<'_>, member: &Member) -> bool {
    let by_sync = candidate.mappings_on() && candidate.organization().mode == Mode::Scim && candidate.former.is_none();
    member.pin.is_some() && candidate.pin().is_none() && !by_sync
}
