//! Pins: exceptions with a reason and an end (row 46).

use jiff::Timestamp;

use super::{After, Refusal, Seats, Situation, active};
use crate::core::{MemberRow, Pin};

/// What is pinned counts from now on, not from the next login.
pub(super) fn pin(situation: &Situation, row: &MemberRow, pin: &Pin, now: Timestamp, seats: &mut Seats<'_>) -> Result<After, Refusal> {
    active(row)?;
    if !situation.groups_decide(row) {
        let sentence = "groups do not decide here, so a change by hand stays by itself: change role or seat instead";
        return Err(Refusal::new("no_pin_needed", sentence));
    }
    let longest = situation.organization.policy.pin_max;
    if pin.ends_at <= now || pin.ends_at.duration_since(now) > longest {
        let days = longest.as_hours() / 24;
        return Err(Refusal::new("pin_too_long", format!("a pin ends within {days} days from now")));
    }
    let mut member = row.member.clone();
    if let Some(role) = &pin.role {
        member.role = role.clone();
    }
    if let Some(seat) = &pin.seat
        && *seat != member.seat
    {
        seats.give_back(member.seat.as_ref());
        if let Some(tier) = seat {
            seats.take(tier)?;
        }
        member.seat.clone_from(seat);
        member.seat_unassigned = false;
    }
    if pin.seat.is_some() {
        member.wanted_tier = None;
    }
    member.pin = Some(pin.clone());
    Ok((member, None))
}
