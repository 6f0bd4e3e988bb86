//! How many seats there would have to be: everyone's next login, asked as if every tier had room.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Preview, PreviewMember, Question, Scene};
use crate::core::provision::{Decision, Outcome};
use crate::core::{Identity, NoSeatMatch, Organization, OrganizationId, OwnedSeats, SeatTier, Settings, groups_behind_seat};

/// The seats of one tier, if everybody signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierForecast {
    /// Which.
    pub tier: SeatTier,
    /// Seats bought.
    pub owned: u32,
    /// Seats that there would have to be.
    pub needed: u64,
}

/// Everyone's next login, one after the other.
#[derive(Debug)]
pub struct Forecast {
    preview: Preview,
    owned: Vec<OwnedSeats>,
    policy: NoSeatMatch,
    /// People whose tier is settled.
    fixed: BTreeMap<SeatTier, u64>,
    /// People who take what is free.
    flexible: u64,
}

impl Forecast {
    /// Begins. `None` for an organization that is not there.
    #[must_use]
    pub fn new(settings: &Arc<Settings>, organization: &OrganizationId, scene: Scene, now: Timestamp) -> Option<Self> {
        let own = settings.find_organization(organization)?;
        let (owned, policy) = (own.seat_tiers.clone(), own.policy.no_seat_match);
        let mut roomy = settings.as_ref().clone();
        for organization in &mut roomy.organizations {
            make_room(organization);
        }
        let (before, after) = (Arc::clone(settings), Arc::new(roomy));
        let question = Question { before, after, organization: organization.clone(), saver: None, now };
        Some(Self { preview: Preview::new(question, scene)?, owned, policy, fixed: BTreeMap::new(), flexible: 0 })
    }

    /// A member signs in. Who was never seen keeps the seat.
    pub fn add(&mut self, member: &PreviewMember) {
        match self.preview.look(member) {
            Ok(outlook) => self.count(&outlook.decision),
            Err(_) => self.fix(member.member.seat.as_ref()),
        }
    }

    /// Somebody who is not a member signs in.
    pub fn add_stranger(&mut self, identity: &Identity) {
        if let Some(decision) = self.preview.look_at_stranger(identity) {
            self.count(&decision);
        }
    }

    /// Seats that open invites hold.
    pub fn hold(&mut self, tier: &SeatTier, seats: u32) {
        *self.fixed.entry(tier.clone()).or_default() += u64::from(seats);
    }

    fn count(&mut self, decision: &Decision) {
        let Outcome::Admit(admission) = &decision.outcome else { return };
        let by_groups = self.preview.becomes().maps_at_login();
        if by_groups && admission.seat.is_some() && groups_behind_seat(decision).is_empty() && !pinned(decision) {
            self.flexible += 1;
        } else {
            self.fix(admission.seat.as_ref());
        }
    }

    fn fix(&mut self, tier: Option<&SeatTier>) {
        if let Some(tier) = tier {
            *self.fixed.entry(tier.clone()).or_default() += 1;
        }
    }

    /// The tiers, highest first. Whoever no group sends to a tier fills what is free, as the policy says, and stands in the last tier when nothing is.
    #[must_use]
    pub fn finish(self) -> Vec<TierForecast> {
        let Self { owned, policy, fixed, mut flexible, .. } = self;
        let needed = |seats: &OwnedSeats| fixed.get(&seats.tier).copied().unwrap_or_default();
        let mut tiers: Vec<TierForecast> =
            owned.iter().map(|seats| TierForecast { tier: seats.tier.clone(), owned: seats.owned, needed: needed(seats) }).collect();
        let lowest_first = policy == NoSeatMatch::LowestAvailable;
        if lowest_first {
            tiers.reverse();
        }
        let last = tiers.len().saturating_sub(1);
        for (place, tier) in tiers.iter_mut().enumerate() {
            let free = u64::from(tier.owned).saturating_sub(tier.needed);
            let taken = if place == last { flexible } else { flexible.min(free) };
            tier.needed += taken;
            flexible -= taken;
        }
        if lowest_first {
            tiers.reverse();
        }
        tiers
    }
}

/// Room for everybody, and nobody waits for a yes.
fn make_room(organization: &mut Organization) {
    organization.seat_tiers.iter_mut().for_each(|seats| seats.owned = u32::MAX);
    organization.policy.approve_first_logins = false;
}

fn pinned(decision: &Decision) -> bool {
    matches!(&decision.outcome, Outcome::Admit(admission) if admission.notes.contains(&crate::core::Reason::Pinned))
}
