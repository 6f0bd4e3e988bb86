//! What a review of settings asks: the organization as a whole, then its members a page at a time; and the settings that saves replaced.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{RequestOrigin, StoreError, StoredSettings};
use crate::core::preview::{PreviewMember, Scene};
use crate::core::{Organization, OrganizationId, PersonId, Settings};

/// Settings that a save has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedSettings {
    /// The revision that replaced them.
    pub revision: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was in force until then.
    pub settings: Settings,
}

/// A save that was reviewed.
#[derive(Debug, Clone)]
pub struct ReviewedSave<'a> {
    /// What is to be in force.
    pub settings: &'a Settings,
    /// The revision that it was reviewed against; another stored one is [`StoreError::Refused`].
    pub expected: Option<i64>,
    /// Who saves, as audit lines name them.
    pub actor: &'a str,
    /// Where the request came from.
    pub origin: &'a RequestOrigin,
    /// What else the audit line says: the review, what was confirmed.
    pub note: Value,
    /// Now.
    pub now: Timestamp,
}

/// Durable facts for reviews. Each method is one transaction.
#[async_trait]
pub trait ReviewStore: Send + Sync {
    /// The organization as it is, for a preview of `after`; roles of `before` that administer count as well. An organization that is not stored is
    /// [`StoreError::Missing`].
    async fn load_scene(&self, before: &Organization, after: &Organization, now: Timestamp) -> Result<Scene, StoreError>;

    /// Active members in the order of their person id, after this one; `limit` from 1 to 2000.
    async fn list_preview_members(
        &self,
        organization: &OrganizationId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<PreviewMember>, StoreError>;

    /// As [`super::Store::save_settings`], with the audit line of a reviewed save.
    async fn save_reviewed_settings(&self, save: ReviewedSave<'_>) -> Result<StoredSettings, StoreError>;

    /// What the save that made this revision replaced; kept for 30 days.
    async fn find_replaced_settings(&self, revision: i64) -> Result<Option<ReplacedSettings>, StoreError>;

    /// Saves that can be looked at, newest first: at most `limit`, 1 to 100.
    async fn list_replaced_settings(&self, limit: u32) -> Result<Vec<ReplacedSettings>, StoreError>;
}
