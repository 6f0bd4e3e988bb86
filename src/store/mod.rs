//! Durable facts: who is a member, with which role and seat, and everything that was ever decided.
//!
//! - [`Store`]: whole use cases, each one transaction; `activity`: reading the audit log; `tokens`: API tokens; `recovery`: the way in
//!   without a provider; `requests`: who waits for a yes; [`SignIns`]: how logins went;
//!   `review`: what a review of settings asks
//! - [`sqlite`]: the embedded default; [`postgres`]: for many nodes
//! - `sql`: the use cases and their statements, one text for both databases; `migrations`: a schema for each, step by step the same
//! - [`PeopleStore`]: what administrators do to people
//! - [`portable`]: from one database to the other
//! - [`ephemeral`]: what may be lost or expires
//! - [`audit_chain`]: how audit lines hang together; `settings_diff`: what they say about changed settings
//!
//! A new use case: its method in [`Store`] or in a trait of its own that [`Store`] has as a supertrait; its statements in `sql/<subject>.rs`, and around them its
//! one transaction in `sql/use_cases` (`read`, `reader`, `write`), which makes it one for both databases; a step of the schema in both folders of
//! `migrations`, under the same number; its tests in `tests/it/store/conformance`, which both databases run. The two modules say what `write` promises.
//!
//! The one rule of this folder: a method does a whole use case or nothing, and the drivers of the databases stay inside.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::provision::{Decision, SeatCount};
use crate::core::{
    AuditId, ConnectionId, DecisionId, EmailAddress, Identity, IncidentId, MemberId, OrganizationId, PersonId, Reason, Settings,
};

mod activity;
pub mod audit_chain;
mod breaker;
pub mod ephemeral;
mod people;
pub mod portable;
pub mod postgres;
mod reading;
mod recovery;
mod requests;
mod review;
mod roster;
pub mod settings_diff;
mod sign_ins;
pub mod sqlite;
mod tokens;
mod unavailable;

pub use crate::core::MemberRow;
pub use activity::{ActivityFilter, ActivityPage, ActivityQuery, ActivityResult, ActivityStore};
pub use people::{EditCommit, Edited, InviteCommit, InviteRow, PeopleStore, Relink, Removal, Written};
pub use reading::Reading;
pub use recovery::{NewRecoveryLink, RecoveryKey, RecoveryStore, SsoProof};
pub use requests::{AccessRequest, Answer, Answered, Answering, Asking, REQUEST_LIFE, RequestStore};
pub use review::{ReplacedSettings, ReviewStore, ReviewedSave};
pub use roster::{RosterFilter, RosterOrder, RosterPage, RosterPlace, RosterQuery, RosterStore, SeatFilter, Seen, Source};
pub use sign_ins::{ConnectionState, LoginCount, LoginTrace, SeenGroup, SignIns};
pub use tokens::{NewToken, TokenAct, TokenHash, TokenOwner, TokenQuery, TokenRow, TokenStore};

/// What can go wrong. Every variant is a denial on the way to a decision.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is too slow. The caller answers 503 and keeps every cookie.
    #[error("the database cannot be used right now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was read cannot be understood: a newer version wrote it, or the file is damaged.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(String),
    /// Something named does not exist.
    #[error("{0} does not exist")]
    Missing(String),
    /// The change is refused because of what the database holds.
    #[error("{0}")]
    Refused(String),
}

/// What to load for one login.
#[derive(Debug, Clone)]
pub struct FactsQuery<'a> {
    /// The organization to enter.
    pub organization: &'a OrganizationId,
    /// Who came, through which connection.
    pub identity: &'a Identity,
    /// Now: decides which invites have expired.
    pub now: Timestamp,
}

/// One decided login, to be written.
#[derive(Debug, Clone)]
pub struct LoginCommit<'a> {
    /// What was known when it was decided. The commit loses the race when any of it that the decision rests on has changed.
    pub facts: &'a Reading,
    /// Who came.
    pub identity: &'a Identity,
    /// What was decided.
    pub decision: &'a Decision,
    /// Where the request came from, for the audit line.
    pub origin: &'a RequestOrigin,
    /// Now.
    pub now: Timestamp,
}

/// Where a request came from, for audit lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestOrigin {
    /// The request id.
    pub request: Option<String>,
    /// The incident id, when the answer is an error page.
    pub incident: Option<IncidentId>,
    /// The client's address.
    pub address: Option<String>,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one a login, and nearly always the large one")]
pub enum CommitOutcome {
    /// Everything is written.
    Committed(Committed),
    /// Someone else was faster (the last seat, the same first login, changed settings): nothing is written. Load the facts and decide once more.
    LostRace,
}

/// What a commit wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The decision record.
    pub decision: DecisionId,
    /// The person and the member after the commit; `None` when nobody exists (a refused stranger).
    pub member: Option<MemberRow>,
}

/// A page of members, by email then id.
#[derive(Debug, Clone)]
pub struct MemberQuery<'a> {
    /// Which organization.
    pub organization: &'a OrganizationId,
    /// Part of a name or address, compared without regard to case.
    pub search: Option<&'a str>,
    /// Start after this member.
    pub after: Option<MemberId>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// The record of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Its id.
    pub id: DecisionId,
    /// When.
    pub at: Timestamp,
    /// In which organization.
    pub organization: OrganizationId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// Whom it was about, when the person exists.
    pub person: Option<PersonId>,
    /// Which member, when there is one.
    pub member: Option<MemberId>,
    /// What the provider said.
    pub identity: Identity,
    /// What was decided.
    pub decision: Decision,
    /// The incident id that a refused person saw.
    pub incident: Option<IncidentId>,
    /// The audit line of the same transaction.
    pub audit: AuditId,
}

