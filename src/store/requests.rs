//! Requests for access: refused logins that wait for an administrator. They are the attempts, with what the person said and what was answered.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CommitOutcome, LoginCommit, RequestOrigin, StoreError};
use crate::core::{DecisionId, Identity, OrganizationId, Reason};

/// How long a request waits, and how long an answer stands.
pub const REQUEST_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What an administrator answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Answer {
    /// A member now.
    Approved,
    /// Not now.
    Declined,
    /// Not now, and not later.
    Blocked,
}

/// An answer, with who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What.
    pub answer: Answer,
    /// When.
    pub at: Timestamp,
    /// By whom, as audit lines name them.
    pub by: String,
    /// What the person is told.
    pub note: Option<String>,
}

/// A request for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequest {
    /// Its id: the newest decision that refused the person. An older one of the same person leads here, too.
    pub id: DecisionId,
    /// In which organization.
    pub organization: OrganizationId,
    /// Why the login was refused.
    pub reason: Reason,
    /// What the provider said at the newest try.
    pub identity: Identity,
    /// The first try.
    pub first_at: Timestamp,
    /// The newest try.
    pub last_at: Timestamp,
    /// Tries.
    pub count: u32,
    /// When the person asked; `None`: it waits without having asked (`awaiting_approval`, `no_seats_left`), or did not ask.
    pub asked_at: Option<Timestamp>,
    /// What the person said.
    pub asked_for: Option<String>,
    /// The answer.
    pub answered: Option<Answered>,
}

impl AccessRequest {
    /// Whether it waits for an administrator.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let waits = self.asked_at.is_some() || matches!(self.reason, Reason::AwaitingApproval | Reason::NoSeatsLeft);
        let newest = self.asked_at.map_or(self.last_at, |asked| asked.max(self.last_at));
        waits && self.answered.is_none() && now.duration_since(newest) < REQUEST_LIFE
    }

    /// A "no" that still stands.
    #[must_use]
    pub fn declined(&self, now: Timestamp) -> Option<&Answered> {
        let answered = self.answered.as_ref()?;
        (answered.answer == Answer::Declined && now.duration_since(answered.at) < REQUEST_LIFE).then_some(answered)
    }
}

/// Somebody asks.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    /// In which organization.
    pub organization: &'a OrganizationId,
    /// After which refusal.
    pub decision: DecisionId,
    /// What they say.
    pub asked_for: Option<&'a str>,
    /// Where from.
    pub origin: &'a RequestOrigin,
    /// When.
    pub now: Timestamp,
}

/// An answer to be written.
#[derive(Debug, Clone)]
pub struct Answering<'a> {
    /// To which request.
    pub request: &'a AccessRequest,
    /// What.
    pub answer: Answer,
    /// What the person is told.
    pub note: Option<&'a str>,
    /// By whom.
    pub actor: &'a str,
    /// Where from.
    pub origin: &'a RequestOrigin,
    /// When.
    pub now: Timestamp,
}

/// Requests for access.
#[async_trait]
pub trait RequestStore {
    /// Open requests, one a person, oldest first.
    async fn list_requests(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<AccessRequest>, StoreError>;

    /// The request that a refusal led to, whatever became of it.
    async fn find_request(&self, organization: &OrganizationId, decision: DecisionId) -> Result<Option<AccessRequest>, StoreError>;

    /// Makes a refused login a request, with its audit line. Asking again while it is open changes nothing; while a "no" stands it is
    /// [`StoreError::Refused`]. The request afterwards.
    async fn ask_for_access(&self, asking: Asking<'_>) -> Result<AccessRequest, StoreError>;

    /// Declines a request, with its audit line. `false`: it is not open any more.
    async fn decline_request(&self, answering: Answering<'_>) -> Result<bool, StoreError>;

    /// Writes a decision by hand as [`super::Store::commit_login`] writes one of a login, through the same seat gate, and answers the request; a
    /// blocked person becomes a member who may not come in.
    async fn settle_request(&self, commit: LoginCommit<'_>, answering: Answering<'_>) -> Result<CommitOutcome, StoreError>;
}
