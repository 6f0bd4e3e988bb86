//! Logins that start at the provider, where the connection allows it: by a tile of its portal, say.
//!
//! Usually the message only hints that somebody wants to come in: what it says is not looked at, and a login of our own begins, which the provider
//! answers at once. Where the connection insists, the message itself is taken; then anyone who has a message of their own can sign others in as
//! themselves, so that is for those who know why.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::pending::{Parked, PendingLogins};
use crate::app::App;
use crate::core::{ConnectionId, ReturnTo};
use crate::doors::{Door, Entrance, describe};
use crate::http::input::{Asked, Posted};
use crate::http::origin::Origin;
use crate::http::problem::{Message, Problem};
use crate::saml::ServiceProvider;

/// Answers a message that no login of ours waits for.
pub(super) async fn answer(app: &App, entrance: &Entrance, message: &str, relay_state: &str, origin: &Origin) -> Result<Response, Problem> {
    match &entrance.door {
        Ok(Door::Saml(sp)) if sp.takes_unasked() => take(app, entrance, sp, message, relay_state, origin).await,
        _ => {
            let return_to = app.return_to(Some(relay_state));
            let query = super::start::query(&return_to, None);
            Ok(Redirect::to(&format!("/login/{}?unasked=true&{query}", entrance.connection.id)).into_response())
        }
    }
}

/// A provider asks for a login (OpenID Connect Core 4).
#[derive(Deserialize)]
pub(in crate::http) struct Initiation {
    iss: String,
    target_link_uri: Option<String>,
}

/// `GET /oidc/{connection}/initiate`: only a hint. Where the connection allows it, a login of our own begins, for a page of one of our hosts; else the
/// person chooses on the sign-in page.
pub(in crate::http) async fn initiate(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    Asked(asked): Asked<Initiation>,
) -> Result<Response, Problem> {
    begin(&app, &connection, &asked)
}

/// The same by `POST`.
pub(in crate::http) async fn initiate_by_form(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    Posted(asked): Posted<Initiation>,
) -> Result<Response, Problem> {
    begin(&app, &connection, &asked)
}

fn begin(app: &App, connection: &str, asked: &Initiation) -> Result<Response, Problem> {
    let id = ConnectionId::parse(connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find(&id).ok_or(Problem::NoSuchConnection)?;
    match &entrance.door {
        Ok(Door::Oidc(rp)) if !rp.is_issuer(&asked.iss) => return Err(Problem::Malformed),
        Ok(Door::Saml(_)) => return Err(Problem::NoSuchConnection),
        Ok(Door::Oidc(_)) | Err(_) => {}
    }
    let query = super::start::query(&app.return_to(asked.target_link_uri.as_deref()), None);
    let address =
        if entrance.connection.allow_idp_initiated { format!("/login/{id}?unasked=true&{query}") } else { format!("/login?{query}") };
    Ok(Redirect::to(&address).into_response())
}

/// Keeps a message for its browser, which comes back with its cookie. Only one that is valid, and each in one place, so that nobody can fill the store.
async fn take(
    app: &App,
    entrance: &Entrance,
    sp: &Arc<ServiceProvider>,
    message: &str,
    relay_state: &str,
    origin: &Origin,
) -> Result<Response, Problem> {
    let id = &entrance.connection.id;
    let refuse = async |code: &'static str, cause: &str| Problem::refuse_stranger(app, Message::Login, id, code, cause, origin).await;
    let Some(return_to) = wish(app, relay_state) else {
        return Err(refuse("relay_state_refused", "the relay state is no address of one of our hosts").await);
    };
    let (verifier, text, now) = (Arc::clone(sp), message.to_owned(), app.clock.now());
    let checked = tokio::task::spawn_blocking(move || verifier.finish(&text, None, now)).await.map_err(|_| Problem::Unavailable)?;
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => return Err(refuse(error.code(), &describe(&error)).await),
    };
    let (assertion, _) = checked.replay_key();
    let key = URL_SAFE_NO_PAD.encode(Sha256::digest(assertion));
    let parked = Parked { connection: id.clone(), message: message.to_owned(), unasked: Some(return_to.url()) };
    PendingLogins(app.ephemeral.as_ref()).park(&key, &parked).await?;
    Ok(Redirect::to(&format!("/sso/continue?login={key}")).into_response())
}

/// Where to: nowhere in particular, or a page of one of our hosts. Anything else is refused, rather than overlooked.
fn wish(app: &App, relay_state: &str) -> Option<ReturnTo> {
    if relay_state.is_empty() { Some(app.return_to(None)) } else { app.find_return_to(relay_state) }
}
