//! How things stand: settings, connections, and people who wait. Reading only.

use super::{Actor, Admin, AdminError, Permission};
use crate::core::{ClaimHealth, Connection, ConnectionId, Organization, Settings};
use crate::store::{Attempt, ConnectionState};

/// A connection, as far as it concerns the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Its settings. They hold a secret, which is shown to nobody.
    pub connection: Connection,
    /// What is known beside them.
    pub state: ConnectionState,
    /// Whether it delivered groups to anyone lately.
    pub claim_healthy: bool,
}

impl Admin {
    /// The organization as it is now, and the revision of the settings.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `settings:read`; [`AdminError::NoSuch`], [`AdminError::Store`].
    pub async fn find_organization(&self, actor: &Actor) -> Result<(Organization, i64), AdminError> {
        actor.need(Permission::SettingsRead)?;
        self.organization_and_revision(actor).await
    }

    /// The same for whoever is about to change it, which seeing it is part of.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `settings:write`; [`AdminError::NoSuch`], [`AdminError::Store`].
    pub async fn find_organization_to_change(&self, actor: &Actor) -> Result<(Organization, i64), AdminError> {
        actor.need(Permission::SettingsWrite)?;
        self.organization_and_revision(actor).await
    }

    async fn organization_and_revision(&self, actor: &Actor) -> Result<(Organization, i64), AdminError> {
        let stored = self.store.find_settings().await?.ok_or(NO_ORGANIZATION)?;
        let organization = stored.settings.find_organization(&actor.organization).cloned().ok_or(NO_ORGANIZATION)?;
        Ok((organization, stored.revision))
    }

    /// All connections, in the order in which sign-in offers them.
    ///
    /// # Errors
    /// As [`Admin::find_organization`].
    pub async fn list_connections(&self, actor: &Actor) -> Result<Vec<ConnectionView>, AdminError> {
        let mut views = Vec::new();
        for connection in self.connections(actor).await? {
            views.push(self.view_connection(actor, connection).await?);
        }
        Ok(views)
    }

    /// One connection.
    ///
    /// # Errors
    /// As [`Admin::find_organization`].
    pub async fn find_connection(&self, actor: &Actor, id: &ConnectionId) -> Result<ConnectionView, AdminError> {
        let connection = self.connections(actor).await?.into_iter().find(|connection| &connection.id == id);
        self.view_connection(actor, connection.ok_or(AdminError::NoSuch("connection"))?).await
    }

    /// Refused attempts that wait for an administrator, the oldest first; those for `no_seats_left` are the waiting list.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `members:read`; [`AdminError::Store`].
    pub async fn list_attempts(&self, actor: &Actor) -> Result<Vec<Attempt>, AdminError> {
        actor.need(Permission::MembersRead)?;
        Ok(self.store.list_attempts(&actor.organization).await?)
    }

    async fn connections(&self, actor: &Actor) -> Result<Vec<Connection>, AdminError> {
        actor.need(Permission::SettingsRead)?;
        let stored = self.store.find_settings().await?.ok_or(NO_ORGANIZATION)?;
        let Settings { connections, .. } = stored.settings.as_ref();
        Ok(connections.clone())
    }

    async fn view_connection(&self, actor: &Actor, connection: Connection) -> Result<ConnectionView, AdminError> {
        let state = self.store.find_connection_state(&actor.organization, &connection.id).await?;
        let claim_healthy = ClaimHealth { last_present_at: state.last_groups_at }.is_healthy(self.clock.now());
        Ok(ConnectionView { connection, state, claim_healthy })
    }
}

const NO_ORGANIZATION: AdminError = AdminError::NoSuch("organization");