/// One line of the audit log; lines form a hash chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its id.
    pub id: AuditId,
    /// Its place in the chain, from 1.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// What happened, dotted: `login.admitted`, `login.refused`, `settings.applied`, …
    pub event: String,
    /// Who did it: a person id, or `cli`, `system`.
    pub actor: String,
    /// In which organization, if in one.
    pub organization: Option<OrganizationId>,
    /// To whom, if to someone.
    pub target: Option<String>,
    /// The reason code, if there is one.
    pub reason: Option<Reason>,
    /// Details, with before and after for every change.
    pub detail: serde_json::Value,
    /// Where the request came from.
    pub origin: RequestOrigin,
    /// SHA-256 over the previous line's hash and this line, in hexadecimal.
    pub hash: String,
}

/// A refused attempt that waits for an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// In which organization.
    pub organization: OrganizationId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// The provider's subject.
    pub subject: String,
    /// The address, if one came.
    pub email: Option<EmailAddress>,
    /// Why it was refused; `no_seats_left` is the waiting list.
    pub reason: Reason,
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// How often.
    pub count: u32,
}

/// Settings with the number of their last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Counts changes.
    pub revision: i64,
}

/// Whether a store can do its work; a trait of its own, because here stores differ.
#[async_trait]
pub trait Ready {
    /// Whether it can be read and written at this moment. A crowd that waits for its turn does not make it unready: every node has the crowd, and all would
    /// be sent away.
    ///
    /// # Errors
    /// What is wrong.
    async fn probe(&self) -> Result<(), StoreError>;
}

/// Durable facts. Each method is one transaction.
#[async_trait]
pub trait Store:
    Ready
    + ActivityStore
    + PeopleStore
    + RecoveryStore
    + RequestStore
    + ReviewStore
    + RosterStore
    + TokenStore
    + SignIns
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Whether the database answers, and takes a write in its turn.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The settings; `None` before the first [`Store::save_settings`].
    async fn find_settings(&self) -> Result<Option<StoredSettings>, StoreError>;

    /// Replaces the settings and writes an audit line with the difference; does nothing when they are equal to what is stored.
    /// `expected` is the revision they were made from (`None`: none stored yet); another stored revision is [`StoreError::Refused`].
    /// Refused too: taking away an organization that has members. A Primary Owner who is no member yet gets an invite that holds a seat and does not expire.
    async fn save_settings(
        &self,
        settings: &Settings,
        expected: Option<i64>,
        actor: &str,
        now: Timestamp,
    ) -> Result<StoredSettings, StoreError>;

    /// Opens the relink window of a connection until then (row 50), or moves its end, and writes an audit line. A window that ends in the past or
    /// more than 72 hours away is [`StoreError::Refused`].
    async fn open_relink_window(&self, connection: &ConnectionId, until: Timestamp, actor: &str, now: Timestamp) -> Result<(), StoreError>;

    /// The facts of one login. Expired invites have freed their seats in what is counted.
    async fn load_facts(&self, query: FactsQuery<'_>) -> Result<Reading, StoreError>;

    /// Writes a decided login: person, link, member, seat, decision record, audit line, claim health, waiting list; all or nothing.
    async fn commit_login(&self, commit: LoginCommit<'_>) -> Result<CommitOutcome, StoreError>;

    /// The member of a person, whatever its status: what the proxy asks when its cache does not know.
    async fn find_member(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<MemberRow>, StoreError>;

    /// Members with this address, whatever their status.
    async fn find_members_by_email(&self, organization: &OrganizationId, email: &EmailAddress) -> Result<Vec<MemberRow>, StoreError>;

    /// A page of members.
    async fn list_members(&self, query: MemberQuery<'_>) -> Result<Vec<MemberRow>, StoreError>;

    /// The newest decision about a person in an organization.
    async fn find_last_decision(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<DecisionRecord>, StoreError>;

    /// The decision that an error page's incident id points to.
    async fn find_decision_by_incident(&self, incident: IncidentId) -> Result<Option<DecisionRecord>, StoreError>;

    /// Seats by tier, highest first, with expired holds freed.
    async fn count_seats(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<SeatCount>, StoreError>;

    /// Attempts that wait for an admin, oldest first.
    async fn list_attempts(&self, organization: &OrganizationId) -> Result<Vec<Attempt>, StoreError>;

    /// Writes an audit line that belongs to no other change (a refused message, a logout).
    async fn record(&self, event: NewAuditLine<'_>) -> Result<AuditId, StoreError>;

    /// Audit lines after a place in the chain, in order; at most `limit`, 1 to 1000.
    async fn list_audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError>;

    /// Whether counters, audit chain and rows agree: every fault in plain words, none when all is well. Reads everything.
    async fn check_integrity(&self) -> Result<Vec<String>, StoreError>;
}

/// An audit line to be written.
#[derive(Debug, Clone)]
pub struct NewAuditLine<'a> {
    /// What happened.
    pub event: &'a str,
    /// Who did it.
    pub actor: &'a str,
    /// In which organization.
    pub organization: Option<&'a OrganizationId>,
    /// To whom.
    pub target: Option<&'a str>,
    /// The reason code.
    pub reason: Option<Reason>,
    /// Details.
    pub detail: serde_json::Value,
    /// Where from.
    pub origin: &'a RequestOrigin,
    /// When.
    pub now: Timestamp,
}
