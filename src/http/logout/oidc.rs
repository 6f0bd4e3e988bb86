//! An OpenID provider ends sessions of its own: told directly (back-channel), or by a frame in the person's browser (front-channel). No cookie is
//! looked at: browsers keep them from frames of other sites, and a provider's server has none.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::app::App;
use crate::core::{ConnectionId, ProviderLogout};
use crate::doors::{Door, Entrance, describe};
use crate::http::input::Asked;
use crate::http::limits;
use crate::http::origin::Origin;
use crate::http::problem::{Message, Problem};
use crate::oidc::RelyingParty;
use crate::session::{Cause, Selector};
use crate::store::NewAuditLine;

/// How a logout came, as the audit names it.
const BACK: &str = "back_channel";
const FRONT: &str = "front_channel";

/// `POST /oidc/{connection}/backchannel-logout`: a logout token in a form (Back-Channel Logout 1.0, 2.5 to 2.8). 200 when its sessions are over, 400
/// when it is not valid, and 503 when it may be sent again.
pub(in crate::http) async fn back_channel(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    origin: Origin,
    body: String,
) -> Result<Response, Problem> {
    let counted = match limits::logout_tokens(&app, &origin).await {
        Ok(counted) => counted,
        Err(problem) => return Ok(limits::wait(problem)),
    };
    let (entrance, rp) = find(&app, &connection)?;
    let said = match rp.read_logout(&body, app.clock.now()).await {
        Ok(said) => said,
        Err(error) if error.is_provider_unreachable() => return Err(Problem::oidc(&entrance.connection, &error)),
        Err(error) => return Ok(refuse(&app, &entrance, error.code(), &describe(&error), &origin).await),
    };
    let (key, ttl) = said.replay_key();
    if !app.ephemeral.claim(&key, ttl).await? {
        return Ok(refuse(&app, &entrance, "logout_replayed", "the logout token was used before", &origin).await);
    }
    limits::was_true(&app, &counted).await?;
    end(&app, said.logout, BACK, &origin).await?;
    Ok(kept_nowhere(StatusCode::OK))
}

/// Who is meant (Front-Channel Logout 1.0, 2).
#[derive(Debug, Deserialize)]
pub(in crate::http) struct Meant {
    iss: Option<String>,
    sid: Option<String>,
}

/// `GET /oidc/{connection}/frontchannel-logout?iss=…&sid=…`: whoever knows the provider's name for a session may end it. Without both nothing is meant:
/// what the specification leaves to the browser's cookie would let any site sign people out.
pub(in crate::http) async fn front_channel(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    origin: Origin,
    Asked(meant): Asked<Meant>,
) -> Result<Response, Problem> {
    let (entrance, rp) = find(&app, &connection)?;
    let (Some(issuer), Some(session)) = (meant.iss, meant.sid.filter(|sid| !sid.is_empty())) else { return Err(Problem::Malformed) };
    if !rp.is_issuer(&issuer) {
        return Ok(refuse(&app, &entrance, "issuer_mismatch", "the logout names another issuer", &origin).await);
    }
    let issued_at = app.clock.now();
    let logout = ProviderLogout { connection: entrance.connection.id.clone(), name_id: None, indexes: vec![session], issued_at };
    end(&app, logout, FRONT, &origin).await?;
    Ok(kept_nowhere(StatusCode::OK))
}

fn find(app: &App, connection: &str) -> Result<(Entrance, Arc<RelyingParty>), Problem> {
    let id = ConnectionId::parse(connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find(&id).ok_or(Problem::NoSuchConnection)?;
    match &entrance.door {
        Ok(Door::Oidc(rp)) => {
            let rp = Arc::clone(rp);
            Ok((entrance, rp))
        }
        Ok(Door::Saml(_)) => Err(Problem::NoSuchConnection),
        Err(_) => Err(Problem::ProviderUnreachable { name: entrance.connection.name.clone() }),
    }
}

/// Ends the sessions that are meant, and writes down how many there were.
async fn end(app: &App, logout: ProviderLogout, channel: &str, origin: &Origin) -> Result<(), Problem> {
    let connection = logout.connection.clone();
    let ended = app.sessions.end_sessions(Selector::Provider(logout), Cause::Provider).await?;
    // In a frame anyone may name a session, also one that never was, and nobody may fill the audit by it.
    if channel == FRONT && ended.sessions == 0 {
        return Ok(());
    }
    let line = NewAuditLine {
        event: "session.ended",
        actor: "system",
        organization: None,
        target: Some(connection.as_str()),
        reason: None,
        detail: serde_json::json!({ "cause": "provider", "channel": channel, "sessions": ended.sessions }),
        origin: &origin.plain(),
        now: app.clock.now(),
    };
    app.store.record(line).await?;
    Ok(())
}

/// 400 without a word about the check that failed; the audit log has it.
async fn refuse(app: &App, entrance: &Entrance, code: &'static str, cause: &str, origin: &Origin) -> Response {
    match Problem::refuse_stranger(app, Message::Logout, &entrance.connection.id, code, cause, origin).await {
        Problem::InvalidMessage { .. } => kept_nowhere(StatusCode::BAD_REQUEST),
        other => other.into_response(),
    }
}

fn kept_nowhere(status: StatusCode) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")]).into_response()
}
