//! The OpenID Connect door: against a provider that misbehaves, and against a certified one.

mod hostile;
mod keys;
mod login;
mod logout;
mod outbound;
mod provider;

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
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn settings(issuer: &str) -> OidcSettings {
    OidcSettings {
        issuer: issuer.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        client_auth: None,
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
        algorithms: vec!["ES256".to_owned()],
        trusted_audiences: BTreeSet::new(),
        subject_claim: "sub".to_owned(),
        email_claim: "email".to_owned(),
        name_claim: "name".to_owned(),
        groups_claim: "groups".to_owned(),
        userinfo: true,
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

fn relying_party_with(settings: &OidcSettings) -> RelyingParty {
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
    rp.finish(&callback, &started.nonce, &started.code_verifier, now).await
}

async fn login(op: &Op, rp: &RelyingParty) -> Result<Checked, OidcError> {
    login_at(op, rp, now()).await
}

/// The code of the refusal, or `ok`.
async fn outcome(op: &Op) -> &'static str {
    login(op, &relying_party(op)).await.map_or_else(|error| error.code(), |_| "ok")
}
