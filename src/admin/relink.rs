//! How people sign in, changed by hand: one person, a window for all, and the switch to another connection (rows 50, 51).

use jiff::{SignedDuration, Timestamp};

use super::{Actor, Admin, AdminError, Permission, Who};
use crate::core::switch::{Preflight, preflight};
use crate::core::{Connection, ConnectionId, EmailAddress, MemberId, MemberRow, Settings};
use crate::session::{Cause, Selector};
use crate::store::{Relink, Written};

/// The longest window (row 50).
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(72);
/// The longest subject, in bytes: longer than any provider's (SAML Core 8.3.7 allows 256 characters, OpenID Connect Core 2 has 255).
const LONGEST_SUBJECT: usize = 1024;

impl Admin {
    /// Says that somebody is known by another subject on a connection from now on. Their sessions end: whoever held the old subject is not them any more.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `subject_taken`, `above_your_role` or `in_other_organizations`; [`AdminError::Invalid`], [`AdminError::NoSuch`],
    /// [`AdminError::FreshSignInNeeded`], [`AdminError::NotAllowed`], [`AdminError::Store`], [`AdminError::Session`].
    pub async fn relink_member(
        &self,
        actor: &Actor,
        member: MemberId,
        connection: &ConnectionId,
        subject: &str,
    ) -> Result<MemberRow, AdminError> {
        actor.need(Permission::MembersWrite)?;
        actor.need_fresh()?;
        self.still_acts(actor).await?;
        if subject.trim().is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
            return Err(AdminError::invalid("subject", "this is no subject"));
        }
        find_connection(self.load_settings().await?.as_ref(), connection)?;
        let row = self.load_row(actor, member).await?;
        actor.need_rank(&self.load_organization(actor).await?, &row.member.role)?;
        self.need_whole_person(actor, &row).await?;
        let name = actor.name();
        let wish = Relink { member, connection, subject, actor: &name, origin: &actor.origin, now: self.clock.now() };
        let Written::Done(row) = self.store.relink(&actor.organization, wish).await? else {
            let sentence = format!("somebody else is known by this subject, or {} has several links on {connection}", row.name());
            return Err(AdminError::refused("subject_taken", sentence));
        };
        self.sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await?;
        Ok(row)
    }

    /// Opens the relink window of a connection, or moves its end: until then a new subject with the address of somebody known is that person.
    /// It counts for every organization, so it needs the highest role, a fresh sign-in, and somebody who administers all of them.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when it ends in the past or in more than 72 hours; [`AdminError::NoSuch`], [`AdminError::FreshSignInNeeded`],
    /// [`AdminError::Refused`] with `above_your_role` or `not_all_organizations`, [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn open_relink_window(&self, actor: &Actor, connection: &ConnectionId, until: Timestamp) -> Result<(), AdminError> {
        self.need_window(actor, connection).await?;
        let now = self.clock.now();
        if until <= now || until.duration_since(now) > LONGEST_WINDOW {
            return Err(AdminError::invalid("until", "a relink window ends within the next 72 hours"));
        }
        Ok(self.store.open_relink_window(connection, until, &actor.name(), now).await?)
    }

    /// Closes the relink window of a connection. One that is closed already stays so.
    ///
    /// # Errors
    /// As [`Admin::open_relink_window`].
    pub async fn close_relink_window(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), AdminError> {
        self.need_window(actor, connection).await?;
        Ok(self.store.close_relink_window(connection, &actor.name(), &actor.origin, self.clock.now()).await?)
    }

    /// What moving everybody from one connection to another would meet. `there`: the addresses at the new provider, if there is a list of them; without one
    /// only what is known here is compared. Nothing is written.
    ///
    /// # Errors
    /// [`AdminError::NoSuch`], [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn preflight_switch(
        &self,
        actor: &Actor,
        from: &ConnectionId,
        to: &ConnectionId,
        there: Option<&[EmailAddress]>,
    ) -> Result<Preflight, AdminError> {
        actor.need(Permission::MembersRead)?;
        let settings = self.load_settings().await?;
        find_connection(&settings, from)?;
        let target = find_connection(&settings, to)?;
        let people = self.store.list_linked(&actor.organization, from, to).await?;
        Ok(preflight(people, |email| target.enabled && settings.allows_domain(target, email.domain()), there))
    }

    async fn need_window(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), AdminError> {
        actor.need(Permission::SettingsWrite)?;
        actor.need_fresh()?;
        self.still_acts(actor).await?;
        let organization = self.load_organization(actor).await?;
        if let (Some(highest), false) = (organization.roles.first(), matches!(actor.who, Who::Operator)) {
            actor.need_rank(&organization, highest)?;
        }
        let settings = self.load_settings().await?;
        find_connection(&settings, connection)?;
        self.need_all_organizations(actor, &settings).await
    }

    async fn load_settings(&self) -> Result<std::sync::Arc<Settings>, AdminError> {
        Ok(self.store.find_settings().await?.ok_or(AdminError::NoSuch("organization"))?.settings)
    }
}

fn find_connection<'s>(settings: &'s Settings, id: &ConnectionId) -> Result<&'s Connection, AdminError> {
    settings.find_connection(id).ok_or(AdminError::NoSuch("connection"))
}
