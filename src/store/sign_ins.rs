//! What the console tells about logins: how many, through which connection, and how each one went.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DecisionRecord, StoreError};
use crate::core::{ClaimHealth, ConnectionId, IncidentId, Organization, OrganizationId, Reason, SeenLogin};

/// How many logins ended in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginCount {
    /// Whether they were let in.
    pub admitted: bool,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: u64,
}

/// What is known of a connection beside its settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// The last time that it let somebody into the organization.
    pub last_success_at: Option<Timestamp>,
    /// The last time that it delivered groups for anyone.
    pub last_groups_at: Option<Timestamp>,
    /// Until when its relink window is open; also one that is over.
    pub relink_open_until: Option<Timestamp>,
}

/// One login through a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a page of them, and nearly always the large one")]
pub enum LoginTrace {
    /// The message was valid, and the rules decided.
    Decided(DecisionRecord),
    /// The message did not verify, so nobody knows who came.
    Refused {
        /// When.
        at: Timestamp,
        /// The exact code, of the SAML or the OpenID Connect door.
        code: String,
        /// The reference that the page showed.
        incident: Option<IncidentId>,
    },
}

impl LoginTrace {
    /// When it was.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Decided(record) => record.at,
            Self::Refused { at, .. } => *at,
        }
    }
}

/// A group that a connection has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGroup {
    /// What the provider sends.
    pub value: String,
    /// When it came the last time, for anyone.
    pub last_seen_at: Timestamp,
}

/// Questions about logins. What another organization decided is in no answer.
#[async_trait]
pub trait SignIns {
    /// Logins into the organization since then, by how they ended, most frequent first.
    async fn count_logins(&self, organization: &OrganizationId, since: Timestamp) -> Result<Vec<LoginCount>, StoreError>;

    /// Administrators who can sign in: humans, active, and seen at least once (row 55).
    async fn count_administrators(&self, organization: &Organization) -> Result<u32, StoreError>;

    /// The state of a connection, as far as it concerns the organization.
    async fn find_connection_state(&self, organization: &OrganizationId, connection: &ConnectionId) -> Result<ConnectionState, StoreError>;

    /// When groups last came for anyone, by connection; of those through which some came.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    async fn list_claims(&self) -> Result<Vec<(ConnectionId, ClaimHealth)>, StoreError>;

    /// The newest logins through a connection: those that this organization decided, and messages that did not verify, which name nobody.
    /// At most `limit`, 1 to 500, newest first.
    async fn list_login_traces(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        limit: u32,
    ) -> Result<Vec<LoginTrace>, StoreError>;

    /// What the newest logins through a connection said about groups, newest first; at most `limit`, 1 to 1000.
    async fn list_seen_logins(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        limit: u32,
    ) -> Result<Vec<SeenLogin>, StoreError>;

    /// Groups that a connection has sent, by value; at most `limit`, 1 to 5000.
    async fn list_seen_groups(&self, connection: &ConnectionId, limit: u32) -> Result<Vec<SeenGroup>, StoreError>;
}
