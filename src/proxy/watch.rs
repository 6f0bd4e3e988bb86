//! Whether an open stream may go on: asked when someone says that something changed, and every few seconds in any case.

use std::sync::Arc;
use std::time::Duration;

use super::decide::Verdict;
use super::forward::{AppHost, Proxy};
use super::frames::Close;
use super::route::Route;
use crate::core::describe;
use crate::session::{Session, SessionError, Signal, StreamGuard};

/// The longest that a stream goes on unasked: the bound when a signal is lost, and how sharply the limits of a session cut.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Waits until a stream of this session on this route must close, and says why.
pub(super) async fn until_over(proxy: Arc<Proxy>, route: Arc<Route>, session: Arc<Session>, guard: StreamGuard) -> Close {
    tokio::select! {
        () = until_session_over(&proxy, &route, &session, guard) => Close::Session,
        () = proxy.stopping.cancelled() => Close::Node,
    }
}

/// The same for an answer that turned out to last. It may finish while this node stops.
pub(super) async fn until_ended(proxy: Arc<Proxy>, route: Arc<Route>, session: Arc<Session>) -> Close {
    match proxy.sessions.register_stream(&session).await {
        Ok(Some(guard)) => until_session_over(&proxy, &route, &session, guard).await,
        Ok(None) => {}
        Err(error) => closed_unasked(&error),
    }
    Close::Session
}

async fn until_session_over(proxy: &Arc<Proxy>, route: &Route, session: &Session, mut guard: StreamGuard) {
    loop {
        if matches!(tokio::time::timeout(LOOK_EVERY, guard.signal()).await, Ok(Signal::Ended)) {
            return;
        }
        match may_go_on(proxy, route, session).await {
            Ok(true) => {}
            Ok(false) => return,
            // The session and the member have had their time of grace.
            Err(error) => return closed_unasked(&error),
        }
    }
}

fn closed_unasked(error: &SessionError) {
    tracing::warn!(error = describe(error), "a stream was closed because its session cannot be checked");
}

/// Judged by the routes of now: what was opened before a reload may not go on by rules that are no longer there.
async fn may_go_on(proxy: &Arc<Proxy>, opened_on: &Route, session: &Session) -> Result<bool, SessionError> {
    let proxy = proxy.newest();
    let Some(AppHost(route)) = proxy.find_app(&opened_on.host) else { return Ok(false) };
    let Some(session) = proxy.sessions.look(session.key()).await? else { return Ok(false) };
    let row = proxy.find_member(&route, &session).await?;
    Ok(proxy.judge(&route, &session, &row).await?.answer == Verdict::Pass)
}
