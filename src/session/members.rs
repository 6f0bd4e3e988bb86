//! Role, seat and status of members, and the ranks that they are compared by: asked of the store, kept for seconds, forgotten at every change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;

use crate::clock::Clock;
use crate::core::{OrganizationId, PersonId, Settings};
use crate::store::{MemberRow, Store, StoreError};

/// How long an answer counts when nobody said that it changed: the bound for a change that another node made.
pub const MEMBER_AGE: SignedDuration = SignedDuration::from_secs(5);
const CAPACITY: u64 = 200_000;

/// The cache in front of the member rows.
#[derive(Debug)]
pub struct Members {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rows: Cache<(OrganizationId, PersonId), Answer>,
    settings: ArcSwapOption<(Timestamp, Arc<Settings>)>,
    epoch: AtomicU64,
}

/// What the store said, and when. That someone is no member is an answer too.
#[derive(Debug, Clone)]
struct Answer {
    row: Option<Arc<MemberRow>>,
    at: Timestamp,
}

impl Members {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, rows: Cache::new(CAPACITY), settings: ArcSwapOption::empty(), epoch: AtomicU64::new(0) }
    }

    /// Counts what was forgotten. As long as it stands still, and for [`MEMBER_AGE`] at most, an answer still counts.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// The member of a person, whatever its status; at most [`MEMBER_AGE`] old.
    ///
    /// # Errors
    /// [`StoreError`]: a denial, 503.
    pub async fn find(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<Arc<MemberRow>>, StoreError> {
        let now = self.clock.now();
        let key = (organization.clone(), person);
        if let Some(answer) = self.rows.get(&key).filter(|answer| is_recent(answer.at, now)) {
            return Ok(answer.row);
        }
        let epoch = self.epoch();
        let row = self.store.find_member(organization, person).await?.map(Arc::new);
        self.rows.insert(key.clone(), Answer { row: row.clone(), at: now });
        // Something was forgotten while we read: it may have been this.
        if self.epoch() != epoch {
            self.rows.invalidate(&key);
        }
        Ok(row)
    }

    /// The settings, for the ranks of roles and tiers; at most [`MEMBER_AGE`] old.
    ///
    /// # Errors
    /// [`StoreError`]: a denial, 503. So are settings that were never saved.
    pub async fn load_settings(&self) -> Result<Arc<Settings>, StoreError> {
        let now = self.clock.now();
        if let Some(known) = self.settings.load().as_ref().filter(|known| is_recent(known.0, now)) {
            return Ok(Arc::clone(&known.1));
        }
        let epoch = self.epoch();
        let stored = self.store.find_settings().await?.ok_or_else(|| StoreError::Missing("the organization".to_owned()))?;
        self.settings.store(Some(Arc::new((now, Arc::clone(&stored.settings)))));
        if self.epoch() != epoch {
            self.settings.store(None);
        }
        Ok(stored.settings)
    }

    /// Forgets one member.
    pub(super) fn invalidate(&self, organization: &OrganizationId, person: PersonId) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.rows.invalidate(&(organization.clone(), person));
    }

    /// Forgets the settings.
    pub(super) fn invalidate_settings(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.settings.store(None);
    }
}

/// A clock that was set back makes nothing recent.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    age >= SignedDuration::ZERO && age < MEMBER_AGE
}
