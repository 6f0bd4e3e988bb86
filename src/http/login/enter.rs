//! From a finished login into a session, and from the auth host's session into an app.

use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect, Response};
use sha2::{Digest as _, Sha256};
use tower_sessions::Session as CookieSession;

use crate::app::App;
use crate::core::{OrganizationId, ReturnTo, VerifiedIdentity};
use crate::http::browser::{BrowserId, short_hex};
use crate::http::problem::Problem;
use crate::session::{Cause, Client, NewSession, Selector, SessionKey, SessionRecord, WayIn};
use crate::store::MemberRow;

/// So many successful logins of one browser for one page within [`LOOP_WINDOW`] are a loop, not a person (gateway.md row 26).
const LOOP_LIMIT: u64 = 3;
const LOOP_WINDOW: Duration = Duration::from_mins(1);

/// Counts a login that succeeds; a page that was asked for again and again gets an answer that names the cause.
pub(super) async fn stop_loops(app: &App, browser: &BrowserId, return_to: &ReturnTo) -> Result<(), Problem> {
    let page = short_hex(&Sha256::digest(return_to.url().as_bytes()));
    let count = app.ephemeral.count(&format!("login-loop:{}:{page}", browser.key()), LOOP_WINDOW).await?;
    if count > LOOP_LIMIT { Err(Problem::Loop) } else { Ok(()) }
}

/// Counts logins that a message of the provider led to: one that never says which login it answers would lead in a circle.
pub(super) async fn stop_unasked_loops(app: &App, browser: &BrowserId) -> Result<(), Problem> {
    let count = app.ephemeral.count(&format!("unasked-loop:{}", browser.key()), LOOP_WINDOW).await?;
    if count > LOOP_LIMIT { Err(Problem::Loop) } else { Ok(()) }
}

/// So many tickets for one page of an app within [`LOOP_WINDOW`]: the app host's cookie does not come back.
const TICKET_LIMIT: u64 = 10;

/// Counts this ticket, in the same way.
async fn stop_ticket_loops(app: &App, record: &SessionRecord, return_to: &ReturnTo) -> Result<(), Problem> {
    let page = short_hex(&Sha256::digest(return_to.url().as_bytes()));
    let count = app.ephemeral.count(&format!("ticket-loop:{}:{page}", record.key), LOOP_WINDOW).await?;
    if count > TICKET_LIMIT { Err(Problem::Loop) } else { Ok(()) }
}

/// The session of this browser on the auth host, if it is alive.
pub(in crate::http) async fn signed_in(app: &App, session: &CookieSession) -> Result<Option<SessionRecord>, Problem> {
    Ok(app.sessions.find_on_auth_host(session).await?)
}

/// Starts the session: always under a new id (oauth2-proxy GHSA-f24x-5g9q-753f); the one of before is ended, whoever's it was.
pub(super) async fn sign_in(
    app: &App,
    session: &CookieSession,
    row: &MemberRow,
    verified: &VerifiedIdentity,
    client: Client,
) -> Result<SessionKey, Problem> {
    let identity = verified.identity();
    // The same person entering a second organization keeps the first.
    let before = signed_in(app, session)
        .await?
        .filter(|before| before.person == row.person.id && before.way.connection() == Some(&identity.connection));
    let mut door_session = verified.door_session().clone();
    let mut organizations = before.as_ref().map(|before| before.organizations.clone()).unwrap_or_default();
    organizations.insert(row.member.organization.clone(), row.member.id);
    // What was decided for the others is as old as it was: signing in to one organization after the other must not keep all of them for ever.
    if let Some(before) = before.filter(|_| organizations.len() > 1) {
        door_session.ends_at = Some(door_session.ends_at.map_or(before.ends_at, |end| end.min(before.ends_at)));
    }
    let new = NewSession {
        person: row.person.id,
        way: WayIn::Connection { connection: identity.connection.clone(), subject: identity.subject.clone(), door_session },
        organizations,
        client,
    };
    Ok(app.sessions.start_on_auth_host(session, new).await?.key)
}

/// A session in place of one whose cookie never reached this browser: a double click cancels the first request, and its answer with it.
/// A session that has ended meanwhile is not brought back.
pub(super) async fn replace_lost(app: &App, session: &CookieSession, lost: SessionKey) -> Result<(), Problem> {
    if signed_in(app, session).await?.is_some() {
        return Ok(());
    }
    let found = app.sessions.look(lost).await?;
    let Some(SessionRecord { person, way, organizations, client, .. }) = found.and_then(|found| found.login().cloned()) else {
        return Ok(());
    };
    let started = app.sessions.start_on_auth_host(session, NewSession { person, way, organizations, client }).await?;
    app.sessions.move_grant(lost, &started).await?;
    // Ended while we made another of it, by an administrator perhaps, who did not see the other.
    if !app.sessions.end_replaced(lost).await? {
        session.flush().await?;
        app.sessions.end_sessions(Selector::Session(started.key), Cause::Replaced).await?;
    }
    Ok(())
}

/// Row 60: a recovery link leads to the console, and into the apps only where nothing better is required.
fn requires_sso(app: &App, organization: &OrganizationId) -> bool {
    app.settings().find_organization(organization).is_none_or(|organization| organization.policy.require_sso)
}

/// The answer that brings someone who is signed in to where they wanted: a page of the auth host, or an app host by a one-use ticket.
/// `None`: nobody is signed in, or this organization was not decided at their login and needs one of its own (rules.md row 63).
pub(super) async fn go_on(
    app: &App,
    session: &CookieSession,
    return_to: &ReturnTo,
    enter: Option<&str>,
) -> Result<Option<Response>, Problem> {
    let Some(record) = signed_in(app, session).await? else { return Ok(None) };
    if return_to.origin() == app.auth_origin() {
        return Ok(Some(Redirect::to(&return_to.url()).into_response()));
    }
    let organization = app.organization_of(return_to)?;
    if !record.organizations.contains_key(&organization) || (record.way.is_recovery() && requires_sso(app, &organization)) {
        return Ok(None);
    }
    stop_ticket_loops(app, &record, return_to).await?;
    let ticket = app.sessions.issue_ticket(&record, return_to, enter).await?;
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("ticket", &ticket).finish();
    Ok(Some(Redirect::to(&format!("{}/.usher/enter?{query}", return_to.origin())).into_response()))
}
