//! What a good provider refuses, so that a login that works here was done right; and that the demo stays on this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use usher::clock::SystemClock;
use usher::core::Protocol;
use usher::demo::{Demo, DemoError, Scenario};
use usher::saml::message::{encode_post, encode_redirect};

use super::{Answer, demo, encoded, get, pick, post, post_with};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";
const CALLBACK: &str = "http://auth.localhost:8080/oidc/demo-oidc/callback";

/// A client that can be made to do wrong.
struct Client {
    idp: Router,
    id: String,
    secret: String,
}

impl Client {
    fn of(demo: &Demo) -> Self {
        let settings = demo.settings().connections.iter().find_map(|connection| match &connection.protocol {
            Protocol::Oidc(settings) => Some(settings.clone()),
            Protocol::Saml(_) => None,
        });
        let settings = settings.unwrap();
        Self { idp: demo.idp_router(), id: settings.client_id, secret: settings.client_secret.unwrap().reveal().to_owned() }
    }

    /// An authorization request with some parameters changed; an empty one is left out.
    async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut parameters = BTreeMap::from([
            ("client_id", self.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("state", "s 1"),
            ("nonce", "n1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(changes.iter().copied());
        let given: Vec<_> = parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        get(&self.idp, &format!("/oidc/authorize?{}", encoded(&given))).await
    }

    async fn code(&self) -> String {
        pick(&self.idp, &self.authorize(&[]).await, "ada").await.parameter("code").unwrap()
    }

    async fn redeem(&self, code: &str, verifier: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)));
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", verifier)];
        post_with(&self.idp, "/oidc/token", &fields, Some(&basic)).await
    }
}

fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)));
}

#[test]
fn the_demo_refuses_every_address_but_loopback() {
    for address in ["0.0.0.0:8080", "192.168.1.7:8080", "[::]:8080", "203.0.113.9:80"] {
        let refused = Demo::new(address.parse().unwrap(), Scenario::Default, Arc::new(SystemClock));
        assert!(matches!(refused, Err(DemoError::NotLoopback(_))), "{address}");
    }
    let unbound = Demo::new(SocketAddr::from(([127, 0, 0, 1], 0)), Scenario::Default, Arc::new(SystemClock));
    assert!(matches!(unbound, Err(DemoError::NoPort)));
}

