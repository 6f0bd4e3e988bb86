//! API tokens: who may act as a program, until when, and with what.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{RequestOrigin, StoreError};
use crate::core::{MemberStatus, OrganizationId, PersonId, Role, TokenId};

/// What the database keeps of a token: its SHA-256. The token has 256 random bits, so there is nothing to guess from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a whole token, prefix included.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// In hexadecimal.
impl std::fmt::Display for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hash of a token]")
    }
}

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its hash.
    pub hash: TokenHash,
    /// In which organization it counts.
    pub organization: OrganizationId,
    /// The member whom it belongs to.
    pub owner: PersonId,
    /// What people call it.
    pub name: String,
    /// What it may, by text.
    pub scopes: BTreeSet<String>,
    /// When it stops counting.
    pub expires_at: Timestamp,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Its id.
    pub id: TokenId,
    /// In which organization it counts.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: String,
    /// What it may, by text.
    pub scopes: BTreeSet<String>,
    /// Whom it belongs to, as they are now.
    pub owner: TokenOwner,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops counting.
    pub expires_at: Timestamp,
    /// The last use, at most a minute behind; `None`: never.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked; `None`: it was not.
    pub revoked_at: Option<Timestamp>,
}

/// The member whom a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenOwner {
    /// Who.
    pub person: PersonId,
    /// The name for people.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// Whether they are a member now.
    pub status: MemberStatus,
    /// As what; for a removed member the last role.
    pub role: Role,
}

/// Who changes a token, from where, and when: for the audit line.
#[derive(Debug, Clone)]
pub struct TokenAct {
    /// Who, as audit lines name them.
    pub actor: String,
    /// From where.
    pub origin: RequestOrigin,
    /// When.
    pub now: Timestamp,
}

/// A page of tokens, the newest first, whatever their state.
#[derive(Debug, Clone)]
pub struct TokenQuery<'a> {
    /// Of which organization.
    pub organization: &'a OrganizationId,
    /// Start after this one.
    pub after: Option<TokenId>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// Keeping API tokens. Every change writes its audit line in the same transaction.
#[async_trait]
pub trait TokenStore {
    /// Keeps a new token. [`StoreError::Missing`] when its owner is no member of the organization.
    async fn create_token(&self, new: NewToken, act: TokenAct) -> Result<TokenRow, StoreError>;

    /// The token with this hash, whatever its state.
    async fn find_token(&self, hash: TokenHash) -> Result<Option<TokenRow>, StoreError>;

    /// A token of this organization, whatever its state.
    async fn find_token_by_id(&self, organization: &OrganizationId, id: TokenId) -> Result<Option<TokenRow>, StoreError>;

    /// A page of tokens.
    async fn list_tokens(&self, query: TokenQuery<'_>) -> Result<Vec<TokenRow>, StoreError>;

    /// The tokens of one member that were not revoked, the newest first.
    async fn list_tokens_of(&self, organization: &OrganizationId, owner: PersonId) -> Result<Vec<TokenRow>, StoreError>;

    /// Gives a token another secret and end; what it was before counts no longer. `None`: there is no such token, or it was revoked.
    async fn rotate_token(
        &self,
        organization: &OrganizationId,
        id: TokenId,
        hash: TokenHash,
        expires_at: Timestamp,
        act: TokenAct,
    ) -> Result<Option<TokenRow>, StoreError>;

    /// Ends a token. `None`: there is no such token. One that was revoked before stays as it was, and nothing is written.
    async fn revoke_token(&self, organization: &OrganizationId, id: TokenId, act: TokenAct) -> Result<Option<TokenRow>, StoreError>;

    /// Remembers that a token was used, if the last time on record is a minute ago or longer.
    async fn note_token_use(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError>;
}
