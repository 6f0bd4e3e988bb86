//! Seats by hand: the same gate as at a login. It never takes one from anybody and never gives one that is not free (row 36); the store counts again.

use super::{After, Refusal, Situation, active};
use crate::core::provision::SeatCount;
use crate::core::{Member, MemberRow, SeatTier};

/// The seats while an act goes from one member to the next.
#[derive(Debug)]
pub(super) struct Seats<'a> {
    counts: Vec<SeatCount>,
    situation: &'a Situation,
}

impl<'a> Seats<'a> {
    pub(super) fn of(situation: &'a Situation) -> Self {
        Self { counts: situation.seats.clone(), situation }
    }

    pub(super) fn give_back(&mut self, tier: Option<&SeatTier>) {
        if let Some(count) = self.counts.iter_mut().find(|count| Some(&count.tier) == tier) {
            count.used = count.used.saturating_sub(1);
        }
    }

    /// Takes one, if one is free.
    pub(super) fn take(&mut self, tier: &SeatTier) -> Result<(), Refusal> {
        let Some(count) = self.counts.iter_mut().find(|count| &count.tier == tier) else {
            return Err(Refusal::new("no_such_tier", format!("{} has no seat tier {tier}", self.situation.organization.name)));
        };
        if count.free() == 0 {
            return Err(full(count));
        }
        count.used += 1;
        Ok(())
    }

    /// Takes a seat of `tier`, or else the next lower one that is free.
    pub(super) fn take_or_lower(&mut self, tier: &SeatTier) -> Option<SeatTier> {
        let from = self.counts.iter().position(|count| &count.tier == tier)?;
        self.take_first_free(from)
    }

    /// Takes the highest free seat, from a rank downwards.
    pub(super) fn take_first_free(&mut self, from: usize) -> Option<SeatTier> {
        let count = self.counts.iter_mut().skip(from).find(|count| count.free() > 0)?;
        count.used += 1;
        Some(count.tier.clone())
    }
}

/// Why there is no seat of a tier.
pub(super) fn full(count: &SeatCount) -> Refusal {
    let SeatCount { tier, owned, used } = count;
    let now = if used > owned {
        format!("{used} {tier} seats are in use and {owned} are owned")
    } else {
        format!("all {owned} {tier} seats are in use")
    };
    Refusal::new("tier_full", format!("{now}; free one, or own more"))
}

/// Rows 30, 32: the rules want this seat, so a hand may give it also where groups decide.
pub(super) fn give_waiting(row: &MemberRow, seats: &mut Seats<'_>) -> Result<After, Refusal> {
    active(row)?;
    let Some(wanted) = &row.member.wanted_tier else {
        return Err(Refusal::new("not_waiting", format!("{} waits for no seat", row.name())));
    };
    seats.give_back(row.member.seat.as_ref());
    seats.take(&wanted.tier)?;
    let seat = Some(wanted.tier.clone());
    Ok((Member { seat, seat_unassigned: false, wanted_tier: None, ..row.member.clone() }, None))
}

pub(super) fn reclaim(row: &MemberRow, seats: &mut Seats<'_>) -> Result<After, Refusal> {
    active(row)?;
    let Some(seat) = &row.member.seat else {
        return Err(Refusal::new("no_seat", format!("{} has no seat", row.name())));
    };
    seats.give_back(Some(seat));
    Ok((Member { seat: None, wanted_tier: None, ..row.member.clone() }, None))
}
