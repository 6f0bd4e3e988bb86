//! The OpenID Connect door: against a provider that misbehaves, and against a certified one.

mod client_auth;
mod groups;
mod hostile;
mod keys;
mod login;
mod logout;
mod outbound;
mod provider;
mod refresh;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;
use usher::core::{Asking, Connection, ConnectionId, OidcSettings, Protocol, Secret};
use usher::oidc::{Callback, Checked, OidcError, RelyingParty};
use usher::outbound::Outbound;

use crate::support::op::{CLIENT_ID, CLIENT_SECRET, Op};

/// The time of all tests: nothing depends on the clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(crate) fn settings(issuer: &str) -> OidcSettings {
    OidcSettings {
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        algorithms: vec!["ES256".to_owned()],
        ..OidcSettings::new(issuer, CLIENT_ID)
    }
}

fn connection(settings: &OidcSettings, internal: bool) -> Connection {
    Connection {
        id: ConnectionId::parse("op").unwrap(),
        name: "Op".to_owned(),
        enabled: true,
        domains: BTreeSet::new(),
        internal,
        allow_idp_initiated: false,
        protocol: Protocol::Oidc(settings.clone()),
    }
}

pub(crate) fn relying_party_with(settings: &OidcSettings) -> RelyingParty {
    let outbound = Arc::new(Outbound::with_timeout(Duration::from_secs(1)).unwrap());
    let redirect_uri = Url::parse("http://auth.localhost:8080/oidc/op/callback").unwrap();
    RelyingParty::new(&connection(settings, true), settings, redirect_uri, outbound).unwrap()
}

fn relying_party(op: &Op) -> RelyingParty {
    relying_party_with(&settings(op.issuer()))
}

/// One login from start to finish, at a given time.
async fn login_at(op: &Op, rp: &RelyingParty, now: Timestamp) -> Result<Checked, OidcError> {
    let started = rp.start("state-1", None, Asking::Usual, now).await?;
    let callback = Callback::parse(&op.authorize(&started.url))?;
    assert_eq!(callback.state(), "state-1");
    rp.finish(&callback, &started.pending, now).await
}

pub(crate) async fn login(op: &Op, rp: &RelyingParty) -> Result<Checked, OidcError> {
    login_at(op, rp, now()).await
}

/// The code of the refusal, or `ok`.
async fn outcome(op: &Op) -> &'static str {
    login(op, &relying_party(op)).await.map_or_else(|error| error.code(), |_| "ok")
}
