//! Who am I, and the way out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use tower_sessions::Session as CookieSession;

use super::login::enter;
use super::origin::Origin;
use super::problem::Problem;
use super::views::account::{Account, AppLink, SignedOut};
use super::views::{Page, render};
use crate::app::App;
use crate::core::explain::explain;
use crate::doors::Door;
use crate::session::{Cause, Selector, SessionRecord};
use crate::store::NewAuditLine;

/// `GET /`: the account page of someone who is signed in, else sign-in.
pub(super) async fn show(State(app): State<Arc<App>>, session: CookieSession) -> Result<Response, Problem> {
    let Some(record) = enter::signed_in(&app, &session).await? else { return Ok(Redirect::to("/login").into_response()) };
    let Some(organization) = record.organizations.keys().next() else { return Ok(Redirect::to("/login").into_response()) };
    let Some(row) = app.store.find_member(organization, record.person).await? else { return Ok(Redirect::to("/login").into_response()) };
    let because = app.store.find_last_decision(organization, record.person).await?.map(|last| explain(&last.decision).because).unwrap_or_default();
    let link = |route: &crate::config::Route| AppLink { name: route.host.clone(), url: app.app_origin(&route.host) };
    let apps = app.config.routes.iter().filter(|route| record.organizations.contains_key(&route.organization)).map(link).collect();
    Ok(render(&Account {
        page: Page::new(&app.organization_name(organization)),
        name: row.person.name.clone().unwrap_or_default(),
        email: row.person.email.as_ref().map(ToString::to_string).unwrap_or_default(),
        role: row.member.role.to_string(),
        seat_tier: row.member.seat.as_ref().map(ToString::to_string),
        because,
        apps,
    }))
}

/// `POST /logout`: ends this browser's session here and on every app host, and offers the provider's logout.
pub(super) async fn logout(State(app): State<Arc<App>>, session: CookieSession, origin: Origin) -> Result<Response, Problem> {
    let Some(record) = enter::signed_in(&app, &session).await? else { return Ok(Redirect::to("/signed-out").into_response()) };
    let provider = provider_logout(&app, &record).await;
    session.flush().await?;
    app.sessions.end_sessions(Selector::Session(record.key), Cause::Logout).await?;
    let person = record.person.to_string();
    let line = NewAuditLine {
        event: "session.ended",
        actor: &person,
        organization: None,
        target: Some(&person),
        reason: None,
        detail: serde_json::json!({ "cause": "logout" }),
        origin: &origin.plain(),
        now: app.clock.now(),
    };
    app.store.record(line).await?;
    Ok(render(&SignedOut { page: Page::new(&app.default_organization_name()), provider }))
}

/// `GET /signed-out`: where the provider's logout comes back to.
pub(super) async fn signed_out(State(app): State<Arc<App>>) -> Response {
    render(&SignedOut { page: Page::new(&app.default_organization_name()), provider: None })
}

/// The provider's own logout, for those who have one (OpenID Connect RP-Initiated Logout 1.0): its name and address.
async fn provider_logout(app: &App, record: &SessionRecord) -> Option<(String, String)> {
    let entrance = app.doors.find(&record.connection)?;
    let Ok(Door::Oidc(rp)) = entrance.door else { return None };
    let back = app.config.public_url.join("/signed-out").ok()?;
    let state = crate::random::token().ok()?;
    let url = rp.logout_url(record.door_session.id_token.as_deref(), &back, &state).await?;
    Some((entrance.connection.name, url.into()))
}
