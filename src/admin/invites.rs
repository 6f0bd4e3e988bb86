//! Invites: made, sent again, revoked (rows 2, 37-39). They are used up at a login.

use serde::{Deserialize, Serialize};

use super::people::MAX_DECISIONS;
use super::{Actor, Admin, AdminError, Permission};
use crate::core::hand::invite;
use crate::core::{EmailAddress, InviteId, Role, SeatTier};
use crate::store::{InviteCommit, InviteRow, Written};

/// Who is invited, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInvite {
    /// For whom.
    pub email: EmailAddress,
    /// The role to come in with; `None`: the role of new members.
    pub role: Option<Role>,
    /// The seat to hold until then; `None`: the highest that is free.
    pub seat: Option<SeatTier>,
}

impl Admin {
    /// Invites somebody for 21 days and holds a seat for them. Only where people come in by invites, and guests where they are allowed (row 39). Usher sends no mail: whoever invites tells
    /// them to sign in.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `managed_by_idp`, `domain_not_allowed`, `already_member`, `already_invited`, `blocked_by_admin`, `tier_full`,
    /// `no_seats_left` or `above_your_role`; [`AdminError::Invalid`], [`AdminError::NotAllowed`], [`AdminError::Stale`], [`AdminError::Store`].
    pub async fn create_invite(&self, actor: &Actor, new: &NewInvite) -> Result<InviteRow, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.need_known(actor, new.role.as_ref(), new.seat.as_ref()).await?;
        for _ in 0..MAX_DECISIONS {
            self.still_acts(actor).await?;
            let now = self.clock.now();
            let situation = self.store.load_invite_situation(&actor.organization, &new.email, now).await?;
            let role = new.role.as_ref().unwrap_or(&situation.organization.default_role);
            actor.need_rank(&situation.organization, role)?;
            let seat = invite::create(&situation, &new.email, new.seat.as_ref())?;
            let (name, seat) = (actor.name(), seat.as_ref());
            let commit = InviteCommit { situation: &situation, email: &new.email, role, seat, actor: &name, origin: &actor.origin, now };
            if let Written::Done(row) = self.store.create_invite(commit).await? {
                return Ok(row);
            }
        }
        Err(AdminError::Stale)
    }

    /// Invites that were neither used nor revoked, expired ones too, by address.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn list_invites(&self, actor: &Actor) -> Result<Vec<InviteRow>, AdminError> {
        actor.need(Permission::MembersRead)?;
        Ok(self.store.list_invites(&actor.organization, self.clock.now()).await?)
    }

    /// Opens an invite for 21 more days from now; its seat is taken again when the hold had ended.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `managed_by_idp`, `tier_full`, `primary_owner` or `above_your_role`; the others as [`Admin::create_invite`].
    pub async fn resend_invite(&self, actor: &Actor, id: InviteId) -> Result<InviteRow, AdminError> {
        actor.need(Permission::MembersWrite)?;
        for _ in 0..MAX_DECISIONS {
            self.still_acts(actor).await?;
            let (row, now) = (self.load_invite(actor, id).await?, self.clock.now());
            let situation = self.store.load_invite_situation(&actor.organization, &row.invite.email, now).await?;
            invite::renew(&situation, row.invite.seat.as_ref(), row.is_held)?;
            let (name, ends_at) = (actor.name(), invite::ends_at(now));
            let renewed = self.store.renew_invite(&actor.organization, id, ends_at, &name, &actor.origin, now).await?;
            if let Written::Done(row) = renewed {
                return Ok(row);
            }
        }
        Err(AdminError::Stale)
    }

    /// Ends an invite and frees the seat that it held.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `primary_owner` or `above_your_role`; the others as [`Admin::create_invite`].
    pub async fn revoke_invite(&self, actor: &Actor, id: InviteId) -> Result<InviteRow, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.still_acts(actor).await?;
        self.load_invite(actor, id).await?;
        let (name, now) = (actor.name(), self.clock.now());
        match self.store.revoke_invite(&actor.organization, id, &name, &actor.origin, now).await? {
            Written::Done(row) => Ok(row),
            Written::LostRace => Err(AdminError::Stale),
        }
    }

    /// An invite that the actor may touch: the hold of a Primary Owner is the settings' own.
    async fn load_invite(&self, actor: &Actor, id: InviteId) -> Result<InviteRow, AdminError> {
        let all = self.store.list_invites(&actor.organization, self.clock.now()).await?;
        let row = all.into_iter().find(|row| row.invite.id == id).ok_or(AdminError::NoSuch("invite"))?;
        if row.primary_owner {
            let sentence = "this seat is held for the Primary Owner; set another primary_owner to end it";
            return Err(AdminError::refused("primary_owner", sentence));
        }
        actor.need_rank(&self.load_organization(actor).await?, &row.invite.role)?;
        Ok(row)
    }
}
