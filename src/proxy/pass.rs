//! Who this is, and whether they may pass.

use std::sync::Arc;

use http::header::HeaderMap;

use super::decide::{self, Verdict};
use super::forward::{Proxy, Refusal};
use super::route::Route;
use super::{Problem, introduce, own};
use crate::session::{Asked, Introduction, Session, SessionError, cookie};
use crate::store::MemberRow;

/// Someone who may pass: nobody in particular on a public path, or a session with what the app is told about it.
pub(super) type Passed = Option<(Arc<Session>, Arc<Introduction>)>;

/// Why a request was not passed.
pub(super) enum Passing {
    /// It is for `/.usher/`.
    Own,
    Refused(Refusal),
}

impl From<SessionError> for Passing {
    fn from(error: SessionError) -> Self {
        Self::Refused(error.into())
    }
}

impl Proxy {
    /// The decision when everything is at hand: a session in the cache that passed a moment ago, or nobody on a public path. `None`: ask [`Self::pass`].
    /// Not async, because what waits is carried around with every request, also by those that need not.
    pub(super) fn pass_at_hand(&self, route: &Route, path: &str, headers: &HeaderMap) -> Option<Passed> {
        if own::is_ours(path) {
            return None;
        }
        let Some(token) = cookie::find(headers, cookie::SESSION) else { return route.is_public(path).then_some(None) };
        let now = self.clock.now();
        let session = self.sessions.find_at_hand(token, &route.host, now)?;
        let known = session.introduction().as_ref().map(Arc::clone)?;
        introduce::is_current(&known, route, &self.sessions, now.as_millisecond()).then_some(Some((session, known)))
    }

    /// The decision: who this is, and whether they may pass.
    pub(super) async fn pass(&self, route: &Route, path: &str, headers: &HeaderMap) -> Result<Passed, Passing> {
        if own::is_ours(path) {
            return Err(Passing::Own);
        }
        let is_public = route.is_public(path);
        let Some(session) = self.find_session(route, headers).await? else {
            return if is_public { Ok(None) } else { Err(Passing::Refused(Refusal::SignIn)) };
        };
        let now = self.clock.now();
        // Read before the member: what is forgotten while we read makes the introduction stale at once.
        let epoch = self.sessions.members().epoch();
        let row = self.find_member(route, &session).await?;
        let verdict = self.judge(route, &session, &row).await?;
        match verdict.answer {
            Verdict::Pass => {
                let introduction =
                    introduce::introduce(&self.keys, &self.issuer, route, &session, Asked { at: verdict.at, ..row }, epoch, now)
                        .map_err(|error| Passing::Refused(error.into()))?;
                Ok(Some((session, introduction)))
            }
            // On a public path someone who may not pass is nobody.
            Verdict::SignIn | Verdict::Deny(_) if is_public => Ok(None),
            Verdict::SignIn => Err(Passing::Refused(Refusal::SignIn)),
            Verdict::Deny(denial) => Err(Passing::Refused(Problem::Denied(denial).into())),
        }
    }

    /// The live session of a request on this host.
    pub(super) async fn find_session(&self, route: &Route, headers: &HeaderMap) -> Result<Option<Arc<Session>>, SessionError> {
        match cookie::find(headers, cookie::SESSION) {
            Some(token) => self.sessions.find_on_app_host(token, &route.host).await,
            None => Ok(None),
        }
    }

    /// The member of a session in the route's organization; where its login was decided for others only, one of those says who the person is.
    pub(super) async fn find_member(&self, route: &Route, session: &Session) -> Result<Asked<Option<Arc<MemberRow>>>, SessionError> {
        let decided = session.organizations();
        let own = decided.iter().find(|(organization, _)| *organization == route.organization);
        let Some((organization, _)) = own.or(decided.first()) else { return Ok(Asked { answer: None, at: self.clock.now() }) };
        Ok(self.sessions.members().find(organization, session.person()).await?)
    }

    pub(super) async fn judge(
        &self,
        route: &Route,
        session: &Session,
        row: &Asked<Option<Arc<MemberRow>>>,
    ) -> Result<Asked<Verdict>, SessionError> {
        decide::judge(&self.sessions, &route.allow, &route.organization, session, row).await
    }
}
