//! Pending logins in the ephemeral store: put at the start, taken once at the finish, bounded per browser.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::core::{ConnectionId, PendingLogin};
use crate::http::browser::BrowserId;
use crate::store::ephemeral::{Ephemeral, EphemeralError};

/// Logins that one browser may have open; the oldest gives way (oauth2-proxy #2163: state that piles up).
const MAX_PER_BROWSER: usize = 20;
/// How long a parked POST waits for the browser to come back.
const PARKED_TTL: Duration = Duration::from_mins(1);
/// How long a finished login is remembered for the back button and the double click.
const FINISHED_TTL: Duration = Duration::from_mins(1);

/// How long a login may take to finish: longer than any request to a provider (`outbound`).
const FINISHING_TTL: Duration = Duration::from_secs(15);
/// How often a request looks whether the one before it has finished the login.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Logins on their way.
pub(super) struct PendingLogins<'a>(pub(super) &'a dyn Ephemeral);

/// A cross-site POST that waits for its browser.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parked {
    /// At whose address it arrived; only a login of the same connection may go on with it (mix-up, RFC 9700 4.4).
    pub(super) connection: ConnectionId,
    /// The message.
    pub(super) message: String,
}

/// Where a finished login went, for the same browser coming twice.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    /// Whose login it was.
    pub(super) browser: [u8; 32],
    /// Where it went.
    pub(super) url: String,
}

impl PendingLogins<'_> {
    /// Keeps a login under `key`; the browser's oldest is dropped when it has too many.
    pub(super) async fn put(&self, key: &str, browser: &BrowserId, login: &PendingLogin) -> Result<(), EphemeralError> {
        let index = format!("browser-logins:{}", browser.key());
        let open = self.0.list_set(&index).await?;
        let surplus = (open.len() + 1).saturating_sub(MAX_PER_BROWSER);
        for oldest in open.iter().take(surplus) {
            self.0.delete(&pending_key(oldest)).await?;
            self.0.remove_from_set(&index, oldest).await?;
        }
        self.0.put(&pending_key(key), encode(login)?, PendingLogin::TTL).await?;
        self.0.insert_into_set(&index, key, PendingLogin::TTL).await
    }

    /// Whether a login is open under this key. Says nothing about whose it is.
    pub(super) async fn is_open(&self, key: &str) -> Result<bool, EphemeralError> {
        Ok(self.0.find(&pending_key(key)).await?.is_some())
    }

    /// Takes a login: once, whoever asks.
    pub(super) async fn take(&self, key: &str, browser: &BrowserId) -> Result<Option<PendingLogin>, EphemeralError> {
        let taken = self.0.take(&pending_key(key)).await?;
        self.0.remove_from_set(&format!("browser-logins:{}", browser.key()), key).await?;
        taken.map(|bytes| decode(&bytes)).transpose()
    }

    /// Parks a cross-site POST until the browser comes back with its cookie. One for each open login, so that parking cannot fill the store.
    pub(super) async fn park(&self, key: &str, parked: &Parked) -> Result<(), EphemeralError> {
        self.0.put(&format!("parked:{key}"), encode(parked)?, PARKED_TTL).await
    }

    /// Takes a parked message.
    pub(super) async fn take_parked(&self, key: &str) -> Result<Option<Parked>, EphemeralError> {
        let bytes = self.0.take(&format!("parked:{key}")).await?;
        bytes.map(|bytes| decode(&bytes)).transpose()
    }

    /// Whether this request may finish the login: `false` while another one of the same browser is at it, until [`Self::end`].
    pub(super) async fn begin(&self, key: &str, browser: &BrowserId) -> Result<bool, EphemeralError> {
        self.0.claim(&finishing_key(key, browser), FINISHING_TTL).await
    }

    /// Undoes [`Self::begin`].
    pub(super) async fn end(&self, key: &str, browser: &BrowserId) -> Result<(), EphemeralError> {
        self.0.delete(&finishing_key(key, browser)).await.map(drop)
    }

    /// Waits for the request that is at it.
    pub(super) async fn wait(&self, key: &str, browser: &BrowserId) -> Result<(), EphemeralError> {
        let finishing = finishing_key(key, browser);
        let mut left = FINISHING_TTL;
        while !left.is_zero() && self.0.find(&finishing).await?.is_some() {
            tokio::time::sleep(LOOK_AGAIN).await;
            left = left.saturating_sub(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Remembers where a login went.
    pub(super) async fn finish(&self, key: &str, finished: &Finished) -> Result<(), EphemeralError> {
        self.0.put(&format!("finished:{key}"), encode(finished)?, FINISHED_TTL).await
    }

    /// Where a login of this browser went a moment ago.
    pub(super) async fn find_finished(&self, key: &str, browser: &BrowserId) -> Result<Option<String>, EphemeralError> {
        let Some(bytes) = self.0.find(&format!("finished:{key}")).await? else { return Ok(None) };
        let finished: Finished = decode(&bytes)?;
        Ok(browser.started(&finished.browser).then_some(finished.url))
    }
}

fn pending_key(key: &str) -> String {
    format!("pending:{key}")
}

fn finishing_key(key: &str, browser: &BrowserId) -> String {
    format!("finishing:{key}:{}", browser.key())
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes, EphemeralError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| EphemeralError(Box::new(error)))
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a Bytes) -> Result<T, EphemeralError> {
    serde_json::from_slice(bytes).map_err(|error| EphemeralError(Box::new(error)))
}
