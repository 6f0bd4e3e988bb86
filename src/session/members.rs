//! Role, seat and status of members, and the ranks that they are compared by: asked of the store, kept for seconds, forgotten at every change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;

use crate::clock::Clock;
use crate::core::{OrganizationId, PersonId, Settings};
use crate::metrics::Latency;
use crate::store::{MemberRow, Store, StoreError};

/// How long an answer counts when nobody said that it changed: the bound for a change that another node made.
pub const MEMBER_AGE: SignedDuration = SignedDuration::from_secs(5);
const CAPACITY: usize = 200_000;

/// The cache in front of the member rows.
#[derive(Debug)]
pub struct Members {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rows: Cache<(OrganizationId, PersonId), AskedMember>,
    settings: ArcSwapOption<Asked<Arc<Settings>>>,
    epoch: AtomicU64,
    /// How long the store took for a member.
    asked: Latency,
    /// How long an answer counts when the store cannot be asked again, in milliseconds.
    outage_grace_ms: AtomicI64,
    /// What was answered until then (microseconds since 1970) does not count before it is asked again.
    doubted: AtomicI64,
}

/// What the store said, and when: whoever keeps what follows from it counts its age from then.
#[derive(Debug, Clone)]
pub struct Asked<T> {
    /// What it said.
    pub answer: T,
    /// When it was asked; now, of what goes on counting because nobody can be asked.
    pub at: Timestamp,
}

/// That someone is no member is an answer too.
type AskedMember = Asked<Option<Arc<MemberRow>>>;

impl Members {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, outage_grace: Duration) -> Self {
        Self {
            store,
            clock,
            rows: Cache::new(CAPACITY),
            settings: ArcSwapOption::empty(),
            epoch: AtomicU64::new(0),
            asked: Latency::default(),
            outage_grace_ms: AtomicI64::new(millis(outage_grace)),
            doubted: AtomicI64::new(i64::MIN),
        }
    }

    pub(super) fn set_outage_grace(&self, grace: Duration) {
        self.outage_grace_ms.store(millis(grace), Ordering::Relaxed);
    }

    /// How long the store took for a member that was not at hand.
    #[must_use]
    pub const fn asked(&self) -> &Latency {
        &self.asked
    }

    /// Where the members are.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
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
    pub async fn find(&self, organization: &OrganizationId, person: PersonId) -> Result<AskedMember, StoreError> {
        let now = self.clock.now();
        let key = (organization.clone(), person);
        let known = self.rows.get(&key);
        if let Some(answer) = known.as_ref().filter(|answer| self.is_recent(answer.at, now)) {
            return Ok(answer.clone());
        }
        let epoch = self.epoch();
        let row = match self.asked.of(self.store.find_member(organization, person)).await {
            Ok(row) => row.map(|row| shared(row, known.as_ref())),
            Err(StoreError::Unavailable(error)) => {
                let known = known.filter(|answer| self.may_go_on_unasked(answer.at, now));
                return known.map(|known| Asked { at: now, ..known }).ok_or(StoreError::Unavailable(error));
            }
            Err(error) => return Err(error),
        };
        let asked = Asked { answer: row, at: now };
        // Something was forgotten while we read: it may have been this. Not kept even for a moment, in which somebody could take it for the new answer.
        if self.epoch() == epoch {
            self.rows.insert(key.clone(), asked.clone());
            if self.epoch() != epoch {
                self.rows.remove(&key);
            }
        }
        Ok(asked)
    }

    /// The settings, for the ranks of roles and tiers; at most [`MEMBER_AGE`] old.
    ///
    /// # Errors
    /// [`StoreError`]: a denial, 503. So are settings that were never saved.
    pub async fn load_settings(&self) -> Result<Asked<Arc<Settings>>, StoreError> {
        let now = self.clock.now();
        let known = self.settings.load_full();
        if let Some(known) = known.as_ref().filter(|known| self.is_recent(known.at, now)) {
            return Ok(Asked::clone(known));
        }
        let epoch = self.epoch();
        let stored = match self.store.find_settings().await {
            Err(StoreError::Unavailable(error)) => {
                let known = known.filter(|known| self.may_go_on_unasked(known.at, now));
                return known.map(|known| Asked { answer: Arc::clone(&known.answer), at: now }).ok_or(StoreError::Unavailable(error));
            }
            answer => answer?,
        };
        let stored = stored.ok_or_else(|| StoreError::Missing("the organization".to_owned()))?;
        let asked = Asked { answer: stored.settings, at: now };
        self.settings.store(Some(Arc::new(asked.clone())));
        if self.epoch() != epoch {
            self.settings.store(None);
        }
        Ok(asked)
    }

    /// Forgets one member.
    pub(super) fn invalidate(&self, organization: &OrganizationId, person: PersonId) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.rows.remove(&(organization.clone(), person));
    }

    /// Forgets the settings.
    pub(super) fn invalidate_settings(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.settings.store(None);
    }

    /// Has everything asked for again before it counts.
    pub(super) fn doubt(&self) {
        self.doubted.store(self.clock.now().as_microsecond(), Ordering::SeqCst);
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn is_recent(&self, at: Timestamp, now: Timestamp) -> bool {
        is_within(at, now, MEMBER_AGE) && at.as_microsecond() > self.doubted.load(Ordering::SeqCst)
    }

    fn may_go_on_unasked(&self, at: Timestamp, now: Timestamp) -> bool {
        is_within(at, now, SignedDuration::from_millis(self.outage_grace_ms.load(Ordering::Relaxed)))
    }
}

/// The row that is known already when nothing has changed: many sessions hold on to it, and whoever compares it finds the same one.
fn shared(row: MemberRow, known: Option<&AskedMember>) -> Arc<MemberRow> {
    let same = known.and_then(|known| known.answer.as_ref()).filter(|known| ***known == row);
    same.map_or_else(|| Arc::new(row), Arc::clone)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A clock that was set back makes nothing recent.
fn is_within(at: Timestamp, now: Timestamp, age: SignedDuration) -> bool {
    (SignedDuration::ZERO..age).contains(&now.duration_since(at))
}
