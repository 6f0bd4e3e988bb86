//! What a save does by itself, before anybody signs in. It models `store/sql/save` and `store/sql/owner`; a test holds the two together.

use std::sync::Arc;

use super::{PreviewMember, Scene};
use crate::core::provision::SeatCount;
use crate::core::{EmailAddress, Invite, Member, Organization, PersonId, SeatTier};

/// The organization right after the save.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) organization: Arc<Organization>,
    pub(super) seats: Vec<SeatCount>,
    /// Who has the mark of the Primary Owner.
    pub(super) primary_owner: Option<PersonId>,
    /// Groups decide no more, and with them go the pins against them (row 58).
    drops_pins: bool,
    /// Why it cannot be saved.
    pub(super) refusals: Vec<String>,
}

impl Saved {
    pub(super) fn of(scene: &Scene, before: &Organization, after: Arc<Organization>) -> Self {
        let used = |tier: &SeatTier| scene.seats.iter().find(|count| &count.tier == tier).map_or(0, |count| count.used);
        let seats =
            after.seat_tiers.iter().map(|seats| SeatCount { tier: seats.tier.clone(), owned: seats.owned, used: used(&seats.tier) });
        let address = after.primary_owner.as_ref();
        let changed = before.primary_owner.as_ref() != address;
        let keeps_mark = |email: &Option<EmailAddress>| !changed || email.as_ref() == address;
        let primary_owner = scene.primary_owner.as_ref().filter(|(_, email)| keeps_mark(email)).map(|(person, _)| *person);
        let mut saved = Self {
            seats: seats.collect(),
            primary_owner,
            drops_pins: before.drops_pins_for(&after),
            refusals: Vec::new(),
            organization: after,
        };
        saved.hold_for_owner(scene, changed);
        saved
    }

    /// The hold for a former owner ends; an owner who is neither a member nor invited gets one.
    fn hold_for_owner(&mut self, scene: &Scene, changed: bool) {
        let organization = Arc::clone(&self.organization);
        let address = organization.primary_owner.as_ref();
        let hold = scene.owner_hold.as_ref();
        if let Some(former) = hold.filter(|hold| changed && Some(&hold.email) != address) {
            self.release(former.tier.as_ref());
        }
        let Some(address) = address else { return };
        // A hold on a tier that goes away ends with it, and is made anew on another one.
        let lost_its_tier = hold.is_some_and(|hold| hold.tier.as_ref().is_some_and(|tier| organization.tier_rank(tier).is_none()));
        let expected = scene.owner_is_expected && !lost_its_tier;
        if expected || (!changed && self.primary_owner.is_some()) || self.seats.is_empty() {
            return;
        }
        match self.seats.iter_mut().find(|count| count.free() > 0) {
            Some(count) => count.used += 1,
            None => self.refusals.push(format!(
                "organization {} has no free seat for its Primary Owner {address}; add a seat or remove a member",
                organization.id
            )),
        }
    }

    /// The rows after the save, of the member and of whomever else the login could be about.
    pub(super) fn touch(&self, member: &mut PreviewMember) {
        self.touch_row(&mut member.member);
        let Some(last) = &mut member.last else { return };
        for known in last.linked.iter_mut().chain(&mut last.same_email) {
            known.member.iter_mut().for_each(|row| self.touch_row(row));
        }
        let gone = |invite: &Invite| invite.seat.as_ref().is_some_and(|tier| self.organization.tier_rank(tier).is_none());
        if let Some(invite) = last.invite.as_mut().filter(|invite| gone(invite)) {
            invite.seat = None;
        }
    }

    fn touch_row(&self, row: &mut Member) {
        if self.drops_pins {
            row.pin = None;
        }
        row.primary_owner &= self.primary_owner == Some(row.person);
        if row.wanted_tier.as_ref().is_some_and(|wanted| self.organization.tier_rank(&wanted.tier).is_none()) {
            row.wanted_tier = None;
        }
    }

    pub(super) fn release(&mut self, tier: Option<&SeatTier>) {
        if let Some(count) = self.seats.iter_mut().find(|count| Some(&count.tier) == tier) {
            count.used = count.used.saturating_sub(1);
        }
    }

    pub(super) fn take(&mut self, tier: Option<&SeatTier>) {
        if let Some(count) = self.seats.iter_mut().find(|count| Some(&count.tier) == tier) {
            count.used = count.used.saturating_add(1);
        }
    }
}
