//! The sample app: shows who came and what it was told, and checks the JWT as a careful app would.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};
use url::Url;

use super::settings::{APP_HOST, AUTH_HOST, ORGANIZATION, origin};
use super::views::{self, Arrived};
use crate::core::{OrganizationId, PersonId, Settings, explain};
use crate::outbound::{Outbound, Reach};
use crate::store::Store;

/// The headers that every request comes with, as an app reads them.
const HEADERS: [&str; 7] =
    ["X-Usher-Person", "X-Usher-Email", "X-Usher-Name", "X-Usher-Organization", "X-Usher-Role", "X-Usher-Seat-Tier", "X-Usher-Assertion"];
/// The longest JWKS that is read.
const MAX_JWKS_BYTES: usize = 64 * 1024;
/// How much of the assertion is shown: it is as good as a password while it lives.
const SHOWN: usize = 24;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The sample app.
#[derive(Debug)]
pub(super) struct App {
    organization: Option<OrganizationId>,
    store: Arc<dyn Store>,
    outbound: Arc<Outbound>,
    url: String,
    auth_url: String,
}

impl App {
    pub(super) fn new(port: u16, settings: &Settings, store: Arc<dyn Store>, outbound: Arc<Outbound>) -> Self {
        let organization = settings.organizations.iter().map(|organization| &organization.id).find(|id| id.as_str() == ORGANIZATION);
        let (url, auth_url) = (origin(APP_HOST, port), origin(AUTH_HOST, port));
        Self { organization: organization.cloned(), store, outbound, url, auth_url }
    }

    /// Why the person is in, and what their login noticed. An app is never told groups: this one lives in the same process and looks them up.
    async fn explain(&self, person: &str) -> (Option<String>, Vec<String>) {
        let found = match (&self.organization, PersonId::parse(person)) {
            (Some(organization), Ok(person)) => self.store.find_last_decision(organization, person).await.ok().flatten(),
            _ => None,
        };
        let explained = found.map(|record| explain(&record.decision));
        explained.map_or_else(Default::default, |it| (in_words(&it.because), it.notes))
    }

    /// The claims of the assertion, if it is signed by a published key and made for this app.
    async fn verify(&self, assertion: &str) -> Result<Map<String, Value>, Failure> {
        let header = jsonwebtoken::decode_header(assertion)?;
        let keys = self.fetch_keys().await?;
        let key = header.kid.and_then(|kid| keys.find(&kid).cloned()).ok_or("its key is not in the published set")?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[APP_HOST]);
        validation.set_issuer(&[&self.auth_url, &format!("{}/", self.auth_url)]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        Ok(jsonwebtoken::decode(assertion, &DecodingKey::from_jwk(&key)?, &validation)?.claims)
    }

    /// Reads the keys at their public address, as an app on another machine would.
    async fn fetch_keys(&self) -> Result<JwkSet, Failure> {
        let url = Url::parse(&format!("{}/.well-known/jwks.json", self.auth_url))?;
        let fetched = self.outbound.fetch(&url, Reach::Internal, MAX_JWKS_BYTES).await?;
        Ok(serde_json::from_slice(&fetched.body)?)
    }
}

/// `app-admins and design`; `None` for nothing.
fn in_words(groups: &[String]) -> Option<String> {
    match groups {
        [] => None,
        [only] => Some(only.clone()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}

/// Every address of the app; any other path shows the same page, as a deep link would.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/style.css", get(views::app_style))
        .route("/api/hello", get(hello))
        .fallback(arrived)
        .with_state(Arc::new(app))
}

/// A header's text; empty when there is none.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or_default()
}

async fn arrived(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let person = text(&headers, "X-Usher-Person");
    let (because, notes) = app.explain(person).await;
    let claims = match app.verify(text(&headers, "X-Usher-Assertion")).await {
        Ok(claims) => Ok(serde_json::to_string_pretty(&claims).unwrap_or_default()),
        Err(error) => Err(error.to_string()),
    };
    let shown = HEADERS.map(|name| (name, shortened(name, text(&headers, name)))).to_vec();
    let name = match text(&headers, "X-Usher-Name") {
        "" => text(&headers, "X-Usher-Email"),
        name => name,
    };
    let page = Arrived {
        name: if name.is_empty() { "Nobody" } else { name },
        role: text(&headers, "X-Usher-Role"),
        seat_tier: text(&headers, "X-Usher-Seat-Tier"),
        because,
        notes,
        path: uri.path(),
        headers: shown,
        claims,
        app_url: &app.url,
        auth_url: &app.auth_url,
    };
    views::page(StatusCode::OK, &page, None)
}

fn shortened(name: &str, value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) if name == "X-Usher-Assertion" => format!("{}… ({} bytes)", value.get(..end).unwrap_or_default(), value.len()),
        _ => value.to_owned(),
    }
}

/// What a program of the app would call.
async fn hello(headers: HeaderMap) -> Response {
    let answer = json!({
        "hello": text(&headers, "X-Usher-Name"),
        "role": text(&headers, "X-Usher-Role"),
        "seat_tier": text(&headers, "X-Usher-Seat-Tier"),
    });
    Json(answer).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_listed_as_people_say_them() {
        let groups = |names: &[&str]| in_words(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(groups(&[]), None);
        assert_eq!(groups(&["design"]).as_deref(), Some("design"));
        assert_eq!(groups(&["app-admins", "design"]).as_deref(), Some("app-admins and design"));
    }

    #[test]
    fn the_assertion_is_never_shown_whole() {
        let long = "a".repeat(900);
        assert!(shortened("X-Usher-Assertion", &long).len() < 60);
        assert_eq!(shortened("X-Usher-Email", "ada@acme.example"), "ada@acme.example");
    }
}
