//! Seats by hand: the queue, and seats of people who have not been here for long (rows 14, 30-32).

use super::people::Deed;
use super::{Actor, Admin, AdminError, PeopleChange, Permission};
use crate::core::MemberId;
use crate::core::hand::Act;
use crate::core::provision::SeatCount;

impl Admin {
    /// Seats by tier, highest first; those that invites hold are among the used ones.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn count_seats(&self, actor: &Actor) -> Result<Vec<SeatCount>, AdminError> {
        actor.need(Permission::MembersRead)?;
        Ok(self.store.count_seats(&actor.organization, self.clock.now()).await?)
    }

    /// Gives a member the seat that they wait for, if one is free.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `not_waiting` or `tier_full`; the others as [`Admin::change_member`].
    pub async fn assign_waiting_seat(&self, actor: &Actor, member: MemberId) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.perform(actor, Deed::new(&[member], Act::GiveWaitingSeat, "member.seat_given")).await
    }

    /// Frees the seat of somebody who has not been here for long. They stay a member, and get a seat again when they come, if there is one.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `no_seat` or `primary_owner`; the others as [`Admin::change_member`].
    pub async fn reclaim_seat(&self, actor: &Actor, member: MemberId) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.perform(actor, Deed::new(&[member], Act::ReclaimSeat, "member.seat_reclaimed")).await
    }
}
