//! `/recovery/{token}`: the way in of a recovery link (row 60).
//!
//! GET shows a button and changes nothing: programs that look at links in mail and chat must not use one up. POST uses it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use tower_sessions::Session as CookieSession;

use super::browser::is_token;
use super::limits;
use super::origin::Origin;
use super::problem::Problem;
use super::views::{Page, Recovery, View as _};
use crate::admin::recovery_key;
use crate::app::App;
use crate::session::{NewSession, WayIn};
use crate::store::RecoveryKey;

/// `GET /recovery/{token}`: a page with a button.
pub(super) async fn show(State(app): State<Arc<App>>, Path(token): Path<String>, origin: Origin) -> Result<Response, Problem> {
    let key = admit(&app, &token, &origin).await?;
    if !app.store.is_recovery_link_open(key, app.clock.now()).await? {
        return Err(Problem::RecoveryLink);
    }
    let brand = app.default_brand();
    Ok(Recovery { page: Page::of(&brand) }.respond())
}

/// `POST /recovery/{token}`: signs the administrator in, for an hour, and leads to the console.
pub(super) async fn redeem(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    session: CookieSession,
    origin: Origin,
) -> Result<Response, Problem> {
    let key = admit(&app, &token, &origin).await?;
    let used = app.store.use_recovery_link(key, &origin.plain(), app.clock.now()).await?;
    let Some(row) = used else {
        tracing::warn!(request.id = origin.request(), "a recovery link that does not work was tried");
        return Err(Problem::RecoveryLink);
    };
    let organization = row.member.organization;
    tracing::warn!(person.id = %row.person.id, organization.id = %organization, "a recovery link was used");
    app.sessions.invalidate_member(&organization, row.person.id);
    let new = NewSession {
        person: row.person.id,
        way: WayIn::Recovery,
        organizations: [(organization.clone(), row.member.id)].into(),
        client: origin.client(),
    };
    app.sessions.start_on_auth_host(&session, new).await?;
    Ok(Redirect::to(&format!("/admin/{organization}")).into_response())
}

/// Only what can be a token is looked up, and only so often.
async fn admit(app: &App, token: &str, origin: &Origin) -> Result<RecoveryKey, Problem> {
    let key = recovery_key(token);
    limits::recovery(app, origin, key).await?;
    if is_token(token) { Ok(key) } else { Err(Problem::RecoveryLink) }
}
