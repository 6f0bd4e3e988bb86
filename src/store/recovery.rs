//! Recovery links: the way in that needs no identity provider (row 60), and the proof that it works before sign-in through one is required.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemberRow, RequestOrigin, StoreError};
use crate::core::{EmailAddress, Organization, OrganizationId};

/// What a recovery link is stored under: the SHA-256 of its secret. Who reads the store cannot use a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryKey(pub [u8; 32]);

/// A link to be made.
#[derive(Debug, Clone)]
pub struct NewRecoveryLink<'a> {
    /// Under which key.
    pub key: RecoveryKey,
    /// Into which organization.
    pub organization: &'a OrganizationId,
    /// Whom it signs in.
    pub email: &'a EmailAddress,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Who made it.
    pub actor: &'a str,
    /// Where from.
    pub origin: &'a RequestOrigin,
    /// When.
    pub now: Timestamp,
}

/// What has to be proven before an organization may require sign-in through its connections. All of it is on record for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SsoProof {
    /// When a recovery link of the organization was last used.
    pub recovery_used_at: Option<Timestamp>,
    /// When somebody with the highest role last signed in through a connection that still exists.
    pub owner_signed_in_at: Option<Timestamp>,
}

impl SsoProof {
    /// Whether `organization` may require it.
    ///
    /// # Errors
    /// What is missing, as a sentence that says how to mend it.
    pub fn check(&self, organization: &Organization) -> Result<(), String> {
        let id = &organization.id;
        let highest = organization.roles.first().unwrap_or(&organization.default_role);
        match (self.recovery_used_at, self.owner_signed_in_at) {
            (Some(_), Some(_)) => Ok(()),
            (None, _) => Err(format!(
                "{id} cannot require sign-in through a connection before a recovery link was tried: make one with `usher admin link --organization {id}` and use it once"
            )),
            (Some(_), None) => Err(format!(
                "{id} cannot require sign-in through a connection before somebody with the role {highest} has signed in through one"
            )),
        }
    }
}

/// Recovery links.
#[async_trait]
pub trait RecoveryStore {
    /// Stores a link, with its audit line; an unused one of the same organization stops working. [`StoreError::Refused`] when the address is neither that
    /// of an administrator nor that of the configured Primary Owner who has not come yet.
    async fn create_recovery_link(&self, link: NewRecoveryLink<'_>) -> Result<(), StoreError>;

    /// Whether a link would work now. Changes nothing, so that a program that looks at links first does not use one up.
    async fn is_recovery_link_open(&self, key: RecoveryKey, now: Timestamp) -> Result<bool, StoreError>;

    /// Uses a link, once, with its audit line: the administrator that it signs in, or the Primary Owner, who becomes a member by it. `None`: unknown,
    /// used, too old, or its person administers nothing here any more.
    async fn use_recovery_link(&self, key: RecoveryKey, origin: &RequestOrigin, now: Timestamp) -> Result<Option<MemberRow>, StoreError>;

    /// What is proven about an organization's ways in.
    async fn find_sso_proof(&self, organization: &OrganizationId) -> Result<SsoProof, StoreError>;
}
