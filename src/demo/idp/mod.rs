//! The demo identity provider: it always asks who you are, and believes the answer.
//!
//! - `oidc`: discovery, authorize, token, userinfo, logout
//! - `saml`: metadata and single sign-on
//! - `login`: the page where someone is picked, shared by both
//! - `keys`, `once`: what it signs with, and what it remembers for a minute
//!
//! The one rule of this folder: be as strict with the relying party as a good provider is, so that a login that works here was done right.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};

use super::people::{DemoPerson, Membership};
use super::settings::{AUTH_HOST, OIDC_CONNECTION, SAML_CONNECTION, origin};
use super::{DemoError, Scenario, views};
use crate::clock::Clock;
use crate::core::Secret;
use crate::random;

mod keys;
mod login;
mod oidc;
mod once;
mod saml;

use keys::Keys;
use once::Expiring;

/// How long the page where someone is picked stays good.
const REQUEST_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long a code can be redeemed.
const CODE_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// How long an access token opens the userinfo endpoint.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// The one party that this provider knows, as a service provider and as a client.
#[derive(Debug, Clone)]
pub(super) struct RelyingParty {
    pub(super) entity_id: String,
    pub(super) acs_url: String,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) redirect_uri: String,
    /// After a logout people may be sent to any page of this origin.
    pub(super) origin: String,
}

impl RelyingParty {
    /// Usher at its demo address, with a client secret of its own.
    pub(super) fn new(port: u16) -> Result<Self, DemoError> {
        let origin = origin(AUTH_HOST, port);
        Ok(Self {
            entity_id: format!("{origin}/saml/{SAML_CONNECTION}/metadata"),
            acs_url: format!("{origin}/saml/{SAML_CONNECTION}/acs"),
            client_id: "usher-demo".to_owned(),
            client_secret: Secret::new(random::token().map_err(|source| DemoError::Keys(source.into()))?),
            redirect_uri: format!("{origin}/oidc/{OIDC_CONNECTION}/callback"),
            origin,
        })
    }
}

/// A sign-in that waits for someone to be picked.
#[derive(Debug, Clone)]
enum Waiting {
    Oidc(oidc::Authorization),
    Saml(saml::SignOn),
}

/// The ways in, as far as they differ for an address that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Door {
    Oidc,
    Saml,
}

/// Which of two addresses the person has whose address changes.
#[derive(Debug, Default)]
struct Addresses {
    seen: HashSet<Door>,
    changed: bool,
}

/// What is asserted about someone at one login.
#[derive(Debug, Clone)]
struct Assertion {
    person: &'static DemoPerson,
    email: &'static str,
    membership: Membership,
}

/// The provider.
#[derive(Debug)]
pub(super) struct Idp {
    issuer: String,
    party: RelyingParty,
    scenario: Scenario,
    clock: Arc<dyn Clock>,
    keys: Keys,
    waiting: Expiring<Waiting>,
    codes: Expiring<oidc::Grant>,
    tokens: Expiring<Assertion>,
    addresses: Mutex<Addresses>,
}

impl Idp {
    pub(super) fn new(issuer: String, party: RelyingParty, scenario: Scenario, clock: Arc<dyn Clock>) -> Result<Self, DemoError> {
        Ok(Self {
            issuer,
            party,
            scenario,
            clock,
            keys: Keys::generate()?,
            waiting: Expiring::new(REQUEST_LIFE),
            codes: Expiring::new(CODE_LIFE),
            tokens: Expiring::new(TOKEN_LIFE),
            addresses: Mutex::default(),
        })
    }

    /// The OpenID Connect issuer: this host's origin.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) const fn party(&self) -> &RelyingParty {
        &self.party
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is said about a person at this login.
    ///
    /// The address that changes does so at each login after the first through the same door, so that both doors begin with one address.
    fn assertion(&self, person: &'static DemoPerson, door: Door) -> Assertion {
        let membership = match self.scenario {
            Scenario::GroupsMissing => Membership::ClaimLeftOut,
            Scenario::Default | Scenario::SeatsFull => person.membership,
        };
        let email = person.other_email.map_or(person.email, |other| {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            addresses.changed ^= !addresses.seen.insert(door);
            if addresses.changed { other } else { person.email }
        });
        Assertion { person, email, membership }
    }
}

/// Every address of the provider.
pub(super) fn router(idp: Arc<Idp>) -> Router {
    Router::new()
        .route("/", get(login::home))
        .route("/login", post(login::pick))
        .route("/.well-known/openid-configuration", get(oidc::discovery))
        .route("/oidc/authorize", get(oidc::authorize).post(oidc::authorize))
        .route("/oidc/token", post(oidc::token))
        .route("/oidc/userinfo", get(oidc::userinfo).post(oidc::userinfo))
        .route("/oidc/jwks", get(oidc::jwks))
        .route("/oidc/logout", get(oidc::logout).post(oidc::logout))
        .route("/saml/metadata", get(saml::metadata))
        .route("/saml/sso", get(saml::sign_on).post(saml::sign_on))
        .route("/style.css", get(views::idp_style))
        .fallback(|| async { IdpError::NotFound })
        .with_state(idp)
}

/// Why the provider does not go on; each is a page.
#[derive(Debug, thiserror::Error)]
enum IdpError {
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("This sign-in was not started by an application that this provider knows: {0}.")]
    BadRequest(&'static str),
    #[error("This sign-in is over: it was finished already, or it waited too long. Start again at the application.")]
    Over,
    #[error("There is nobody of that name here.")]
    UnknownPerson,
    #[error("The provider could not answer.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl IdpError {
    fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

impl IntoResponse for IdpError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) | Self::Over | Self::UnknownPerson => StatusCode::BAD_REQUEST,
            Self::Internal(ref source) => {
                tracing::error!(error = source.as_ref(), "the demo identity provider failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        views::page(status, &views::IdpMessage { title: "Sign-in stopped", message: self.to_string() }, None)
    }
}

/// Answers that carry codes, tokens or assertions are kept by nobody.
const NO_STORE: (header::HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::demo::people::find_person;

    fn idp(scenario: Scenario) -> Idp {
        Idp::new("http://idp.localhost:1".to_owned(), RelyingParty::new(1).unwrap(), scenario, Arc::new(SystemClock)).unwrap()
    }

    #[test]
    fn the_changing_address_starts_alike_at_both_doors_and_changes_with_every_further_login() {
        let idp = idp(Scenario::Default);
        let nina = find_person("nina").unwrap();
        let emails = [Door::Saml, Door::Oidc, Door::Oidc, Door::Saml].map(|door| idp.assertion(nina, door).email);
        assert_eq!(emails, ["nina.berg@acme.example", "nina.berg@acme.example", "nina.vos@acme.example", "nina.berg@acme.example"]);
    }

    #[test]
    fn no_groups_are_sent_in_the_scenario_without_them() {
        let ada = find_person("ada").unwrap();
        assert_eq!(idp(Scenario::GroupsMissing).assertion(ada, Door::Saml).membership, Membership::ClaimLeftOut);
    }
}
