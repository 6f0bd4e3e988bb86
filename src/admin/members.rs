//! Members by hand: role and seat, pins, service accounts (rows 34, 46, 47, 67).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::people::{Deed, MAX_DECISIONS};
use super::{Actor, Admin, AdminError, Fault, PeopleChange, Permission};
use crate::core::hand::Act;
use crate::core::{MemberId, MemberRow, Organization, Pin, Role, SeatTier, is_unseen};
use crate::store::Written;

/// The longest reason of a pin, in characters.
const LONGEST_REASON: usize = 200;

/// What is to change. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    /// The role to have.
    pub role: Option<Role>,
    /// The seat to have; `Some(None)` is "no seat assigned".
    pub seat: Option<Option<SeatTier>>,
    /// The revision that the actor saw: refused as stale when the member has changed since.
    pub expected: Option<i64>,
}

/// An exception to be made. At least one of role and seat is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPin {
    /// The role to hold.
    pub role: Option<Role>,
    /// The seat to hold; `Some(None)` is no seat, and no way in.
    pub seat: Option<Option<SeatTier>>,
    /// Why, in up to 200 characters.
    pub reason: String,
    /// When it stops counting; within the policy's `pin_max`.
    pub ends_at: Timestamp,
    /// The revision that the actor saw: refused as stale when the member has changed since.
    pub expected: Option<i64>,
}

impl Admin {
    /// One member, whatever its status.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] for a member of another organization; [`AdminError::Store`].
    pub async fn find_member(&self, actor: &Actor, member: MemberId) -> Result<MemberRow, AdminError> {
        actor.need(Permission::MembersRead)?;
        self.load_row(actor, member).await
    }

