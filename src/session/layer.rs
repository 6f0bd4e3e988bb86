//! The same sessions for the auth host's pages: tower-sessions' layer over our store.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

use super::{Cause, NewSession, Place, Selector, SessionError, SessionKey, SessionRecord, Sessions, cookie, find};
use crate::core::describe;

/// How long a session from a recovery link may last: time to mend the sign-in, not to work.
const RECOVERY_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// tower-sessions' layer, with our cookie and our store.
pub type SessionLayer = SessionManagerLayer<CookieStore>;

/// Our sessions as tower-sessions asks for them. What it calls the id is only in the cookie; the store sees its hash.
#[derive(Debug, Clone)]
pub struct CookieStore(Arc<Sessions>);

fn backend(error: impl Into<SessionError>) -> Error {
    let error = error.into();
    tracing::error!(error = describe(&error), "the session store failed");
    Error::Backend("the session store cannot be used right now".to_owned())
}

fn key_of(id: &Id) -> Result<SessionKey> {
    SessionKey::of(id.to_string().as_bytes()).ok_or_else(|| Error::Decode("the session id has another form".to_owned()))
}

fn login_of(key: SessionKey, record: &Record) -> Result<Option<SessionRecord>> {
    let login = record.data.get(find::LOGIN).map(|login| serde_json::from_value::<SessionRecord>(login.clone()));
    let login = login.transpose().map_err(|error| Error::Decode(error.to_string()))?;
    Ok(login.map(|login| SessionRecord { key, ..login }))
}

impl CookieStore {
    /// The store behind the cookie; [`Sessions::layer`] is the usual way to it.
    #[must_use]
    pub const fn new(sessions: Arc<Sessions>) -> Self {
        Self(sessions)
    }

    /// Without a login, what a page keeps lives as long as a session may be idle.
    fn life(&self, login: Option<&SessionRecord>) -> std::time::Duration {
        login.map_or(self.0.limits().idle_timeout, |login| self.0.life(login.time_left(self.0.now())))
    }
}

#[async_trait]
impl SessionStore for CookieStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // tower-sessions draws ids with `rand`; ours come from the one place that makes secrets.
        record.id = Id(i128::from_le_bytes(crate::random::bytes().map_err(backend)?));
        let key = key_of(&record.id)?;
        let login = login_of(key, record)?;
        let bytes = serde_json::to_vec(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        if let Some(login) = &login {
            self.0.insert_into_index(login, self.0.now()).await.map_err(backend)?;
        }
        let ttl = self.life(login.as_ref());
        self.0.ephemeral.put(&key.entry(), bytes.into(), ttl).await.map_err(backend)
    }

    /// Changes what is there; a session that was ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> Result<()> {
        let key = key_of(&record.id)?;
        let bytes = serde_json::to_vec(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let ttl = self.life(login_of(key, record)?.as_ref());
        self.0.ephemeral.replace(&key.entry(), bytes.into(), ttl).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = key_of(id)?;
        let Some(bytes) = self.0.ephemeral.find(&key.entry()).await.map_err(backend)? else { return Ok(None) };
        let data: std::collections::HashMap<String, serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(|error| Error::Decode(error.to_string()))?;
        // A login counts only while both limits say so; the record itself does not know them.
        if data.contains_key(find::LOGIN) && self.0.find(key).await.map_err(backend)?.is_none() {
            return Ok(None);
        }
        let expiry_date = time::OffsetDateTime::from_unix_timestamp(self.0.now().as_second()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
        Ok(Some(Record { id: *id, data, expiry_date: expiry_date.saturating_add(time::Duration::days(1)) }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.end_sessions(Selector::Session(key_of(id)?), Cause::Replaced).await.map_err(backend)?;
        Ok(())
    }
}

impl Sessions {
    /// The layer for the auth host. The cookie lives until the browser closes; the limits are the server's.
    #[must_use]
    pub fn layer(self: &Arc<Self>) -> SessionLayer {
        SessionManagerLayer::new(CookieStore::new(Arc::clone(self)))
            .with_name(cookie::SESSION)
            .with_secure(true)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_path("/")
            .with_expiry(Expiry::OnSessionEnd)
    }

    /// Starts a session for the browser of this request, always under a new id; the one of before is ended with its app sessions.
    ///
    /// # Errors
    /// [`SessionError`]: nobody is signed in.
    pub async fn start_on_auth_host(
        &self,
        browser: &tower_sessions::Session,
        new: NewSession,
    ) -> std::result::Result<SessionRecord, SessionError> {
        let now = self.now();
        let ends_at = self.ends_at(&new, now).await?;
        if ends_at <= now {
            return Err(SessionError::Over);
        }
        let NewSession { person, mut way, organizations, client } = new;
        let grant = way.take_grant();
        let place = Place::AuthHost;
        let key = SessionKey::default();
        let record = SessionRecord { key, place, person, way, organizations, client, started_at: now, ends_at, last_seen_at: now };
        browser.cycle_id().await?;
        browser.insert(find::LOGIN, &record).await?;
        browser.save().await?;
        let id = browser.id().ok_or(SessionError::Over)?;
        let key = SessionKey::of(id.to_string().as_bytes()).ok_or(SessionError::Over)?;
        let record = SessionRecord { key, ..record };
        if let Some(grant) = grant {
            self.keep_grant(&record, grant).await?;
        }
        // Last, so that a logout that comes now finds the session.
        if self.was_ended(&record.way).await? {
            browser.flush().await?;
            self.end_sessions(Selector::Session(key), Cause::Provider).await?;
            return Err(SessionError::EndedByProvider);
        }
        Ok(record)
    }

    async fn ends_at(&self, new: &NewSession, now: Timestamp) -> std::result::Result<Timestamp, SessionError> {
        let caps = self.caps(new.organizations.keys()).await?;
        let configured = SignedDuration::try_from(caps.lifetime).unwrap_or(SignedDuration::MAX);
        let lifetime = if new.way.is_recovery() { configured.min(RECOVERY_LIFETIME) } else { configured };
        let ours = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        let theirs = new.way.door_session().and_then(|door_session| door_session.ends_at);
        Ok(theirs.map_or(ours, |theirs| ours.min(theirs)))
    }

    /// The live session of this browser on the auth host.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn find_on_auth_host(&self, browser: &tower_sessions::Session) -> std::result::Result<Option<SessionRecord>, SessionError> {
        let Some(key) = browser.id().and_then(|id| SessionKey::of(id.to_string().as_bytes())) else { return Ok(None) };
        Ok(self.find(key).await?.and_then(|session| session.login().cloned()))
    }
}
