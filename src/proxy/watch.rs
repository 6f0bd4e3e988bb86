//! Whether an open stream may go on: asked when someone says that something changed, and every few seconds in any case.

use std::sync::Arc;
use std::time::Duration;

use super::decide::Verdict;
use super::forward::Proxy;
use super::frames::Close;
use super::route::Route;
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

async fn until_session_over(proxy: &Proxy, route: &Route, session: &Session, mut guard: StreamGuard) {
    loop {
        if matches!(tokio::time::timeout(LOOK_EVERY, guard.signal()).await, Ok(Signal::Ended)) {
            return;
        }
        match may_go_on(proxy, route, session).await {
            Ok(true) => {}
            Ok(false) => return,
            // The session and the member have had their time of grace.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a stream was closed because its session cannot be checked");
                return;
            }
        }
    }
}

async fn may_go_on(proxy: &Proxy, route: &Route, session: &Session) -> Result<bool, SessionError> {
    let Some(session) = proxy.sessions.look(session.record().key).await? else { return Ok(false) };
    let row = proxy.find_member(route, session.record()).await?;
    Ok(proxy.judge(route, &session, row.as_deref()).await? == Verdict::Pass)
}
