//! A session in memory: its record, its clocks, and what an app is told about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;

use super::caps::Caps;
use super::{CACHE_AGE, SessionRecord};
use crate::store::MemberRow;

/// What an app is told about a session, ready to be sent. Made by the proxy; kept here because it lives and dies with the session.
#[derive(Debug)]
pub struct Introduction {
    /// The headers, all of them.
    pub headers: Box<[(HeaderName, HeaderValue)]>,
    /// The member that they speak of.
    pub member: Option<Arc<MemberRow>>,
    /// When the member was last asked for, in milliseconds since 1970.
    pub checked_ms: i64,
    /// [`super::Members::epoch`] then.
    pub epoch: u64,
    /// When the token in the headers has lived half its life, in milliseconds since 1970.
    pub renew_ms: i64,
}

/// A session that was found alive.
#[derive(Debug)]
pub struct Session {
    record: SessionRecord,
    last_seen_ms: AtomicI64,
    written_ms: AtomicI64,
    checked_ms: AtomicI64,
    /// When the provider has to confirm it next; never, for most.
    due_ms: AtomicI64,
    idle_ms: AtomicI64,
    ends_ms: AtomicI64,
    introduction: ArcSwapOption<Introduction>,
}

impl Session {
    /// One that was just read from the store, with the limits of now.
    pub(super) fn new(record: SessionRecord, caps: Caps, now: Timestamp) -> Self {
        let seen = record.last_seen_at.as_millisecond();
        let due =
            record.way.refresh_every().map_or(i64::MAX, |every| record.started_at.as_millisecond().saturating_add(every.as_millis_i64()));
        let session = Self {
            record,
            due_ms: AtomicI64::new(due),
            last_seen_ms: AtomicI64::new(seen),
            written_ms: AtomicI64::new(seen),
            checked_ms: AtomicI64::new(now.as_millisecond()),
            idle_ms: AtomicI64::new(0),
            ends_ms: AtomicI64::new(0),
            introduction: ArcSwapOption::empty(),
        };
        session.cap(caps);
        session
    }

    /// What is stored; its `last_seen_at` may be a minute old.
    #[must_use]
    pub const fn record(&self) -> &SessionRecord {
        &self.record
    }

    /// The same with the last request, as far as this node knows, and with the end as it is now.
    pub(super) fn record_now(&self) -> SessionRecord {
        let seen = Timestamp::from_millisecond(self.last_seen_ms.load(Ordering::Relaxed)).unwrap_or(self.record.last_seen_at);
        let ends_at = Timestamp::from_millisecond(self.ends_ms.load(Ordering::Relaxed)).unwrap_or(self.record.ends_at);
        SessionRecord { last_seen_at: seen.max(self.record.last_seen_at), ends_at, ..self.record.clone() }
    }

    /// What the app is told, if it was worked out before.
    #[must_use]
    pub fn introduction(&self) -> arc_swap::Guard<Option<Arc<Introduction>>> {
        self.introduction.load()
    }

    /// Keeps what the app is told.
    pub fn introduce(&self, introduction: Arc<Introduction>) {
        self.introduction.store(Some(introduction));
    }

    /// Both limits, always (oauth2-proxy #2735).
    pub(super) fn is_over(&self, now_ms: i64) -> bool {
        let idle = now_ms.saturating_sub(self.last_seen_ms.load(Ordering::Relaxed));
        now_ms >= self.ends_ms.load(Ordering::Relaxed) || idle > self.idle_ms.load(Ordering::Relaxed)
    }

    /// Puts limits in force.
    pub(super) fn cap(&self, caps: Caps) {
        let last = self.record.started_at.as_millisecond().saturating_add(millis(caps.lifetime));
        self.ends_ms.store(last.min(self.record.ends_at.as_millisecond()), Ordering::Relaxed);
        self.idle_ms.store(millis(caps.idle), Ordering::Relaxed);
    }

    /// Whether the store was asked recently enough.
    pub(super) fn is_fresh(&self, now_ms: i64) -> bool {
        let age = now_ms.saturating_sub(self.checked_ms.load(Ordering::Relaxed));
        (0..CACHE_AGE.as_millis_i64()).contains(&age)
    }

    /// Whether the store was last asked at that moment or before.
    pub(super) fn was_checked_by(&self, moment_ms: i64) -> bool {
        self.checked_ms.load(Ordering::Relaxed) <= moment_ms
    }

    /// Whether the store confirmed it recently enough to go on while it cannot be asked.
    pub(super) fn may_go_on_unasked(&self, grace: Duration, now_ms: i64) -> bool {
        let age = now_ms.saturating_sub(self.checked_ms.load(Ordering::Relaxed));
        (0..millis(grace)).contains(&age)
    }

    /// The store was asked, and still has it.
    pub(super) fn confirm(&self, stored: &SessionRecord, now_ms: i64) {
        self.last_seen_ms.fetch_max(stored.last_seen_at.as_millisecond(), Ordering::Relaxed);
        self.checked_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Whether its provider has to confirm it before it goes on.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.as_millisecond() >= self.due_ms.load(Ordering::Relaxed)
    }

    /// Its provider was asked.
    pub(super) fn confirm_until(&self, due: Timestamp) {
        self.due_ms.store(due.as_millisecond(), Ordering::Relaxed);
    }

    /// Notes a request; `true` when it is time to write that down, for one caller.
    pub(super) fn see(&self, now_ms: i64, write_back_after: Duration) -> bool {
        self.last_seen_ms.fetch_max(now_ms, Ordering::Relaxed);
        let written = self.written_ms.load(Ordering::Relaxed);
        now_ms.saturating_sub(written) >= millis(write_back_after)
            && self.written_ms.compare_exchange(written, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

trait Millis {
    fn as_millis_i64(&self) -> i64;
}

impl Millis for jiff::SignedDuration {
    fn as_millis_i64(&self) -> i64 {
        i64::try_from(self.as_millis()).unwrap_or(i64::MAX)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
