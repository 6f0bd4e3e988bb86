//! The Primary Owner hands the ownership over (R10).

use super::{After, Refusal, Seats, active};
use crate::core::{Member, MemberId, MemberRow, Organization};

/// Both rows of a transfer. The new one gets the highest role and, if there is one, a seat (row 52); the former one keeps the highest role.
pub(super) fn transfer(organization: &Organization, row: &MemberRow, to: MemberId, seats: &mut Seats<'_>) -> Result<After, Refusal> {
    let mut member: Member = row.member.clone();
    if let Some(highest) = organization.roles.first() {
        member.role = highest.clone();
    }
    member.primary_owner = member.id == to;
    if member.id != to {
        return Ok((member, None));
    }
    active(row)?;
    if member.last_login_at.is_none() {
        let sentence = format!("{} has never signed in; the Primary Owner must be somebody who can", row.name());
        return Err(Refusal::new("never_signed_in", sentence));
    }
    if member.seat.is_none() {
        member.seat = seats.take_first_free(0);
        member.seat_unassigned &= member.seat.is_none();
    }
    Ok((member, None))
}
