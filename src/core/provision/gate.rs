//! The seat gate: what there is for a wish. It never takes a seat from anybody and never gives one that is not free; the store
//! counts again inside the transaction (row 35).

use super::candidate::Candidate;
use super::decision::{Rule, Trace, Verdict};
use super::facts::SeatCount;
use crate::core::{Invite, OnTierFull, Organization, Reason, SeatTier};

/// What the rules want, before anyone counts.
#[derive(Debug)]
pub(super) enum Wish {
    /// What there is now, and the same place in the queue.
    Keep,
    /// This tier, and a place in its queue while it is full.
    Tier(SeatTier),
    /// The first of these that has a seat.
    FirstFree(Vec<SeatTier>),
    /// No seat.
    Nothing,
    /// No seat, so no way in (row 34, and `no_seat_match = refuse`).
    Refuse,
}

/// The seat after this login.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) tier: Option<SeatTier>,
    /// The tier that the member waits for from now on.
    pub(super) waits_for: Option<SeatTier>,
    /// What was noticed on the way.
    pub(super) notes: Vec<Reason>,
}

impl Place {
    fn at(tier: Option<SeatTier>) -> Self {
        Self { tier, ..Self::default() }
    }

    fn queued(tier: Option<SeatTier>, waits_for: SeatTier, note: Reason) -> Self {
        Self { tier, waits_for: Some(waits_for), notes: vec![note] }
    }

    pub(super) fn noting(mut self, note: Reason) -> Self {
        self.notes.push(note);
        self
    }
}

/// The seats as they are for one person.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    organization: &'a Organization,
    seats: &'a [SeatCount],
    /// The member's own seat costs nothing.
    current: Option<&'a SeatTier>,
    /// The seat held by the invite that this login uses up (rows 2, 37).
    held: Option<&'a SeatTier>,
}

impl<'a> Gate<'a> {
    pub(super) fn of(candidate: &Candidate<'a>) -> Self {
        Self {
            organization: candidate.organization(),
            seats: &candidate.login.facts.seats,
            current: candidate.member.and_then(|member| member.seat.as_ref()),
            held: candidate.invite.and_then(|invite: &'a Invite| invite.seat.as_ref()),
        }
    }

    /// The place for a wish, or why there is none. A member is never refused for full tiers, and nor is the Primary Owner.
    pub(super) fn grant(&self, candidate: &Candidate<'_>, wish: Wish) -> Result<Place, Reason> {
        let may_be_seatless = candidate.member.is_some() || candidate.primary_owner;
        match wish {
            Wish::Refuse => Err(Reason::SeatUnassigned),
            Wish::Nothing => Ok(Place::at(None)),
            Wish::Keep => Ok(Place { waits_for: candidate.place_in_queue().cloned(), ..Place::at(self.current.cloned()) }),
            Wish::FirstFree(tiers) => match tiers.into_iter().find(|tier| self.is_open(tier)) {
                Some(tier) => Ok(Place::at(Some(tier))),
                None if may_be_seatless => Ok(Place::at(self.current.cloned())),
                None => Err(Reason::NoSeatsLeft),
            },
            Wish::Tier(tier) if self.is_open(&tier) => Ok(Place::at(Some(tier))),
            Wish::Tier(tier) => match self.instead_of(&tier, candidate.primary_owner) {
                Some(lower) => Ok(Place::queued(Some(lower), tier, Reason::TierFullLowered)),
                None if may_be_seatless || self.organization.policy.on_tier_full == OnTierFull::NoSeat => {
                    Ok(Place::queued(self.current.cloned(), tier, Reason::TierUpgradeQueued))
                }
                None => Err(Reason::NoSeatsLeft),
            },
        }
    }

    /// Rows 30, 32: someone with a seat stays there; anyone else may get the next lower one that is free, never a higher one.
    fn instead_of(&self, full: &SeatTier, primary_owner: bool) -> Option<SeatTier> {
        let may_be_lower = primary_owner || self.organization.policy.on_tier_full == OnTierFull::NextLower;
        let mut lower = self.organization.seat_tiers.iter().map(|owned| &owned.tier).skip_while(|tier| *tier != full).skip(1);
        lower.find(|tier| self.current.is_none() && may_be_lower && self.is_open(tier)).cloned()
    }

    fn is_open(&self, tier: &SeatTier) -> bool {
        self.current == Some(tier) || self.free(tier) > 0
    }

    /// None at all when more are used than owned, also for who releases one of them (row 36).
    fn free(&self, tier: &SeatTier) -> u32 {
        let released = u32::from(self.held == Some(tier));
        let count = self.seats.iter().find(|count| &count.tier == tier);
        count.map_or(0, |count| count.owned.saturating_sub(count.used.saturating_sub(released)))
    }

    pub(super) fn note(&self, trace: &mut Trace) {
        for count in self.seats {
            let SeatCount { tier, owned, used } = count;
            let own = if self.held == Some(tier) { ", one of them held by this invite" } else { "" };
            let over = if used > owned { ": more than owned, nobody loses one" } else { "" };
            let detail = format!("{tier}: {owned} owned, {used} used{own}, {} free{over}", self.free(tier));
            trace.add(Rule::SeatGate, Verdict::Noted, detail);
        }
    }
}
