//! Why an act was not done. Nothing was written then.

use super::Permission;
use crate::core::hand;
use crate::session::SessionError;
use crate::store::StoreError;

/// Why not. Console, API and command line each turn this into their own words and status, in one place.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The actor may not (403).
    #[error("this needs the permission {0}")]
    NotAllowed(Permission),
    /// The sign-in is older than ten minutes, or came from a recovery link (403, and the way to sign in again).
    #[error("this needs a sign-in within the last ten minutes")]
    FreshSignInNeeded,
    /// There is no such thing in the actor's organization (404). Says the same of what another organization has.
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    /// A safeguard refused it (409): `code` for programs, the sentence for people, saying what would mend it.
    #[error("{sentence}")]
    Refused {
        /// One word in snake case: `last_admin`, `managed_by_idp`, `above_your_role`, …
        code: &'static str,
        /// What stands against it, and what would mend it.
        sentence: String,
    },
    /// It was changed by somebody else meanwhile (409): look again.
    #[error("this was changed meanwhile; nothing was saved")]
    Stale,
    /// A review of now says something else than the one that was confirmed (409): here it is.
    #[error("what was reviewed has changed; nothing was saved")]
    ReviewChanged(Box<super::settings::Review>),
    /// The input cannot be used (422).
    #[error("the input cannot be used")]
    Invalid(Vec<Fault>),
    /// The store failed (503).
    #[error(transparent)]
    Store(StoreError),
    /// Sessions could not be read or ended (503).
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// One thing wrong with the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fault {
    /// Which field.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl AdminError {
    /// A safeguard's refusal.
    pub fn refused(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::Refused { code, sentence: sentence.into() }
    }

    /// One field that cannot be used.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault { field: field.to_owned(), message: message.into() }])
    }
}

impl From<hand::Refusal> for AdminError {
    fn from(refusal: hand::Refusal) -> Self {
        Self::Refused { code: refusal.code, sentence: refusal.sentence }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
