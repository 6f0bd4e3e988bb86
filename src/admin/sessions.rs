//! Sessions: who is signed in to the organization, and how that ends.
//!
//! Only sessions that were decided for the actor's organization are seen or ended; any other one does not exist here.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Actor, Admin, AdminError, Permission};
use crate::core::{ConnectionId, MemberId, PersonId};
use crate::session::{Cause, Ended, Listed, Selector, SessionCursor, SessionKey, WayIn};
use crate::store::NewAuditLine;

/// One login that is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// What it is ended by. Not the secret of the cookie: its hash.
    pub id: SessionKey,
    /// Whose.
    pub person: PersonId,
    /// The member in this organization.
    pub member: MemberId,
    /// The person's name now.
    pub name: Option<String>,
    /// The person's address now.
    pub email: Option<String>,
    /// Through which connection; `None`: by a recovery link.
    pub connection: Option<ConnectionId>,
    /// Whether it came from a recovery link.
    pub recovery: bool,
    /// The hosts of the apps that are open in it.
    pub apps: Vec<String>,
    /// When the login was.
    pub started_at: Timestamp,
    /// The last request; may lag by a minute for work on another node.
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    pub ends_at: Timestamp,
    /// The client's address at the login.
    pub address: Option<String>,
    /// What the client called itself then.
    pub user_agent: Option<String>,
}

/// A page of sessions, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionList {
    /// The sessions.
    pub sessions: Vec<SessionView>,
    /// Where the next page starts; `None` at the end. Its text form goes into addresses.
    pub next: Option<SessionCursor>,
}

/// The most sessions of a page.
const MAX_PAGE: usize = 500;

impl Admin {
    /// A page of the organization's sessions, newest first; `limit` from 1 to 500.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Session`], [`AdminError::Store`].
    pub async fn list_sessions(&self, actor: &Actor, after: Option<SessionCursor>, limit: usize) -> Result<SessionList, AdminError> {
        actor.need(Permission::SessionsRead)?;
        let page = self.sessions.list(&actor.organization, after, limit.clamp(1, MAX_PAGE)).await?;
        Ok(SessionList { sessions: self.view(actor, page.sessions).await?, next: page.next })
    }

    /// The sessions of one member, newest first.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] for a member of another organization; [`AdminError::Session`], [`AdminError::Store`].
    pub async fn list_sessions_of(&self, actor: &Actor, member: MemberId) -> Result<Vec<SessionView>, AdminError> {
        actor.need(Permission::SessionsRead)?;
        self.load_row(actor, member).await?;
        let sessions = self.sessions.list_of_member(&actor.organization, member).await?;
        self.view(actor, sessions).await
    }

    /// Ends one session, with the app sessions that hang on it; what was ended.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] when it is over, or another organization's; [`AdminError::Session`], [`AdminError::Store`].
    pub async fn end_session(&self, actor: &Actor, session: SessionKey) -> Result<Ended, AdminError> {
        actor.need(Permission::SessionsWrite)?;
        let listed = self.sessions.find_listed(session, &actor.organization).await?.ok_or(AdminError::NoSuch("session"))?;
        let person = listed.record.person.to_string();
        self.record_end(actor, Some(&person), json!({ "cause": Cause::Admin.to_string(), "which": "one", "sessions": 1 })).await?;
        Ok(self.sessions.end_sessions(Selector::Session(session), Cause::Admin).await?)
    }

    /// Ends every session of one member.
    ///
    /// # Errors
    /// As [`Admin::end_session`], with [`AdminError::NoSuch`] for a member of another organization; that there is no session is no error.
    pub async fn end_sessions_of(&self, actor: &Actor, member: MemberId) -> Result<Ended, AdminError> {
        actor.need(Permission::SessionsWrite)?;
        self.load_row(actor, member).await?;
        let sessions = self.sessions.list_of_member(&actor.organization, member).await?;
        let detail = json!({ "cause": Cause::Admin.to_string(), "which": "member", "sessions": sessions.len() });
        self.record_end(actor, Some(&member.to_string()), detail).await?;
        self.end_each(sessions.into_iter().map(|listed| listed.record.key)).await
    }

    /// Ends every session of the organization that came in through one connection.
    ///
    /// # Errors
    /// As [`Admin::end_session`]; that there is none is no error.
    pub async fn end_sessions_through(&self, actor: &Actor, connection: &ConnectionId) -> Result<Ended, AdminError> {
        actor.need(Permission::SessionsWrite)?;
        let mut through = Vec::new();
        for key in self.sessions.list_keys(&actor.organization).await? {
            let session = self.sessions.look(key).await?;
            let fits = session.as_ref().and_then(|session| session.login()).is_some_and(|login| login.way.connection() == Some(connection));
            through.extend(fits.then_some(key));
        }
        let detail =
            json!({ "cause": Cause::Admin.to_string(), "which": "connection", "connection": connection, "sessions": through.len() });
        self.record_end(actor, None, detail).await?;
        self.end_each(through).await
    }

    /// Ends every session of the organization, the actor's own too.
    ///
    /// # Errors
    /// As [`Admin::end_session`]; that there is none is no error.
    pub async fn end_all_sessions(&self, actor: &Actor) -> Result<Ended, AdminError> {
        actor.need(Permission::SessionsWrite)?;
        let mut alive = Vec::new();
        for key in self.sessions.list_keys(&actor.organization).await? {
            alive.extend(self.sessions.look(key).await?.map(|_| key));
        }
        let detail = json!({ "cause": Cause::Admin.to_string(), "which": "all", "sessions": alive.len() });
        self.record_end(actor, None, detail).await?;
        self.end_each(alive).await
    }

    async fn end_each(&self, keys: impl IntoIterator<Item = SessionKey>) -> Result<Ended, AdminError> {
        let mut all = Ended::default();
        for key in keys {
            let ended = self.sessions.end_sessions(Selector::Session(key), Cause::Admin).await?;
            all.sessions += ended.sessions;
            all.streams += ended.streams;
        }
        Ok(all)
    }

    /// Written before the sessions end: the two stores share no transaction, and a line without its effect is the better fault of the two.
    async fn record_end(&self, actor: &Actor, target: Option<&str>, detail: Value) -> Result<(), AdminError> {
        let line = NewAuditLine {
            event: "session.ended",
            actor: &actor.name(),
            organization: Some(&actor.organization),
            target,
            reason: None,
            detail,
            origin: &actor.origin,
            now: self.clock.now(),
        };
        self.store.record(line).await?;
        Ok(())
    }

    async fn view(&self, actor: &Actor, sessions: Vec<Listed>) -> Result<Vec<SessionView>, AdminError> {
        let mut views = Vec::with_capacity(sessions.len());
        for Listed { record, apps } in sessions {
            let Some(&member) = record.organizations.get(&actor.organization) else { continue };
            let row = self.sessions.members().find(&actor.organization, record.person).await?.answer;
            let person = row.as_ref().map(|row| &row.person);
            views.push(SessionView {
                id: record.key,
                person: record.person,
                member,
                name: person.and_then(|person| person.name.clone()),
                email: person.and_then(|person| person.email.as_ref().map(ToString::to_string)),
                recovery: record.way.is_recovery(),
                connection: match record.way {
                    WayIn::Connection { connection, .. } => Some(connection),
                    WayIn::Recovery => None,
                },
                apps,
                started_at: record.started_at,
                last_seen_at: record.last_seen_at,
                ends_at: record.ends_at,
                address: record.client.address,
                user_agent: record.client.user_agent,
            });
        }
        Ok(views)
    }
}