    /// Changes role or seat by hand. Where groups decide, that is refused with the group to change instead (row 46); "no seat assigned" is possible
    /// everywhere (row 34).
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `managed_by_idp`, `tier_full`, `last_admin`, `primary_owner`, `yourself`, `above_your_role`, `not_active` or
    /// `nothing_to_do`; [`AdminError::Stale`], [`AdminError::Invalid`], [`AdminError::NoSuch`], [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn change_member(&self, actor: &Actor, member: MemberId, change: MemberChange) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let MemberChange { role, seat, expected } = change;
        if role.is_none() && seat.is_none() {
            return Err(AdminError::invalid("role", "say which role or seat"));
        }
        self.need_known(actor, role.as_ref(), seat.as_ref().and_then(Option::as_ref)).await?;
        let act = Act::Change { role, seat };
        self.perform(actor, Deed { expected, ..Deed::new(&[member], act, "member.changed") }).await
    }

    /// Pins role or seat for a while: it counts from now on, survives logins, and ends by itself (row 46).
    ///
    /// # Errors
    /// As [`Admin::change_member`]; [`AdminError::Refused`] also with `no_pin_needed` and `pin_too_long`.
    pub async fn pin_member(&self, actor: &Actor, member: MemberId, pin: NewPin) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let NewPin { role, seat, reason, ends_at, expected } = pin;
        let reason = reason.trim().to_owned();
        let mut faults = Vec::new();
        let mut fault = |field: &str, message: String| faults.push(Fault { field: field.to_owned(), message });
        if role.is_none() && seat.is_none() {
            fault("role", "say which role or seat is pinned".to_owned());
        }
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.contains(is_unseen) {
            fault("reason", format!("say why, in up to {LONGEST_REASON} characters that can be seen"));
        }
        if !faults.is_empty() {
            return Err(AdminError::Invalid(faults));
        }
        self.need_known(actor, role.as_ref(), seat.as_ref().and_then(Option::as_ref)).await?;
        let pin = Pin { role, seat, reason, by: self.shown_name(actor).await?, ends_at };
        self.perform(actor, Deed { expected, ..Deed::new(&[member], Act::Pin(pin), "member.pinned") }).await
    }

    /// Takes a pin off. Groups decide again at the next login.
    ///
    /// # Errors
    /// As [`Admin::change_member`].
    pub async fn unpin_member(&self, actor: &Actor, member: MemberId, expected: Option<i64>) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.perform(actor, Deed { expected, ..Deed::new(&[member], Act::Unpin, "member.unpinned") }).await
    }

    /// Marks a person as a service account or as a human. A service account does not count as an administrator who can repair things. The mark is the
    /// person's: it counts in every organization, so for somebody who is a member of several it is the operator's to set.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `last_admin`, `above_your_role` or `in_other_organizations`; the others as [`Admin::change_member`].
    pub async fn mark_service_account(&self, actor: &Actor, member: MemberId, service_account: bool) -> Result<MemberRow, AdminError> {
        actor.need(Permission::MembersWrite)?;
        self.still_acts(actor).await?;
        let organization = self.load_organization(actor).await?;
        for _ in 0..MAX_DECISIONS {
            let row = self.load_row(actor, member).await?;
            actor.need_rank(&organization, &row.member.role)?;
            self.need_whole_person(actor, &row).await?;
            let (name, now) = (actor.name(), self.clock.now());
            let marked = self.store.mark_service_account(&actor.organization, member, service_account, &name, &actor.origin, now).await?;
            if let Written::Done(row) = marked {
                self.sessions.announce_member(&actor.organization, row.person.id).await;
                return Ok(row);
            }
            let situation = self.store.load_situation(&actor.organization, &[member], now).await?;
            if situation.administrators <= 1 {
                let sentence =
                    format!("{} is the last administrator who has ever signed in; a service account would not count", row.name());
                return Err(AdminError::refused("last_admin", sentence));
            }
        }
        Err(AdminError::Stale)
    }

    /// The actor's organization, as it is now.
    pub(super) async fn load_organization(&self, actor: &Actor) -> Result<Organization, AdminError> {
        let stored = self.store.find_settings().await?;
        let found = stored.and_then(|stored| stored.settings.find_organization(&actor.organization).cloned());
        found.ok_or(AdminError::NoSuch("organization"))
    }

    /// What is the person's and not the member's is changed only for who is a member here alone, or by the operator: an administrator of one organization
    /// must not reach into another.
    pub(super) async fn need_whole_person(&self, actor: &Actor, row: &MemberRow) -> Result<(), AdminError> {
        if matches!(actor.who, super::Who::Operator) {
            return Ok(());
        }
        let Some(stored) = self.store.find_settings().await? else { return Err(AdminError::NoSuch("organization")) };
        for other in stored.settings.organizations.iter().filter(|other| other.id != actor.organization) {
            if self.store.find_member(&other.id, row.person.id).await?.is_some() {
                let sentence = format!("{} belongs to another organization too, so this is for the operator of Usher to do", row.name());
                return Err(AdminError::refused("in_other_organizations", sentence));
            }
        }
        Ok(())
    }

    /// Refuses names that the organization does not have.
    pub(super) async fn need_known(&self, actor: &Actor, role: Option<&Role>, tier: Option<&SeatTier>) -> Result<(), AdminError> {
        let organization = self.load_organization(actor).await?;
        if role.is_some_and(|role| organization.role_rank(role).is_none()) {
            let roles: Vec<&str> = organization.roles.iter().map(Role::as_str).collect();
            return Err(AdminError::invalid("role", format!("there is {}", roles.join(", "))));
        }
        if tier.is_some_and(|tier| organization.tier_rank(tier).is_none()) {
            let tiers: Vec<&str> = organization.seat_tiers.iter().map(|owned| owned.tier.as_str()).collect();
            let there_is =
                if tiers.is_empty() { "seats are not counted here".to_owned() } else { format!("there is {}", tiers.join(", ")) };
            return Err(AdminError::invalid("seat", there_is));
        }
        Ok(())
    }

    /// The actor as people read it.
    async fn shown_name(&self, actor: &Actor) -> Result<String, AdminError> {
        match actor.member() {
            Some(member) => Ok(self.load_row(actor, member).await?.name()),
            None if matches!(actor.who, super::Who::Operator) => Ok("the operator".to_owned()),
            None => Ok(actor.name()),
        }
    }
}
