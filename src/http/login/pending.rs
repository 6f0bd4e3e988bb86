//! Pending logins in the ephemeral store: put at the start, taken once at the finish, bounded per browser.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ask::Access;
use crate::core::{ConnectionId, IncidentId, OrganizationId, PendingLogin, Reason};
use crate::http::browser::{BrowserId, hashed};
use crate::session::SessionKey;
use crate::store::ephemeral::{ANYONES, Ephemeral, EphemeralError};

/// Logins that one browser may have open; the oldest gives way (oauth2-proxy #2163: state that piles up).
const MAX_PER_BROWSER: usize = 20;
/// How long a parked POST waits for the browser to come back.
const PARKED_TTL: Duration = Duration::from_mins(1);
/// How long a finished login is remembered for the back button and the double click.
const FINISHED_TTL: Duration = Duration::from_mins(1);

/// How long a second request for the same login waits for the first, which has taken it.
const UNDER_WAY_TTL: Duration = Duration::from_secs(5);
/// How often it looks.
const UNDER_WAY_STEP: Duration = Duration::from_millis(50);

/// Logins on their way.
pub(super) struct PendingLogins<'a>(pub(super) &'a dyn Ephemeral);

/// A cross-site POST that waits for its browser.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parked {
    /// At whose address it arrived; only a login of the same connection may go on with it (mix-up, RFC 9700 4.4).
    pub(super) connection: ConnectionId,
    /// The message.
    pub(super) message: String,
    /// Where to go, for one that no login waits for.
    #[serde(default)]
    pub(super) unasked: Option<String>,
}

/// A finished login, for the same browser coming twice.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    /// Whose login it was.
    pub(super) browser: [u8; 32],
    /// How it ended.
    pub(super) end: End,
}

/// How a login ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum End {
    /// With a session.
    Admitted {
        /// Where it went.
        url: String,
        /// The session; its cookie may have got lost with the answer.
        session: SessionKey,
    },
    /// With a no.
    Refused {
        /// Why.
        reason: Reason,
        /// Whose admins to ask.
        organization: OrganizationId,
        /// The reference.
        incident: Option<IncidentId>,
        /// Where to try with another account.
        again: String,
        /// Whether to ask for access.
        access: Access,
    },
    /// Not at all: it was proven who came, and then we failed, mostly because a store could not be used.
    Interrupted {
        /// Where to begin anew.
        again: String,
        /// The page that it was for, where whoever is signed in by then goes on; `None` when the login has to be a fresh one.
        page: Option<String>,
    },
}

impl End {
    /// How long it is remembered. An outage may last longer than a double click.
    const fn life(&self) -> Duration {
        match self {
            Self::Admitted { .. } | Self::Refused { .. } => FINISHED_TTL,
            Self::Interrupted { .. } => PendingLogin::TTL,
        }
    }
}

impl PendingLogins<'_> {
    /// Keeps a login under `key`; the browser's oldest is dropped when it has too many.
    pub(super) async fn put(&self, key: &str, browser: &BrowserId, login: &PendingLogin) -> Result<(), EphemeralError> {
        let index = index_key(browser);
        let open = self.0.list_set(&index).await?;
        let surplus = (open.len() + 1).saturating_sub(MAX_PER_BROWSER);
        for oldest in open.iter().take(surplus) {
            self.0.delete(oldest).await?;
            self.0.remove_from_set(&index, oldest).await?;
        }
        self.0.put(&pending_key(key), encode(login)?, PendingLogin::TTL).await?;
        self.0.insert_into_set(&index, &pending_key(key), PendingLogin::TTL).await
    }

    /// Whether a login is open under this key. Says nothing about whose it is.
    pub(super) async fn is_open(&self, key: &str) -> Result<bool, EphemeralError> {
        Ok(self.0.find(&pending_key(key)).await?.is_some())
    }

    /// Says that an open login is being finished: before anything of it is taken, so that whoever finds it gone knows to wait.
    pub(super) async fn begin(&self, key: &str) -> Result<(), EphemeralError> {
        if self.is_open(key).await? {
            self.0.put(&under_way_key(key), Bytes::new(), UNDER_WAY_TTL).await?;
        }
        Ok(())
    }

    /// Takes a login: once, whoever asks.
    pub(super) async fn take(&self, key: &str, browser: &BrowserId) -> Result<Option<PendingLogin>, EphemeralError> {
        let taken = self.0.take(&pending_key(key)).await?;
        self.0.remove_from_set(&index_key(browser), &pending_key(key)).await?;
        taken.map(|bytes| decode(&bytes)).transpose()
    }

    /// Parks a cross-site POST until the browser comes back with its cookie. One for each open login, so that parking cannot fill the store.
    pub(super) async fn park(&self, key: &str, parked: &Parked) -> Result<(), EphemeralError> {
        self.0.put(&parked_key(key), encode(parked)?, PARKED_TTL).await
    }

    /// Takes a parked message.
    pub(super) async fn take_parked(&self, key: &str) -> Result<Option<Parked>, EphemeralError> {
        let bytes = self.0.take(&parked_key(key)).await?;
        bytes.map(|bytes| decode(&bytes)).transpose()
    }

    /// Remembers how a login ended.
    pub(super) async fn finish(&self, key: &str, finished: &Finished) -> Result<(), EphemeralError> {
        self.0.put(&finished_key(key), encode(finished)?, finished.end.life()).await
    }

    /// How a login of this browser ended a moment ago. One that is ending just now is waited for.
    pub(super) async fn find_finished(&self, key: &str, browser: &BrowserId) -> Result<Option<End>, EphemeralError> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(bytes) = self.0.find(&finished_key(key)).await? {
                let finished: Finished = decode(&bytes)?;
                return Ok(browser.started(&finished.browser).then_some(finished.end));
            }
            if waited >= UNDER_WAY_TTL || self.0.find(&under_way_key(key)).await?.is_none() {
                return Ok(None);
            }
            tokio::time::sleep(UNDER_WAY_STEP).await;
            waited += UNDER_WAY_STEP;
        }
    }
}

fn pending_key(key: &str) -> String {
    format!("{ANYONES}pending:{}", hashed(key))
}

fn index_key(browser: &BrowserId) -> String {
    format!("{ANYONES}browser-logins:{}", browser.key())
}

fn parked_key(key: &str) -> String {
    format!("{ANYONES}parked:{}", hashed(key))
}

fn under_way_key(key: &str) -> String {
    format!("{ANYONES}under-way:{}", hashed(key))
}

fn finished_key(key: &str) -> String {
    format!("finished:{}", hashed(key))
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes, EphemeralError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| EphemeralError(Box::new(error)))
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a Bytes) -> Result<T, EphemeralError> {
    serde_json::from_slice(bytes).map_err(|error| EphemeralError(Box::new(error)))
}
