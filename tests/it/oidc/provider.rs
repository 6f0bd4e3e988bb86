//! The relying party against a certified provider: npm `oidc-provider`. How it proves itself there is in `client_auth`.

use std::sync::Arc;

use url::Url;
use usher::clock::{Clock as _, SystemClock};
use usher::core::{Asking, ClientAuth, GroupClaim, OidcSettings, Secret};
use usher::oidc::{Callback, Checked, OidcError, RelyingParty};
use usher::outbound::Outbound;

use super::connection;
use crate::support::oidc_provider::{Browser, CLIENT_ID, CLIENT_SECRET, OidcProvider, Options};

pub(super) const CALLBACK: &str = "http://auth.localhost:8080/oidc/op/callback";
const LOGGED_OUT: &str = "http://auth.localhost:8080/logged-out";

pub(super) const OPTIONS: Options<'_> =
    Options { redirect_uris: &[CALLBACK], logout_uris: &[LOGGED_OUT], algorithm: "RS256", claims_in_userinfo: false, more: &[] };

pub(super) fn settings(provider: &OidcProvider, algorithm: &str) -> OidcSettings {
    OidcSettings {
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        client_auth: Some(ClientAuth::Basic),
        scopes: ["openid", "profile", "email", "groups"].map(str::to_owned).to_vec(),
        algorithms: vec![algorithm.to_owned()],
        ..super::settings(&provider.issuer)
    }
}

pub(super) fn relying_party(settings: &OidcSettings) -> RelyingParty {
    let outbound = Arc::new(Outbound::new().unwrap());
    RelyingParty::new(&connection(settings, true), settings, Url::parse(CALLBACK).unwrap(), outbound).unwrap()
}

/// Signs in as the provider's page would let a person do it.
pub(super) async fn login(browser: &mut Browser, rp: &RelyingParty, user: &str) -> Result<Checked, OidcError> {
    let now = SystemClock.now();
    let started = rp.start("state-1", Some(user), Asking::Usual, now).await?;
    let page = browser.open(&started.url, CALLBACK).await;
    assert_eq!(page.status, 0, "no callback, but a page: {}", page.text);
    let callback = Callback::parse(page.url.query().unwrap())?;
    assert_eq!(callback.state(), "state-1");
    rp.finish(&callback, &started.pending, SystemClock.now()).await
}

async fn groups(rp: &RelyingParty, user: &str) -> GroupClaim {
    login(&mut Browser::default(), rp, user).await.unwrap().identity().groups.clone()
}

#[tokio::test]
async fn a_certified_provider_signs_people_in() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let provider = OidcProvider::start(&Options { algorithm, ..OPTIONS }).await;
        let checked = login(&mut Browser::default(), &relying_party(&settings(&provider, algorithm)), "ada").await.unwrap();
        let identity = checked.identity();
        assert_eq!(identity.subject, "ada", "{algorithm}");
        assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(identity.email.as_ref().map(ToString::to_string).as_deref(), Some("ada@acme.example"));
        assert_eq!(identity.groups, GroupClaim::from_values(["app-admins", "design"]));
    }
}

#[tokio::test]
async fn groups_that_change_at_the_provider_change_at_the_next_login() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let rp = relying_party(&settings(&provider, "RS256"));
    assert_eq!(groups(&rp, "noah").await, GroupClaim::Empty);
    provider.set_groups("noah", &["app-owners"]).await;
    assert_eq!(groups(&rp, "noah").await, GroupClaim::from_values(["app-owners"]));
}

#[tokio::test]
async fn claims_that_only_userinfo_has_are_fetched_there() {
    let provider = OidcProvider::start(&Options { claims_in_userinfo: true, ..OPTIONS }).await;
    let mut settings = settings(&provider, "RS256");
    assert_eq!(groups(&relying_party(&settings), "ada").await, GroupClaim::from_values(["app-admins", "design"]));
    settings.userinfo = false;
    assert_eq!(groups(&relying_party(&settings), "ada").await, GroupClaim::Absent);
}

#[tokio::test]
async fn keys_that_rotate_between_two_logins_are_found() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let rp = relying_party(&settings(&provider, "RS256"));
    assert!(matches!(groups(&rp, "ada").await, GroupClaim::Present(_)));
    provider.rotate_keys().await;
    assert!(matches!(groups(&rp, "ada").await, GroupClaim::Present(_)));
}

#[tokio::test]
async fn an_address_that_the_provider_has_not_verified_is_not_used() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let checked = login(&mut Browser::default(), &relying_party(&settings(&provider, "RS256")), "eve").await.unwrap();
    assert_eq!((checked.identity().subject.as_str(), &checked.identity().email), ("eve", &None));
}

#[tokio::test]
async fn a_person_whom_the_provider_turns_away_is_refused() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let refused = login(&mut Browser::default(), &relying_party(&settings(&provider, "RS256")), "nobody").await.unwrap_err();
    assert_eq!(refused.code(), "access_denied");
}

#[tokio::test]
async fn another_algorithm_than_the_listed_one_is_refused() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let refused = login(&mut Browser::default(), &relying_party(&settings(&provider, "ES256")), "ada").await.unwrap_err();
    assert_eq!(refused.code(), "algorithm_not_allowed");
}

#[tokio::test]
async fn signing_out_at_the_provider_comes_back_and_ends_its_session() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let rp = relying_party(&settings(&provider, "RS256"));
    let mut browser = Browser::default();
    login(&mut browser, &rp, "ada").await.unwrap();

    let return_to = Url::parse(LOGGED_OUT).unwrap();
    let url = rp.logout_url(None, &return_to, "bye", SystemClock.now()).await.unwrap();
    let page = browser.open(url.as_str(), LOGGED_OUT).await;
    let xsrf = page.text.split("name=\"xsrf\" value=\"").nth(1).unwrap_or_else(|| panic!("{}", page.text)).split('"').next().unwrap();
    let confirm = format!("{}/session/end/confirm", provider.issuer);
    let home = browser.submit(&confirm, &[("xsrf", xsrf), ("logout", "yes")], LOGGED_OUT).await;
    assert_eq!(home.url.as_str(), format!("{LOGGED_OUT}?state=bye"));

    let started = rp.start("s", None, Asking::Usual, SystemClock.now()).await.unwrap();
    assert!(browser.open(&started.url, CALLBACK).await.text.contains("Who are you?"));
}
