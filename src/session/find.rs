//! From a cookie to a live session. The proxy's hot path: a hit is one hash, one lookup and two comparisons.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{ABSENT_AGE, Cause, Selector, Session, SessionError, SessionKey, SessionRecord, Sessions};
use crate::core::describe;
use crate::store::ephemeral::Ephemeral;

/// The part of a stored session that is ours; pages may keep more beside it, through tower-sessions.
pub(super) const LOGIN: &str = "login";

#[derive(Deserialize)]
struct Stored<T> {
    login: Option<T>,
}

/// What of a record may change while it lives.
#[derive(Deserialize)]
struct Seen {
    last_seen_at: Timestamp,
}

/// Reads a stored session; `None` when it is a page's data without a login.
pub(super) fn parse(key: SessionKey, bytes: &Bytes) -> Result<Option<SessionRecord>, SessionError> {
    let stored: Stored<SessionRecord> = serde_json::from_slice(bytes)?;
    Ok(stored.login.map(|record| SessionRecord { key, ..record }))
}

impl Sessions {
    /// The session of a cookie on an app host; `None` for anything that is not a live session of exactly this host.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked: 503, and the cookie stays.
    pub async fn find_on_app_host(&self, token: &[u8], host: &str) -> Result<Option<Arc<Session>>, SessionError> {
        let Some(key) = SessionKey::of(token) else { return Ok(None) };
        let session = self.find(key).await?;
        Ok(session.filter(|session| session.place().app_host() == Some(host)))
    }

    /// The same when the answer is at hand; `None` says only that it is not.
    #[must_use]
    pub fn find_at_hand(&self, token: &[u8], host: &str, now: Timestamp) -> Option<Arc<Session>> {
        let session = self.cache.get(&SessionKey::of(token)?)?;
        let now_ms = now.as_millisecond();
        let unsure = !self.is_fresh(&session, now_ms) || session.is_over(now_ms) || session.is_due(now);
        if unsure || session.place().app_host() != Some(host) {
            return None;
        }
        if session.see(now_ms) {
            self.write_back(&session);
        }
        self.counts.hits.add();
        Some(session)
    }

    /// The live session under a key, on whatever host. Counts as a request: the idle time starts again.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn find(&self, key: SessionKey) -> Result<Option<Arc<Session>>, SessionError> {
        let Some(session) = self.look(key).await? else { return Ok(None) };
        if !self.is_confirmed(&session).await? {
            return Ok(None);
        }
        let now_ms = self.now().as_millisecond();
        if session.see(now_ms) {
            self.write_back(&session);
        }
        Ok(Some(session))
    }

    /// The same without counting as a request: for streams, which ask whether they may go on.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn look(&self, key: SessionKey) -> Result<Option<Arc<Session>>, SessionError> {
        let now = self.now();
        let cached = self.cache.get(&key);
        let session = match cached {
            Some(session) if self.is_fresh(&session, now.as_millisecond()) => {
                self.counts.hits.add();
                session
            }
            cached => match self.load(key, cached.clone(), now).await {
                Ok(Some(session)) => session,
                Ok(None) => return Ok(None),
                Err(error) => self.go_on_unasked(cached, error, now)?,
            },
        };
        self.cap(&session).await;
        if session.is_over(now.as_millisecond()) {
            self.end_sessions(Selector::Session(key), Cause::Expired).await?;
            return Ok(None);
        }
        Ok(Some(session))
    }

    /// A store that is down ends no session, and starts none: who was here lately goes on, for as long as the operator said.
    pub(super) fn go_on_unasked(
        &self,
        cached: Option<Arc<Session>>,
        error: SessionError,
        now: Timestamp,
    ) -> Result<Arc<Session>, SessionError> {
        let may = |session: &Arc<Session>| session.may_go_on_unasked(self.limits().outage_grace, now.as_millisecond());
        match (error, cached.filter(may)) {
            (SessionError::Ephemeral(_), Some(session)) => Ok(session),
            (error, _) => Err(error),
        }
    }

    async fn load(&self, key: SessionKey, cached: Option<Arc<Session>>, now: Timestamp) -> Result<Option<Arc<Session>>, SessionError> {
        if cached.is_none() && self.is_known_absent(&key, now) {
            return Ok(None);
        }
        self.counts.misses.add();
        let ends = self.ends.load(Ordering::SeqCst);
        let stored = self.ephemeral.find(&key.entry()).await?;
        let session = match (cached, stored) {
            (Some(session), Some(bytes)) => {
                let stored: Stored<Seen> = serde_json::from_slice(&bytes)?;
                stored.login.map(|seen| {
                    session.confirm(seen.last_seen_at, now.as_millisecond());
                    session
                })
            }
            (None, Some(bytes)) => match parse(key, &bytes)? {
                Some(record) => Some(self.keep(record, ends, now).await?),
                None => None,
            },
            (_, None) => None,
        };
        if session.is_none() {
            self.cache.remove(&key);
            self.absent.insert(key, self.now());
        }
        Ok(session)
    }

    fn is_known_absent(&self, key: &SessionKey, now: Timestamp) -> bool {
        self.absent.get(key).is_some_and(|at| (SignedDuration::ZERO..ABSENT_AGE).contains(&now.duration_since(at)))
    }

    /// Puts a session into the cache; `ends`: how many had ended before it was read.
    async fn keep(&self, record: SessionRecord, ends: u64, now: Timestamp) -> Result<Arc<Session>, SessionError> {
        // Without limits there is no session.
        let caps = self.caps(record.organizations.keys()).await?;
        let session = Arc::new(Session::new(record, caps, now));
        self.cache.insert(session.key(), Arc::clone(&session));
        // Someone ended sessions while we read: what we put into the cache may be one of them.
        if self.ends.load(Ordering::SeqCst) != ends {
            self.cache.remove(&session.key());
        }
        Ok(session)
    }

    /// Writes the time of the last request, off the response path; the session on the auth host shares it, so that work in an app keeps it alive.
    fn write_back(&self, session: &Arc<Session>) {
        let now = self.now();
        let ttl = self.life(session.time_left(now));
        let parent = session.place().parent();
        if let Some(parent) = parent.and_then(|parent| self.cache.get(&parent)) {
            parent.see(now.as_millisecond());
        }
        let keys = parent.into_iter().chain([session.key()]);
        let writes: Vec<_> = keys.map(|key| (Arc::clone(&self.ephemeral), key)).collect();
        tokio::spawn(async move {
            for (ephemeral, key) in writes {
                if let Err(error) = note_seen(ephemeral.as_ref(), key, now, ttl).await {
                    tracing::warn!(error = describe(&error), "the time of a session's last request was not written");
                }
            }
        });
    }
}

/// Read, change, replace: what pages keep beside the login stays, and `replace` never brings an ended session back.
async fn note_seen(ephemeral: &dyn Ephemeral, key: SessionKey, now: Timestamp, ttl: std::time::Duration) -> Result<(), SessionError> {
    let Some(bytes) = ephemeral.find(&key.entry()).await? else { return Ok(()) };
    let mut stored: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes)?;
    let Some(login) = stored.get_mut(LOGIN).and_then(serde_json::Value::as_object_mut) else { return Ok(()) };
    login.insert("last_seen_at".to_owned(), serde_json::to_value(now)?);
    ephemeral.replace(&key.entry(), serde_json::to_vec(&stored)?.into(), ttl).await?;
    Ok(())
}
