//! Seats by hand: the queue, and seats of people who have not been here for long (rows 14, 30-32).

use super::people::Deed;
use super::{Actor, Admin, AdminError, PeopleChange, Permission};
use crate::core::hand::Act;
use crate::core::provision::SeatCount;
use crate::core::{MemberId, MemberRow, Reason};
use crate::store::Attempt;

/// The most stale members of a list.
const MAX_STALE: u32 = 500;

impl Admin {
    /// Seats by tier, highest first; holds of invites that have expired are free.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn count_seats(&self, actor: &Actor) -> Result<Vec<SeatCount>, AdminError> {
        actor.need(Permission::MembersRead)?;
        Ok(self.store.count_seats(&actor.organization, self.clock.now()).await?)
    }

    /// Members who wait for a tier that was full, first come, first served. A freed seat is theirs at their next login, or by
    /// [`Admin::assign_waiting_seat`].
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn list_seat_queue(&self, actor: &Actor) -> Result<Vec<MemberRow>, AdminError> {
        actor.need(Permission::MembersRead)?;
        Ok(self.store.list_queue(&actor.organization).await?)
    }

    /// People who were refused because no seat was free, first come first (row 31). A freed seat lets the next one of them in who signs in.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn list_waiting(&self, actor: &Actor) -> Result<Vec<Attempt>, AdminError> {
        let attempts = self.list_attempts(actor).await?;
        Ok(attempts.into_iter().filter(|attempt| attempt.reason == Reason::NoSeatsLeft).collect())
    }

    /// Members with a seat who have not been here for the policy's `stale_after`, longest away first; at most 500. Never service accounts (row 67).
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn list_stale_members(&self, actor: &Actor) -> Result<Vec<MemberRow>, AdminError> {
        actor.need(Permission::MembersRead)?;
        let (now, after) = (self.clock.now(), self.load_organization(actor).await?.policy.stale_after);
        Ok(self.store.list_stale(&actor.organization, now.saturating_sub(after).unwrap_or(now), MAX_STALE).await?)
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
