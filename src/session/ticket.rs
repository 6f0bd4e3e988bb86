//! From the auth host to an app host: a ticket that works once, for a minute, on one host, in one browser.
//!
//! The app host sends the browser to sign in and leaves it a cookie with a random nonce; the nonce's hash travels to the auth host in the
//! address (`enter=…`) and into the ticket. Whoever else gets the ticket, or slips theirs to someone, lacks the nonce (login CSRF).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tower_sessions::session::Id;

use super::{Cause, Place, Selector, SessionError, SessionKey, SessionRecord, Sessions, find};
use crate::core::ReturnTo;
use crate::random;

const TTL: Duration = Duration::from_mins(1);

#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    session: SessionKey,
    origin: String,
    path: String,
    binding: Option<String>,
}

/// How a ticket was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// A session on the app host has started.
    Started {
        /// Its id, for the cookie.
        token: String,
        /// Where to go: a path with its query.
        path: String,
    },
    /// The ticket was not made for this browser. Going to `path` begins anew.
    OtherBrowser {
        /// Where to go.
        path: String,
    },
    /// The ticket was made for this browser, which did not bring its cookie back: going on would lead in a circle.
    CookieMissing,
    /// Unknown, used before, too old, for another host, or its session is over.
    Unknown,
}

/// What of an app host's nonce may be shown in an address: its hash.
#[must_use]
pub fn binding_of(nonce: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(nonce))
}

fn entry(ticket: &str) -> String {
    format!("ticket:{}", binding_of(ticket.as_bytes()))
}

impl Sessions {
    /// A ticket into the app at `return_to`, for the session `record` of the auth host. `binding` is the `enter` value that the app host gave
    /// the browser; without one the ticket only leads to the app host, which begins anew.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be used.
    pub async fn issue_ticket(&self, record: &SessionRecord, return_to: &ReturnTo, binding: Option<&str>) -> Result<String, SessionError> {
        let secret = random::token()?;
        let ticket = Ticket {
            session: record.key,
            origin: return_to.origin().to_owned(),
            path: return_to.path().to_owned(),
            binding: binding.map(str::to_owned),
        };
        self.ephemeral.put(&entry(&secret), serde_json::to_vec(&ticket)?.into(), TTL).await?;
        Ok(secret)
    }

    /// Takes a ticket on the app at `origin` (its host is `host`), in a browser that brought `nonce`.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be used.
    pub async fn take_ticket(&self, ticket: &str, origin: &str, host: &str, nonce: Option<&[u8]>) -> Result<Entered, SessionError> {
        let Some(bytes) = self.ephemeral.take(&entry(ticket)).await? else { return Ok(Entered::Unknown) };
        let ticket: Ticket = serde_json::from_slice(&bytes)?;
        if ticket.origin != origin {
            return Ok(Entered::Unknown);
        }
        let Some(binding) = ticket.binding else { return Ok(Entered::OtherBrowser { path: ticket.path }) };
        let Some(nonce) = nonce else { return Ok(Entered::CookieMissing) };
        if !bool::from(binding_of(nonce).as_bytes().ct_eq(binding.as_bytes())) {
            return Ok(Entered::OtherBrowser { path: ticket.path });
        }
        let started = self.start_on_app_host(ticket.session, host).await?;
        Ok(started.map_or(Entered::Unknown, |token| Entered::Started { token, path: ticket.path }))
    }

    /// A session on an app host, under a new id; `None` when the one on the auth host is over.
    async fn start_on_app_host(&self, parent: SessionKey, host: &str) -> Result<Option<String>, SessionError> {
        let Some(login) = self.find(parent).await?.and_then(|session| session.login().cloned()) else { return Ok(None) };
        let token = Id(i128::from_le_bytes(random::bytes()?)).to_string();
        let now = self.now();
        let key = SessionKey::of(token.as_bytes()).ok_or(random::RandomError)?;
        let place = Place::App { host: host.to_owned(), parent };
        let record = SessionRecord { key, place, last_seen_at: now, ..login };
        self.insert_into_index(&record, now).await?;
        let stored = serde_json::json!({ find::LOGIN: &record });
        self.ephemeral.put(&key.entry(), serde_json::to_vec(&stored)?.into(), self.life(record.time_left(now))).await?;
        // The parent may have been ended before we were listed among its children.
        if self.ephemeral.find(&parent.entry()).await?.is_none() {
            self.end_sessions(Selector::Session(key), Cause::Replaced).await?;
            return Ok(None);
        }
        Ok(Some(token))
    }
}
