//! `/saml/{connection}/slo`: the provider ends sessions of its own, or answers a logout that began here. No cookie is looked at: the message says it
//! all, and is believed only with the provider's signature.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::core::ConnectionId;
use crate::doors::{Door, Entrance, describe};
use crate::http::browser::{hashed, is_token};
use crate::http::input::Posted;
use crate::http::leave::leave;
use crate::http::origin::Origin;
use crate::http::problem::{Message, Problem};
use crate::saml::logout::{LogoutMessage, LogoutRequest, LogoutResponse, Unverified};
use crate::saml::message::Kind;
use crate::saml::{SamlError, ServiceProvider};
use crate::session::{Cause, Selector};
use crate::store::NewAuditLine;

/// A logout that we asked a provider for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AskedLogout {
    pub(super) connection: ConnectionId,
    pub(super) request_id: String,
}

pub(super) fn asked_key(relay_state: &str) -> String {
    format!("asked-logout:{}", hashed(relay_state))
}

/// A message as the browser posts it.
#[derive(Deserialize)]
pub(in crate::http) struct SloPost {
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// `GET /saml/{connection}/slo`: a message in the query, whose octets are what is signed.
pub(in crate::http) async fn by_redirect(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    RawQuery(query): RawQuery,
    origin: Origin,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    receive(app, &connection, origin, move |sp, now| sp.read_logout(Unverified::Query(&query), now)).await
}

/// `POST /saml/{connection}/slo`: a message in a form, with the signature inside.
pub(in crate::http) async fn by_post(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    origin: Origin,
    Posted(post): Posted<SloPost>,
) -> Result<Response, Problem> {
    let (kind, message) = match (post.request, post.response) {
        (Some(request), None) => (Kind::Request, request),
        (None, Some(response)) => (Kind::Response, response),
        _ => return Err(Problem::Malformed),
    };
    let relay_state = post.relay_state;
    receive(app, &connection, origin, move |sp, now| {
        sp.read_logout(Unverified::Form { kind, message: &message, relay_state: relay_state.as_deref() }, now)
    })
    .await
}

/// One message at one connection's address.
struct Arrival {
    app: Arc<App>,
    entrance: Entrance,
    sp: Arc<ServiceProvider>,
    origin: Origin,
}

async fn receive(
    app: Arc<App>,
    connection: &str,
    origin: Origin,
    read: impl FnOnce(&ServiceProvider, jiff::Timestamp) -> Result<LogoutMessage, SamlError> + Send + 'static,
) -> Result<Response, Problem> {
    let id = ConnectionId::parse(connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find(&id).ok_or(Problem::NoSuchConnection)?;
    let sp = match &entrance.door {
        Ok(Door::Saml(sp)) => Arc::clone(sp),
        Ok(Door::Oidc(_)) => return Err(Problem::NoSuchConnection),
        Err(_) => return Err(Problem::ProviderUnreachable { name: entrance.connection.name.clone() }),
    };
    let arrival = Arrival { app, entrance, sp, origin };
    let (sp, now) = (Arc::clone(&arrival.sp), arrival.app.clock.now());
    // Off this thread, which serves everyone else meanwhile.
    let message = tokio::task::spawn_blocking(move || read(&sp, now)).await.map_err(|_| Problem::Unavailable)?;
    match message {
        Ok(LogoutMessage::Request(request)) => arrival.end_sessions(&request).await,
        Ok(LogoutMessage::Response(response)) => arrival.conclude(&response).await,
        Err(error) => Err(arrival.refuse(error.code(), &describe(&error)).await),
    }
}

impl Arrival {
    /// Ends what the provider names, and sends the browser back with our signed answer.
    async fn end_sessions(&self, request: &LogoutRequest) -> Result<Response, Problem> {
        let (key, ttl) = self.sp.replay_key_of(request);
        if !self.app.ephemeral.claim(&key, ttl).await? {
            return Err(self.refuse("logout_replayed", "the logout request was used before").await);
        }
        let ended = self.app.sessions.end_sessions(Selector::Provider(self.sp.sessions_of(request)), Cause::Provider).await?;
        let line = NewAuditLine {
            event: "session.ended",
            actor: "system",
            organization: None,
            target: Some(self.entrance.connection.id.as_str()),
            reason: None,
            detail: serde_json::json!({ "cause": "provider", "sessions": ended.sessions }),
            origin: &self.origin.plain(),
            now: self.app.clock.now(),
        };
        self.app.store.record(line).await?;
        let answer = self.sp.answer_logout(request, self.app.clock.now());
        match answer.map_err(|error| Problem::broken_connection(&self.entrance.connection, &describe(&error)))? {
            Some(go) => leave(&self.entrance.connection, &self.app.default_brand(), go),
            None => Ok(Redirect::to("/signed-out").into_response()),
        }
    }

    /// The end of a logout that began here: nothing is left to do.
    async fn conclude(&self, response: &LogoutResponse) -> Result<Response, Problem> {
        let key = response.relay_state.as_deref().filter(|key| is_token(key));
        let asked: Option<AskedLogout> = match key {
            Some(key) => super::take(&self.app, &asked_key(key)).await?,
            None => None,
        };
        let Some(asked) = asked.filter(|asked| asked.connection == self.entrance.connection.id) else {
            return Err(self.refuse("logout_unasked", "nobody here asked for this logout").await);
        };
        if let Err(error) = response.check_answers(&asked.request_id) {
            return Err(self.refuse(error.code(), &describe(&error)).await);
        }
        if !response.succeeded {
            tracing::warn!(connection.id = %asked.connection, "the provider could not sign somebody out everywhere");
        }
        Ok(Redirect::to("/signed-out").into_response())
    }

    async fn refuse(&self, code: &'static str, cause: &str) -> Problem {
        Problem::refuse_stranger(&self.app, Message::Logout, &self.entrance.connection.id, code, cause, &self.origin).await
    }
}
