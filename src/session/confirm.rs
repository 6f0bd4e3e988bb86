//! Sessions that their provider confirms while they live (OpenID Connect Core 12): every so often, at the next request, by a refresh token.
//!
//! The grant is kept beside the session and not in it, because it changes with each use and the record is written by others. It is used by one request at a
//! time, on one node: a provider that rotates refresh tokens takes a second use for theft.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Cause, Selector, Session, SessionError, SessionKey, SessionRecord, Sessions, WayIn};
use crate::core::{ConnectionId, RefreshGrant, Secret, describe};
use crate::store::{NewAuditLine, RequestOrigin};

/// How long one node may take to ask: longer than discovery, the token endpoint and the keys can take together.
const FLIGHT: Duration = Duration::from_mins(1);
/// How often the others look.
const STEP: Duration = Duration::from_millis(50);
/// How long after a provider that did not answer nobody asks again.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Asks providers.
#[async_trait]
pub trait Confirm: std::fmt::Debug + Send + Sync {
    /// Uses a grant once.
    async fn confirm(&self, connection: &ConnectionId, grant: &RefreshGrant) -> Answer;

    /// Gives a grant back that nobody needs any more. Nobody waits for it.
    async fn revoke(&self, connection: &ConnectionId, grant: &RefreshGrant);
}

/// What came of a grant that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether the session may go on.
    pub says: Confirmation,
    /// The token that counts from now on, if there is another one.
    pub next: Option<Secret>,
}

/// What a provider says about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It goes on.
    Confirmed,
    /// It is over: the code says why.
    Over(&'static str),
    /// Nothing: the provider did not answer, or nobody can tell whether it did.
    Unknown,
}

impl From<Confirmation> for Answer {
    fn from(says: Confirmation) -> Self {
        Self { says, next: None }
    }
}

/// A grant and what became of it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    connection: ConnectionId,
    grant: RefreshGrant,
    confirmed_at: Timestamp,
    tried_at: Timestamp,
}

impl Kept {
    fn due_at(&self) -> Timestamp {
        if self.tried_at > self.confirmed_at {
            later(self.tried_at, RETRY_AFTER)
        } else {
            later(self.confirmed_at, SignedDuration::from_secs(self.grant.every_seconds.into()))
        }
    }

    /// Notes an answer; an error is why the session is over.
    fn note(&mut self, answer: Answer, now: Timestamp) -> Result<(), &'static str> {
        if let Some(token) = answer.next {
            self.grant.token = token;
        }
        self.tried_at = now;
        match answer.says {
            Confirmation::Over(code) => Err(code),
            Confirmation::Unknown if now >= self.over_at() => Err("unconfirmed_too_long"),
            Confirmation::Unknown => Ok(()),
            Confirmation::Confirmed => {
                self.confirmed_at = now;
                Ok(())
            }
        }
    }

    /// When a session that nobody confirms is over.
    fn over_at(&self) -> Timestamp {
        let seconds = i64::from(self.grant.every_seconds) + i64::from(self.grant.grace_seconds);
        later(self.confirmed_at, SignedDuration::from_secs(seconds))
    }
}

