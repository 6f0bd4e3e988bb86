//! Picking someone: the page, and what happens when its form comes back.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Door, Idp, IdpError, Waiting, oidc, saml};
use crate::demo::people::{PEOPLE, find_person};
use crate::demo::settings::{APP_HOST, origin};
use crate::demo::views::{self, IdpHome, Pick};

/// Shows who can be picked, for a request that was found good.
pub(super) fn ask(idp: &Idp, waiting: Waiting) -> Result<Response, IdpError> {
    let door = match waiting {
        Waiting::Oidc(_) => "OpenID Connect",
        Waiting::Saml(_) => "SAML",
    };
    let request = idp.waiting.put(waiting, idp.now()).map_err(IdpError::internal)?;
    Ok(views::page(StatusCode::OK, &Pick { people: &PEOPLE, request, door, notice: idp.scenario.notice() }, None))
}

/// The form of the page.
#[derive(Debug, Deserialize)]
pub(super) struct Picked {
    person: String,
    request: String,
}

/// Someone was picked: the answer goes to the relying party, through the browser.
pub(super) async fn pick(State(idp): State<Arc<Idp>>, Form(picked): Form<Picked>) -> Result<Response, IdpError> {
    let person = find_person(&picked.person).ok_or(IdpError::UnknownPerson)?;
    let waiting = idp.waiting.take(&picked.request, idp.now()).ok_or(IdpError::Over)?;
    match waiting {
        Waiting::Oidc(authorization) => oidc::grant(&idp, authorization, idp.assertion(person, Door::Oidc)),
        Waiting::Saml(sign_on) => saml::answer(&idp, &sign_on, &idp.assertion(person, Door::Saml)),
    }
}

/// For someone who comes here by hand.
pub(super) async fn home(State(idp): State<Arc<Idp>>) -> Response {
    let port = idp.issuer.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
    views::page(StatusCode::OK, &IdpHome { people: &PEOPLE, app_url: origin(APP_HOST, port), notice: idp.scenario.notice() }, None)
}
