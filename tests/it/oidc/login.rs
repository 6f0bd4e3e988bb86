//! Logins that come about, in all the shapes that providers have.

use std::collections::BTreeSet;

use serde_json::json;
use url::Url;
use usher::core::{Asking, ClientAuth, GroupClaim};

use super::{login, now, relying_party, relying_party_with, settings};
use crate::support::op::{Key, Op, REMOVED};

#[tokio::test]
async fn a_login_brings_who_it_is_and_their_groups() {
    let op = Op::start(now()).await;
    let checked = login(&op, &relying_party(&op)).await.unwrap();
    let identity = checked.identity();
    assert_eq!(identity.connection.as_str(), "op");
    assert_eq!(identity.subject, "ada");
    assert_eq!(identity.email.as_ref().map(ToString::to_string).as_deref(), Some("ada@acme.example"));
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(identity.groups, GroupClaim::from_values(["app-admins", "design"]));
    assert_eq!(op.calls("userinfo"), 0, "the ID token said it all");
}

#[tokio::test]
async fn a_login_can_move_between_threads() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    tokio::spawn(async move { login(&op, &rp).await.map(drop) }).await.unwrap().unwrap();
}

#[tokio::test]
async fn each_listed_algorithm_signs_in() {
    for key in [Key::rs256(), Key::ps256(), Key::es256(), Key::ed_dsa()] {
        let algorithm = key.algorithm();
        let op = Op::start_with(now(), key).await;
        let mut settings = settings(op.issuer());
        settings.algorithms = vec![algorithm.to_owned()];
        login(&op, &relying_party_with(&settings)).await.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
    }
}

#[tokio::test]
async fn a_start_sends_state_nonce_challenge_and_hint_to_the_provider() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    let (one, two) = (
        rp.start("s1", Some("ada@acme.example"), Asking::Usual, now()).await.unwrap(),
        rp.start("s2", None, Asking::Usual, now()).await.unwrap(),
    );
    let url = Url::parse(&one.url).unwrap();
    let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(asked("state").as_deref(), Some("s1"));
    assert_eq!(asked("nonce").as_ref(), Some(&one.nonce));
    assert_eq!(asked("login_hint").as_deref(), Some("ada@acme.example"));
    assert_eq!(asked("scope").as_deref(), Some("openid profile email"));
    assert_eq!(asked("redirect_uri").as_deref(), Some("http://auth.localhost:8080/oidc/op/callback"));
    assert!(!one.url.contains(&one.code_verifier));
    assert_ne!((one.nonce, one.code_verifier), (two.nonce, two.code_verifier));
}

#[tokio::test]
async fn the_secret_is_sent_the_way_that_was_set_or_that_the_provider_offers() {
    let op = Op::start(now()).await;
    let mut settings = settings(op.issuer());
    op.set(|op| {
        op.client_auth = "post";
        op.discovery = json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] });
    });
    login(&op, &relying_party_with(&settings)).await.unwrap();

    op.set(|op| op.discovery = json!({}));
    settings.client_auth = Some(ClientAuth::Post);
    login(&op, &relying_party_with(&settings)).await.unwrap();

    op.set(|op| op.client_auth = "none");
    settings.client_secret = None;
    login(&op, &relying_party_with(&settings)).await.unwrap();
}

#[tokio::test]
async fn groups_arrive_in_every_shape() {
    for (pointer, claims, expected) in [
        ("groups", json!({ "groups": "app-admins" }), GroupClaim::from_values(["app-admins"])),
        ("groups", json!({ "groups": { "app-admins": { "42": "acme.example" } } }), GroupClaim::from_values(["app-admins"])),
        ("/realm_access/roles", json!({ "realm_access": { "roles": ["a", "b"] } }), GroupClaim::from_values(["a", "b"])),
        ("groups", json!({ "groups": [] }), GroupClaim::Empty),
        ("groups", json!({ "groups": REMOVED }), GroupClaim::Absent),
        ("groups", json!({ "groups": null }), GroupClaim::Malformed),
        ("groups", json!({ "groups": 7 }), GroupClaim::Malformed),
        ("groups", json!({ "groups": REMOVED, "_claim_names": { "groups": "src1" } }), GroupClaim::Overage),
        ("groups", json!({ "groups": REMOVED, "hasgroups": true }), GroupClaim::Overage),
    ] {
        let op = Op::start(now()).await;
        let mut settings = settings(op.issuer());
        settings.groups_claim = pointer.to_owned();
        op.set(|op| op.claims = claims.clone());
        assert_eq!(login(&op, &relying_party_with(&settings)).await.unwrap().identity().groups, expected, "{claims}");
    }
}

#[tokio::test]
async fn claims_of_odd_shapes_do_not_stop_a_login() {
    let op = Op::start(now()).await;
    op.set(|op| {
        op.claims = json!({
            "email": ["ada@acme.example"], "address": "here", "amr": "pwd", "acr": 1, "locale": {}, "updated_at": "2026-01-01T00:00:00Z", "picture": 7,
        });
        op.tokens = json!({ "expires_in": "300", "scope": ["openid"], "refresh_token": 7 });
    });
    let checked = login(&op, &relying_party(&op)).await.unwrap();
    assert!(checked.identity().email.is_some());
}

#[tokio::test]
async fn userinfo_is_asked_for_what_is_missing() {
    let op = Op::start(now()).await;
    op.set(|op| {
        op.claims = json!({ "groups": REMOVED, "email": REMOVED });
        op.userinfo = json!({ "groups": ["from-userinfo"], "email": "ada@acme.example", "name": "Somebody else" });
    });
    let checked = login(&op, &relying_party(&op)).await.unwrap();
    assert_eq!(checked.identity().groups, GroupClaim::from_values(["from-userinfo"]));
    assert_eq!(checked.identity().name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(op.calls("userinfo"), 1);

    let mut settings = settings(op.issuer());
    settings.userinfo = false;
    assert_eq!(login(&op, &relying_party_with(&settings)).await.unwrap().identity().groups, GroupClaim::Absent);
    assert_eq!(op.calls("userinfo"), 1);
}

#[tokio::test]
async fn a_trusted_audience_is_taken_with_the_authorized_party() {
    let op = Op::start(now()).await;
    op.set(|op| op.claims = json!({ "aud": ["usher", "project-1"], "azp": "usher" }));
    let mut settings = settings(op.issuer());
    settings.trusted_audiences = BTreeSet::from(["project-1".to_owned()]);
    login(&op, &relying_party_with(&settings)).await.unwrap();
}

#[tokio::test]
async fn signing_out_at_the_provider_needs_its_end_session_endpoint() {
    let op = Op::start(now()).await;
    let return_to = Url::parse("http://auth.localhost:8080/logged-out").unwrap();
    let url = relying_party(&op).logout_url(Some("the.id.token"), &return_to, "s", now()).await.unwrap();
    assert!(url.as_str().starts_with(&format!("{}/logout?theme=dark&", op.issuer())));
    let asked: Vec<_> = url.query_pairs().skip(1).map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        asked,
        ["client_id=usher", "post_logout_redirect_uri=http://auth.localhost:8080/logged-out", "state=s", "id_token_hint=the.id.token"]
    );

    op.set(|op| op.discovery = json!({ "end_session_endpoint": REMOVED }));
    assert!(relying_party(&op).logout_url(None, &return_to, "s", now()).await.is_none());
    op.set(|op| op.discovery = json!({ "issuer": "https://evil.example" }));
    assert!(relying_party(&op).logout_url(None, &return_to, "s", now()).await.is_none());
}