/// How a question ended.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The session goes on, until then without another question.
    Until(Timestamp),
    /// It does not.
    Over(&'static str),
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn entry(session: SessionKey) -> String {
    format!("grant:{session}")
}

fn flight(session: SessionKey) -> String {
    format!("confirming:{session}")
}

impl Sessions {
    /// Who asks the providers. Without anyone, sessions that have to be confirmed end when they are due.
    #[must_use]
    pub fn confirmed_by(mut self, providers: Arc<dyn Confirm>) -> Self {
        self.providers = Some(providers);
        self
    }

    /// Keeps the grant of a session that starts.
    pub(super) async fn keep_grant(&self, record: &SessionRecord, grant: RefreshGrant) -> Result<(), SessionError> {
        let Some(connection) = record.way.connection().cloned() else { return Ok(()) };
        let now = self.now();
        let kept = Kept { connection, grant, confirmed_at: now, tried_at: now };
        Ok(self.ephemeral.put(&entry(record.key), serde_json::to_vec(&kept)?.into(), record.time_left(now)).await?)
    }

    /// Gives a session's grant to the one that takes its place.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be used.
    pub async fn move_grant(&self, from: SessionKey, to: &SessionRecord) -> Result<(), SessionError> {
        let Some(bytes) = self.ephemeral.take(&entry(from)).await? else { return Ok(()) };
        Ok(self.ephemeral.put(&entry(to.key), bytes, to.time_left(self.now())).await?)
    }

    /// Forgets the grant of a session that is over, and has it given back: after this, and whether or not the provider answers, because a logout waits for
    /// nobody.
    pub(super) async fn drop_grant(&self, record: &SessionRecord) -> Result<(), SessionError> {
        if record.place.parent().is_some() || record.way.refresh_every().is_none() {
            return Ok(());
        }
        let Some(bytes) = self.ephemeral.take(&entry(record.key)).await? else { return Ok(()) };
        if let (Some(providers), Ok(Kept { connection, grant, .. })) = (self.providers.clone(), serde_json::from_slice(&bytes)) {
            tokio::spawn(async move { providers.revoke(&connection, &grant).await });
        }
        Ok(())
    }

    /// Whether a session may go on. One that is due is asked for at its provider, once for all requests that wait.
    pub(super) async fn is_confirmed(&self, session: &Session) -> Result<bool, SessionError> {
        if !session.is_due(self.now()) {
            return Ok(true);
        }
        let parent = session.place().parent().unwrap_or(session.key());
        let Ok(here) = self.flights.get_or_insert_with(&parent, || Ok::<_, Infallible>(Arc::default()));
        let _here = here.lock().await;
        if !session.is_due(self.now()) {
            return Ok(true);
        }
        let outcome = self.ask(parent, session).await?;
        match outcome {
            Outcome::Until(due) => session.confirm_until(due),
            Outcome::Over(code) => self.end_unconfirmed(parent, session, code).await?,
        }
        Ok(matches!(outcome, Outcome::Until(_)))
    }

    /// Asks, or waits for the node that does: its claim ends by itself if the node does.
    async fn ask(&self, key: SessionKey, session: &Session) -> Result<Outcome, SessionError> {
        loop {
            let claimed = self.ephemeral.claim(&flight(key), FLIGHT).await?;
            // Read with the claim in hand, so that nobody uses a token that somebody has used.
            let kept = self.find_grant(key).await?;
            match kept {
                Some(kept) if kept.due_at() <= self.now() && claimed => return self.question(key, session, kept).await,
                Some(kept) if kept.due_at() <= self.now() => tokio::time::sleep(STEP).await,
                done => {
                    if claimed {
                        self.ephemeral.delete(&flight(key)).await?;
                    }
                    return Ok(done.map_or(Outcome::Over("grant_missing"), |kept| Outcome::Until(kept.due_at())));
                }
            }
        }
    }

    /// A task of its own, which goes on when the request that waits for it goes away: a provider that rotates its tokens has given out another, which
    /// must not get lost.
    async fn question(&self, key: SessionKey, session: &Session, mut kept: Kept) -> Result<Outcome, SessionError> {
        let Some(providers) = self.providers.clone() else { return Ok(Outcome::Over("nobody_asks")) };
        let (ephemeral, now) = (Arc::clone(&self.ephemeral), self.now());
        let life = session.time_left(now);
        let asked = tokio::spawn(async move {
            let answer = providers.confirm(&kept.connection, &kept.grant).await;
            let noted = kept.note(answer, now);
            // Also for a session that is over: its end gives back what is kept. Never brings back what was ended meanwhile: a logout wins over a refresh.
            let goes_on = ephemeral.replace(&entry(key), serde_json::to_vec(&kept)?.into(), life).await?;
            if !goes_on {
                providers.revoke(&kept.connection, &kept.grant).await;
            }
            ephemeral.delete(&flight(key)).await?;
            Ok::<_, SessionError>(match noted {
                Err(code) => Outcome::Over(code),
                Ok(()) if goes_on => Outcome::Until(kept.due_at()),
                Ok(()) => Outcome::Over("grant_missing"),
            })
        });
        asked.await.unwrap_or(Ok(Outcome::Over("question_failed")))
    }

    async fn find_grant(&self, session: SessionKey) -> Result<Option<Kept>, SessionError> {
        let bytes = self.ephemeral.find(&entry(session)).await?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// Ends it, with what hangs on it, and leaves a line. A line that cannot be written keeps nobody in.
    async fn end_unconfirmed(&self, parent: SessionKey, session: &Session, code: &'static str) -> Result<(), SessionError> {
        let ended = self.end_sessions(Selector::Session(parent), Cause::Provider).await?;
        let person = session.person().to_string();
        let line = NewAuditLine {
            event: "session.ended",
            actor: "system",
            organization: None,
            target: Some(&person),
            reason: None,
            detail: serde_json::json!({ "cause": "provider", "channel": "refresh", "code": code, "sessions": ended.sessions }),
            origin: &RequestOrigin::default(),
            now: self.now(),
        };
        if let Err(error) = self.members.store().record(line).await {
            tracing::warn!(error = describe(&error), deny.code = code, "a session that was not confirmed ended without an audit line");
        }
        Ok(())
    }
}

impl WayIn {
    /// How often the provider has to confirm the session.
    pub(super) fn refresh_every(&self) -> Option<SignedDuration> {
        self.door_session()?.refresh_every_seconds.map(|seconds| SignedDuration::from_secs(seconds.into()))
    }

    /// The grant of a login that just finished; what stays is fit to be stored.
    pub(super) fn take_grant(&mut self) -> Option<RefreshGrant> {
        match self {
            Self::Connection { door_session, .. } => door_session.refresh.take(),
            Self::Recovery => None,
        }
    }
}