#[tokio::test]
async fn a_code_comes_with_state_and_issuer_and_is_redeemed_for_an_id_token() {
    let client = Client::of(&demo());
    let answer = pick(&client.idp, &client.authorize(&[]).await, "ada").await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.parameter("state").as_deref(), Some("s 1"));
    assert_eq!(answer.parameter("iss").as_deref(), Some("http://idp.localhost:8080"));
    let tokens = client.redeem(&answer.parameter("code").unwrap(), VERIFIER).await;
    assert_eq!(tokens.status, 200);
    assert_eq!(tokens.headers["cache-control"], "no-store");
    assert_eq!(tokens.json()["id_token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn a_code_is_redeemed_once() {
    let client = Client::of(&demo());
    let code = client.code().await;
    assert_eq!(client.redeem(&code, VERIFIER).await.status, 200);
    assert_error(&client.redeem(&code, VERIFIER).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_wrong_verifier_is_refused_and_burns_the_code() {
    let client = Client::of(&demo());
    let code = client.code().await;
    assert_error(&client.redeem(&code, "another-verifier-of-forty-three-characters!").await, 400, "invalid_grant");
    assert_error(&client.redeem(&code, VERIFIER).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_client_with_the_wrong_secret_or_none_gets_nothing() {
    let mut client = Client::of(&demo());
    let code = client.code().await;
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("client_id", "usher-demo"), ("code_verifier", VERIFIER)];
    assert_error(&post(&client.idp, "/oidc/token", &fields).await, 401, "invalid_client");
    client.secret = "guess".to_owned();
    assert_error(&client.redeem(&code, VERIFIER).await, 401, "invalid_client");
}

#[tokio::test]
async fn nobody_is_redirected_to_an_address_that_is_not_the_clients() {
    let client = Client::of(&demo());
    for change in [("redirect_uri", "http://evil.example/"), ("redirect_uri", &format!("{CALLBACK}/")), ("client_id", "stranger")] {
        let answer = client.authorize(&[change]).await;
        assert_eq!((answer.status, &answer.location), (400, &None), "{change:?}");
    }
}

#[tokio::test]
async fn a_request_without_pkce_or_openid_goes_back_with_the_error() {
    let client = Client::of(&demo());
    for (changes, error) in [
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge", "short")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("response_mode", "fragment")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("scope", "email")], "invalid_scope"),
        (vec![("prompt", "none")], "login_required"),
    ] {
        let answer = client.authorize(&changes).await;
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some("s 1"), "{changes:?}");
        assert_eq!(answer.parameter("code"), None, "{changes:?}");
    }
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let client = Client::of(&demo());
    let answer = get(&client.idp, &format!("/oidc/authorize?client_id={0}&client_id={0}", client.id)).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
}

#[tokio::test]
async fn a_page_is_answered_once_and_only_with_someone_who_exists() {
    let client = Client::of(&demo());
    let page = client.authorize(&[]).await;
    assert_eq!(pick(&client.idp, &page, "mallory").await.status, 400);
    assert_eq!(pick(&client.idp, &page, "ada").await.status, 303);
    let again = pick(&client.idp, &page, "olivia").await;
    assert_eq!((again.status, again.location), (400, None));
    assert_eq!(post(&client.idp, "/login", &[("person", "ada"), ("request", "guess")]).await.status, 400);
}

#[tokio::test]
async fn userinfo_wants_a_token_of_this_provider() {
    let client = Client::of(&demo());
    let tokens = client.redeem(&client.code().await, VERIFIER).await.json();
    let good = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let answer = post_with(&client.idp, "/oidc/userinfo", &[], Some(&good)).await;
    assert_eq!(answer.json()["groups"], serde_json::json!(["app-admins", "design"]));
    assert_eq!(post_with(&client.idp, "/oidc/userinfo", &[], Some("Bearer guess")).await.status, 401);
    assert_eq!(get(&client.idp, "/oidc/userinfo").await.status, 401);
}

#[tokio::test]
async fn a_logout_goes_back_to_usher_only_and_only_with_a_token_of_this_provider() {
    let client = Client::of(&demo());
    let tokens = client.redeem(&client.code().await, VERIFIER).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    let back = "http://auth.localhost:8080/signed-out";
    let logout = async |hint: &str, to: &str| {
        let query = encoded(&[("id_token_hint", hint), ("post_logout_redirect_uri", to), ("state", "s2")]);
        let answer = get(&client.idp, &format!("/oidc/logout?{query}")).await;
        (answer.status, answer.location)
    };
    assert_eq!(logout(hint, back).await, (303, Some(format!("{back}?state=s2"))));
    assert_eq!(logout(hint, "http://evil.example/").await, (200, None));
    assert_eq!(logout(hint, "http://auth.localhost:8080.evil.example/").await, (200, None));
    assert_eq!(logout("no.such.token", back).await, (200, None));
    let foreign = Client::of(&demo());
    let foreign = foreign.redeem(&foreign.code().await, VERIFIER).await.json();
    assert_eq!(logout(foreign["id_token"].as_str().unwrap(), back).await, (200, None), "signed by another provider");
}

fn saml_request(issuer: &str, acs_url: &str, destination: &str) -> String {
    format!(
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0" IssueInstant="2026-11-23T12:00:00Z" Destination="{destination}" AssertionConsumerServiceURL="{acs_url}"><saml:Issuer>{issuer}</saml:Issuer></samlp:AuthnRequest>"#
    )
}

#[tokio::test]
async fn a_saml_request_is_answered_for_the_known_service_provider_at_its_own_address_only() {
    let idp = demo().idp_router();
    let issuer = "http://auth.localhost:8080/saml/demo-saml/metadata";
    let acs = "http://auth.localhost:8080/saml/demo-saml/acs";
    let here = "http://idp.localhost:8080/saml/sso";
    for (issuer, acs, destination, status) in [
        (issuer, acs, here, 200),
        ("http://evil.example/metadata", acs, here, 400),
        (issuer, "http://evil.example/acs", here, 400),
        (issuer, acs, "http://other-idp.example/sso", 400),
    ] {
        let xml = saml_request(issuer, acs, destination);
        let query = encoded(&[("SAMLRequest", &encode_redirect(&xml).unwrap())]);
        assert_eq!(get(&idp, &format!("/saml/sso?{query}")).await.status, status, "redirect: {issuer} {acs} {destination}");
        let posted = post(&idp, "/saml/sso", &[("SAMLRequest", &encode_post(&xml))]).await;
        assert_eq!(posted.status, status, "post: {issuer} {acs} {destination}");
    }
}

#[tokio::test]
async fn what_is_no_saml_request_is_refused() {
    let idp = demo().idp_router();
    for bad in ["", "%%%", "bm90IHhtbA==", &encode_post("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")] {
        assert_eq!(post(&idp, "/saml/sso", &[("SAMLRequest", bad)]).await.status, 400, "{bad}");
    }
    assert!((400..500).contains(&get(&idp, "/saml/sso").await.status));
}

#[tokio::test]
async fn a_value_from_outside_is_written_as_text_into_pages() {
    let idp = demo().idp_router();
    let xml = saml_request(
        "http://auth.localhost:8080/saml/demo-saml/metadata",
        "http://auth.localhost:8080/saml/demo-saml/acs",
        "http://idp.localhost:8080/saml/sso",
    );
    let relay_state = "\"><script>alert(1)</script>";
    let page = post(&idp, "/saml/sso", &[("SAMLRequest", &encode_post(&xml)), ("RelayState", relay_state)]).await;
    let answer = pick(&idp, &page, "ada").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
}
