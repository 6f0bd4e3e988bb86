//! Removing people, keeping them out, and undoing it (rows 40-45).

use jiff::SignedDuration;

use super::people::Deed;
use super::{Actor, Admin, AdminError, PeopleChange, Permission, Token};
use crate::core::hand::{Act, ComesBack, comes_back};
use crate::core::{MemberId, MemberRow, RemovalId};
use crate::store::Removal;

/// The most removals of a list.
const MAX_REMOVALS: u32 = 500;

/// What a removal would mean, for whoever is about to do it.
#[derive(Debug, Clone)]
pub struct RemovalOutlook {
    /// Who would be removed.
    pub members: Vec<MemberRow>,
    /// Whether they come back by themselves.
    pub comes_back: ComesBack,
    /// Their API tokens, which end with it (row 66).
    pub tokens: Vec<Token>,
    /// How long it can be undone, in days.
    pub undo_days: i64,
}

impl Admin {
    /// What removing these members would mean. Nothing is written.
    ///
    /// # Errors
    /// [`AdminError::NoSuch`], [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn removal_outlook(&self, actor: &Actor, members: &[MemberId], block: bool) -> Result<RemovalOutlook, AdminError> {
        actor.need(Permission::MembersRead)?;
        let situation = self.store.load_situation(&actor.organization, members, self.clock.now()).await?;
        if situation.people.len() != members.len() {
            return Err(AdminError::NoSuch("member"));
        }
        let undo_days = situation.organization.policy.undo_window.as_hours() / 24;
        let mut tokens = Vec::new();
        for row in &situation.people {
            tokens.extend(self.list_tokens_of(actor, row.person.id).await?);
        }
        Ok(RemovalOutlook { tokens, comes_back: comes_back(&situation.organization, block), undo_days, members: situation.people })
    }

    /// Removes members, all of them or none, and ends their sessions and API tokens; with `block` they cannot come back until unblocked (row 43). 1 to 500 members.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `last_admin`, `primary_owner`, `yourself`, `above_your_role` or `nothing_to_do`; [`AdminError::Invalid`],
    /// [`AdminError::NoSuch`], [`AdminError::NotAllowed`], [`AdminError::Stale`], [`AdminError::Store`].
    pub async fn remove_members(&self, actor: &Actor, members: &[MemberId], block: bool) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let event = if block { "member.blocked" } else { "member.removed" };
        let change = self.perform(actor, Deed::new(members, Act::Remove { block }, event)).await?;
        for row in &change.members {
            // They count no longer anyway (row 66); revoked, they stay so when the member comes back.
            self.revoke_tokens_of(actor, row.person.id).await?;
        }
        Ok(change)
    }

    /// Lets blocked people come back, by the rules: they are removed, and no longer kept out.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `not_blocked` or `above_your_role`; the others as [`Admin::remove_members`].
    pub async fn unblock_member(&self, actor: &Actor, member: MemberId) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.perform(actor, Deed::new(&[member], Act::Unblock, "member.unblocked")).await
    }

    /// Undoes a removal within the policy's undo window: role, seat, pin as they were (row 45). A seat that is gone is told in the notes.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `undone_already`, `too_late_to_undo`, `above_your_role` or `nothing_to_do`; the others as [`Admin::remove_members`].
    pub async fn undo_removal(&self, actor: &Actor, removal: RemovalId) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let found = self.store.find_removal(&actor.organization, removal).await?.ok_or(AdminError::NoSuch("removal"))?;
        if found.undone_at.is_some() {
            return Err(AdminError::refused("undone_already", "this removal was undone already"));
        }
        let window = self.load_organization(actor).await?.policy.undo_window;
        if self.clock.now().duration_since(found.at) > window {
            let days = window.as_hours() / 24;
            let sentence = format!("this removal is older than {days} days; invite the people again, or let them sign in");
            return Err(AdminError::refused("too_late_to_undo", sentence));
        }
        let members: Vec<MemberId> = found.members.iter().map(|member| member.id).collect();
        let act = Act::Restore(found.members);
        self.perform(actor, Deed { undoes: Some(removal), ..Deed::new(&members, act, "member.restored") }).await
    }

    /// Removals that can still be undone, by hand and by groups, newest first; at most 500.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn list_removals(&self, actor: &Actor) -> Result<Vec<Removal>, AdminError> {
        actor.need(Permission::MembersRead)?;
        let window = self.load_organization(actor).await?.policy.undo_window;
        let now = self.clock.now();
        let since = now.saturating_sub(window.max(SignedDuration::ZERO)).unwrap_or(now);
        Ok(self.store.list_removals(&actor.organization, since, MAX_REMOVALS).await?)
    }
}
