//! A session in memory: what requests ask of it, its clocks, and what an app is told about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;

use super::caps::Caps;
use super::{CACHE_AGE, Place, SessionKey, SessionRecord, WRITE_BACK};
use crate::core::{MemberId, OrganizationId, PersonId};
use crate::store::MemberRow;

const MINUTE: i64 = 60_000;

/// What an app is told about a session, ready to be sent. Made by the proxy; kept here because it lives and dies with the session.
#[derive(Debug)]
pub struct Introduction {
    /// The names of the headers, which all sessions of a route share.
    pub names: Arc<[HeaderName]>,
    /// What they say, in the same order.
    pub values: Box<[HeaderValue]>,
    /// The member that they speak of.
    pub member: Option<Arc<MemberRow>>,
    /// When the token in the headers has lived half its life, in milliseconds since 1970.
    pub renew_ms: i64,
    checked_ms: AtomicI64,
    epoch: AtomicU64,
}

impl Introduction {
    /// One that speaks of a member who was asked for then; `epoch`: [`super::Members::epoch`] before that.
    #[must_use]
    pub fn new(
        names: Arc<[HeaderName]>,
        values: Box<[HeaderValue]>,
        member: Option<Arc<MemberRow>>,
        renew_ms: i64,
        checked_ms: i64,
        epoch: u64,
    ) -> Self {
        Self { names, values, member, renew_ms, checked_ms: AtomicI64::new(checked_ms), epoch: AtomicU64::new(epoch) }
    }

    /// The headers.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (HeaderName, HeaderValue)> {
        self.names.iter().cloned().zip(self.values.iter().cloned())
    }

    /// The member was asked for again and is the same. Of two requests that note this at once, each may leave one of its two marks: the member was the
    /// same for both.
    pub fn confirm(&self, checked_ms: i64, epoch: u64) {
        self.checked_ms.store(checked_ms, Ordering::Relaxed);
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// Whether the member was asked for less than so long ago, and nothing was forgotten since.
    #[must_use]
    pub fn is_fresh(&self, now_ms: i64, max_age_ms: i64, epoch: u64) -> bool {
        let age = now_ms.saturating_sub(self.checked_ms.load(Ordering::Relaxed));
        self.epoch.load(Ordering::Relaxed) == epoch && (0..max_age_ms).contains(&age)
    }
}

/// A session that was found alive. Of one on an app host, of which there are many, only what its requests ask is kept.
#[derive(Debug)]
pub struct Session {
    key: SessionKey,
    place: Place,
    person: PersonId,
    organizations: Box<[(OrganizationId, MemberId)]>,
    is_recovery: bool,
    started_ms: i64,
    /// The end that it was given when it began.
    given_end_ms: i64,
    /// All that is stored, of a session on the auth host.
    login: Option<Box<SessionRecord>>,
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
        let (seen, started_ms) = (record.last_seen_at.as_millisecond(), record.started_at.as_millisecond());
        let due = record.way.refresh_every().map_or(i64::MAX, |every| started_ms.saturating_add(every.as_millis_i64()));
        let session = Self {
            key: record.key,
            person: record.person,
            organizations: record.organizations.iter().map(|(organization, member)| (organization.clone(), *member)).collect(),
            is_recovery: record.way.is_recovery(),
            started_ms,
            given_end_ms: record.ends_at.as_millisecond(),
            place: record.place.clone(),
            login: (record.place == Place::AuthHost).then(|| Box::new(record)),
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

    /// What it is stored under.
    #[must_use]
    pub const fn key(&self) -> SessionKey {
        self.key
    }

    /// Where it counts.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Who.
    #[must_use]
    pub const fn person(&self) -> PersonId {
        self.person
    }

    /// The memberships that its login was decided for, by name of the organization.
    #[must_use]
    pub const fn organizations(&self) -> &[(OrganizationId, MemberId)] {
        &self.organizations
    }

    /// The membership in one organization, if the login was decided for it.
    #[must_use]
    pub fn member_of(&self, organization: &OrganizationId) -> Option<MemberId> {
        self.organizations.iter().find(|(decided, _)| decided == organization).map(|(_, member)| *member)
    }

    /// Whether it came from a recovery link.
    #[must_use]
    pub const fn is_recovery(&self) -> bool {
        self.is_recovery
    }

    /// What is stored of a session on the auth host; its `last_seen_at` may be some minutes old.
    #[must_use]
    pub fn login(&self) -> Option<&SessionRecord> {
        self.login.as_deref()
    }

    /// The same with the last request, as far as this node knows, and with the end as it is now.
    pub(super) fn login_now(&self) -> Option<SessionRecord> {
        let login = self.login()?;
        let seen = Timestamp::from_millisecond(self.last_seen_ms.load(Ordering::Relaxed)).unwrap_or(login.last_seen_at);
        let ends_at = Timestamp::from_millisecond(self.ends_ms.load(Ordering::Relaxed)).unwrap_or(login.ends_at);
        Some(SessionRecord { last_seen_at: seen.max(login.last_seen_at), ends_at, ..login.clone() })
    }

    /// How long it is until it ends whatever happens.
    pub(super) fn time_left(&self, now: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.given_end_ms.saturating_sub(now.as_millisecond())).unwrap_or(0))
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
        let last = self.started_ms.saturating_add(millis(caps.lifetime));
        self.ends_ms.store(last.min(self.given_end_ms), Ordering::Relaxed);
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
    pub(super) fn confirm(&self, last_seen_at: Timestamp, now_ms: i64) {
        self.last_seen_ms.fetch_max(last_seen_at.as_millisecond(), Ordering::Relaxed);
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
    pub(super) fn see(&self, now_ms: i64) -> bool {
        self.last_seen_ms.fetch_max(now_ms, Ordering::Relaxed);
        let written = self.written_ms.load(Ordering::Relaxed);
        now_ms.saturating_sub(written) >= self.write_back_after_ms()
            && self.written_ms.compare_exchange(written, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// How often the last request is written down: a sixty-fourth of the idle limit is near enough to it, and spares the store four commands a minute for
    /// each person at work. A short limit needs it every minute, or twice in its time.
    fn write_back_after_ms(&self) -> i64 {
        let idle = self.idle_ms.load(Ordering::Relaxed);
        (idle / 64).clamp(MINUTE, millis(WRITE_BACK)).min(idle / 2)
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
