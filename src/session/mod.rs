//! Sessions: one small cookie in the browser, one record in the ephemeral store, and one way to end them.
//!
//! - `record`: what a session is, and the key that it is stored under
//! - `live`: a session in memory, with its clocks; `caps`: how long it may be idle and last
//! - `find`: from a cookie to a live session, through the local cache; `confirm`: those that their provider confirms while they live
//! - `layer`: the same records for the auth host's pages, through tower-sessions
//! - `ticket`: from the auth host to an app host
//! - `index`, `list`, `end`: which sessions belong to whom, who looks at them, and how they die; `tombstone`: a logout that overtakes its login
//! - `members`: role, seat and status, read for every request and cached for seconds
//! - `streams`: open WebSocket and event streams, closed with their session
//! - `news`: what the nodes tell each other
//! - `cookie`: the cookies by name; `counts`: what metrics show
//!
//! The one rule of this folder: a session is a pointer. What a person may do is asked of the member, and no error ever lets anyone pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::SessionLimits;
use crate::core::{OrganizationId, PersonId};
use crate::random::RandomError;
use crate::store::ephemeral::{Ephemeral, EphemeralError};
use crate::store::{Store, StoreError};
use news::News;

mod caps;
mod confirm;
pub mod cookie;
mod counts;
mod end;
mod find;
mod index;
mod layer;
mod list;
mod live;
mod members;
mod news;
mod record;
mod streams;
mod ticket;
mod tombstone;

pub use confirm::{Answer, Confirm, Confirmation};
pub use counts::SessionCounts;
pub use end::{Cause, Ended, Selector};
pub use layer::{CookieStore, SessionLayer};
pub use list::{CursorError, Listed, SessionCursor, SessionPage};
pub use live::{Introduction, Session};
pub use members::{Asked, MEMBER_AGE, Members};
pub use record::{Client, NewSession, Place, SessionKey, SessionRecord, WayIn};
pub use streams::{Signal, StreamGuard};
pub use ticket::{Entered, binding_of};

/// How long a session may be believed without asking the store again: the longest that an end on another node can go unnoticed.
pub const CACHE_AGE: SignedDuration = SignedDuration::from_secs(5);
/// Sessions kept in memory beside the store; the least used give way.
const CACHE_CAPACITY: usize = 400_000;
/// How long an unknown cookie is remembered as unknown, and how many of them.
const ABSENT_AGE: SignedDuration = SignedDuration::from_secs(2);
const ABSENT_CAPACITY: usize = 10_000;
/// Sessions whose place in the queue to their provider is kept. Where one is forgotten too early, the claim in the store still keeps the order.
const FLIGHT_CAPACITY: usize = 10_000;
/// The longest time between two requests that are written down as a session's last; by so much can the idle limit be early after a restart and on another
/// node, and by twice as much where the store could not be asked in between.
const WRITE_BACK: Duration = Duration::from_mins(5);

