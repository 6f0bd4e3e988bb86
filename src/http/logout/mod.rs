//! The ways out.
//!
//! - here: `POST /logout`, and the provider's own logout, which is offered after it
//! - `saml`: single logout, both ways
//! - `oidc`: back-channel and front-channel logout
//!
//! The one rule of this folder: sessions here end first. What the provider says, or does not say, changes nothing about that.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session as CookieSession;

use super::browser::{hashed, is_token};
use super::input::Asked;
use super::leave::leave;
use super::login::enter;
use super::origin::Origin;
use super::problem::Problem;
use super::views::{Link, Page, SignedOut, View as _};
use crate::app::App;
use crate::core::{ConnectionId, DoorSession, Secret};
use crate::doors::{Door, describe};
use crate::session::{Cause, Selector, SessionRecord, WayIn};
use crate::store::NewAuditLine;
use crate::store::ephemeral::EphemeralError;

pub(super) mod oidc;
pub(super) mod saml;

/// How long the provider's logout is offered, and how long its answer is waited for.
const OFFER_TTL: Duration = Duration::from_mins(10);

/// `POST /logout`: ends this browser's session here and on every app host, and offers the provider's logout.
pub(super) async fn logout(State(app): State<Arc<App>>, session: CookieSession, origin: Origin) -> Result<Response, Problem> {
    let Some(record) = enter::signed_in(&app, &session).await? else { return Ok(Redirect::to("/signed-out").into_response()) };
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
    // Last: a provider that does not answer must not keep anyone signed in, nor may a browser that is closed meanwhile.
    let provider = provider_logout(&app, &record).await;
    let provider = provider.as_ref().map(|(name, href)| Link { label: name, href });
    Ok(say_signed_out(&app, provider))
}

fn say_signed_out(app: &App, provider: Option<Link<'_>>) -> Response {
    let brand = app.default_brand();
    let apps: Vec<&str> = app.config.routes.iter().map(|route| route.host.as_str()).collect();
    SignedOut { page: Page::of(&brand), apps: &apps, sign_in_href: "/login", provider }.respond()
}

/// `GET /signed-out`: where the provider's logout comes back to.
pub(super) async fn signed_out(State(app): State<Arc<App>>) -> Response {
    say_signed_out(&app, None)
}

/// The provider's own logout, for those who have one: its name, and an address that starts it (OpenID Connect RP-Initiated Logout 1.0, or a step of
/// ours that writes the SAML request when it is wanted, because providers take none that is minutes old).
async fn provider_logout(app: &App, record: &SessionRecord) -> Option<(String, String)> {
    let WayIn::Connection { connection, door_session, .. } = &record.way else { return None };
    let entrance = app.doors.find(connection)?;
    let href = match entrance.door.ok()? {
        Door::Oidc(rp) => {
            let back = app.config.public_url.join("/signed-out").ok()?;
            let state = crate::random::token().ok()?;
            rp.logout_url(door_session.id_token.as_ref().map(Secret::reveal), &back, &state, app.clock.now()).await?.into()
        }
        Door::Saml(sp) if sp.can_end(door_session) => {
            let offer = Offer { connection: connection.clone(), session: door_session.clone() };
            let key = crate::random::token().ok()?;
            put(app, &offer_key(&key), &offer).await.ok()?;
            format!("/logout/provider?at={key}")
        }
        Door::Saml(_) => return None,
    };
    Some((entrance.connection.name, href))
}

/// A session that is over here, and can be ended at its provider, too.
#[derive(Debug, Serialize, Deserialize)]
struct Offer {
    connection: ConnectionId,
    session: DoorSession,
}

fn offer_key(key: &str) -> String {
    format!("provider-logout:{}", hashed(key))
}

/// Which offer was taken.
#[derive(Debug, Deserialize)]
pub(super) struct AtProvider {
    at: String,
}

/// `GET /logout/provider`: on to the provider's logout; without an offer, to the page that says what is true in any case.
pub(super) async fn at_provider(State(app): State<Arc<App>>, Asked(asked): Asked<AtProvider>) -> Result<Response, Problem> {
    let signed_out = || Ok(Redirect::to("/signed-out").into_response());
    if !is_token(&asked.at) {
        return signed_out();
    }
    let Some(Offer { connection, session }) = take(&app, &offer_key(&asked.at)).await? else { return signed_out() };
    let Some(entrance) = app.doors.find(&connection) else { return signed_out() };
    let Ok(Door::Saml(sp)) = &entrance.door else { return signed_out() };
    let key = crate::random::token()?;
    let started = sp.start_logout(&session, &key, app.clock.now());
    let started = started.map_err(|error| Problem::broken_connection(&entrance.connection, &describe(&error)))?;
    let Some(started) = started else { return signed_out() };
    put(&app, &saml::asked_key(&key), &saml::AskedLogout { connection, request_id: started.request_id }).await?;
    leave(&entrance.connection, &app.default_brand(), started.go)
}

async fn put<T: Serialize>(app: &App, key: &str, value: &T) -> Result<(), EphemeralError> {
    let bytes = serde_json::to_vec(value).map_err(|error| EphemeralError(Box::new(error)))?;
    app.ephemeral.put(key, bytes.into(), OFFER_TTL).await
}

async fn take<T: serde::de::DeserializeOwned>(app: &App, key: &str) -> Result<Option<T>, EphemeralError> {
    let bytes = app.ephemeral.take(key).await?;
    bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| EphemeralError(Box::new(error)))).transpose()
}