/// Why a session cannot be read or written. Never a logout: the caller answers 503 and leaves every cookie alone.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The session store is down.
    #[error(transparent)]
    Ephemeral(#[from] EphemeralError),
    /// The member store is down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness for a new id.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// tower-sessions could not read or write.
    #[error(transparent)]
    Cookie(#[from] tower_sessions::session::Error),
    /// What was stored cannot be read: another version wrote it.
    #[error("a stored session cannot be read")]
    Corrupt(#[from] serde_json::Error),
    /// The provider ended this session before it began: its logout was faster than the login.
    #[error("the provider has ended this session already")]
    EndedByProvider,
    /// The limits leave no time: the provider's own limit has passed.
    #[error("the session would be over before it starts")]
    Over,
}

/// All sessions of this node: the cache in front of the store, and the only way to start or end one.
#[derive(Debug)]
pub struct Sessions {
    ephemeral: Arc<dyn Ephemeral>,
    clock: Arc<dyn Clock>,
    limits: ArcSwap<SessionLimits>,
    members: Members,
    streams: Arc<streams::Streams>,
    cache: Cache<SessionKey, Arc<Session>>,
    /// Cookies that were unknown a moment ago, and when.
    absent: Cache<SessionKey, Timestamp>,
    counts: SessionCounts,
    /// Counts ended sessions, so that a read that raced with an end is not cached.
    ends: AtomicU64,
    /// What was confirmed until then (milliseconds since 1970) does not count before it is confirmed again.
    doubted_ms: AtomicI64,
    /// Who asks providers whether a session may go on.
    providers: Option<Arc<dyn Confirm>>,
    /// One question at a time for each session.
    flights: Cache<SessionKey, Arc<tokio::sync::Mutex<()>>>,
    /// The name of this node among the others.
    node: String,
    settings_changed: Notify,
}

impl Sessions {
    /// Sessions in `ephemeral`, for members in `store`.
    #[must_use]
    pub fn new(ephemeral: Arc<dyn Ephemeral>, store: Arc<dyn Store>, clock: Arc<dyn Clock>, limits: SessionLimits) -> Self {
        Self {
            ephemeral,
            members: Members::new(store, Arc::clone(&clock), limits.outage_grace),
            clock,
            limits: ArcSwap::from_pointee(limits),
            streams: Arc::default(),
            cache: Cache::new(CACHE_CAPACITY),
            absent: Cache::new(ABSENT_CAPACITY),
            counts: SessionCounts::default(),
            ends: AtomicU64::new(0),
            doubted_ms: AtomicI64::new(i64::MIN),
            providers: None,
            flights: Cache::new(FLIGHT_CAPACITY),
            // Without randomness a node would hear itself, which costs nothing but work.
            node: crate::random::token().unwrap_or_default(),
            settings_changed: Notify::new(),
        }
    }

    /// What was counted since the start.
    #[must_use]
    pub const fn counts(&self) -> &SessionCounts {
        &self.counts
    }

    /// How many sessions are in memory; also those that are over and were not asked for since.
    #[must_use]
    pub fn count_cached(&self) -> usize {
        self.cache.len()
    }

    /// How many answers are open that last: WebSockets, event streams, long downloads.
    #[must_use]
    pub fn count_streams(&self) -> usize {
        self.streams.count()
    }

    /// Puts other limits in force, for sessions that are alive too: each is looked at again before it counts. A longer lifetime is one of
    /// logins to come, because a session is given its end when it begins.
    pub fn limit(&self, limits: SessionLimits) {
        self.limits.store(Arc::new(limits));
        self.members.set_outage_grace(limits.outage_grace);
        self.forget_settings();
    }

    fn limits(&self) -> SessionLimits {
        **self.limits.load()
    }

    /// Role, seat and status of members.
    #[must_use]
    pub const fn members(&self) -> &Members {
        &self.members
    }

    /// Forgets what is known about a member, here and on the other nodes, and has their open streams judged again. Whoever writes a member calls this.
    pub fn invalidate_member(self: &Arc<Self>, organization: &OrganizationId, person: PersonId) {
        self.forget_member(organization, person);
        self.tell_in_passing(News::Member(organization.clone(), person));
    }

    /// The same for callers that wait until the others were told: a command ends right after it.
    pub async fn announce_member(&self, organization: &OrganizationId, person: PersonId) {
        self.forget_member(organization, person);
        self.tell(News::Member(organization.clone(), person)).await;
    }

    /// Forgets the settings (ranks of roles and tiers), here and on the other nodes, and has every open stream judged again. Whoever writes settings
    /// calls this.
    pub async fn invalidate_settings(&self) {
        self.forget_settings();
        self.tell(News::Settings).await;
    }

    /// Forgets the settings of this node. Every session is looked at again before it counts, because its limits may be others now.
    pub fn forget_settings(&self) {
        self.members.invalidate_settings();
        self.doubt();
        self.streams.look_again_all();
    }

    fn forget_member(&self, organization: &OrganizationId, person: PersonId) {
        self.members.invalidate(organization, person);
        self.streams.look_again(person);
    }

    /// Forgets a session whose record is gone, and closes its streams; how many.
    fn forget(&self, key: SessionKey) -> usize {
        // Counted after the record is gone and before the cache is cleared: `load` relies on that order.
        self.ends.fetch_add(1, Ordering::SeqCst);
        self.cache.remove(&key);
        self.streams.end(key)
    }

    /// Has every session confirmed again before it counts.
    fn doubt(&self) {
        self.ends.fetch_add(1, Ordering::SeqCst);
        self.doubted_ms.store(self.now().as_millisecond(), Ordering::SeqCst);
    }

    fn is_fresh(&self, session: &Session, now_ms: i64) -> bool {
        session.is_fresh(now_ms) && !session.was_checked_by(self.doubted_ms.load(Ordering::Relaxed))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long a record lives in the store: past the idle limit by what may not be written down yet, never past the end, to which so much is left.
    fn life(&self, left: Duration) -> Duration {
        left.min(self.limits().idle_timeout + WRITE_BACK * 2)
    }
}
