//! Logins that come about, in all the shapes that providers have.

use std::collections::BTreeSet;

use serde_json::json;
use url::Url;
use usher::core::{Asking, ClientAuth, GroupClaim};

use super::{login, now, outcome, relying_party, relying_party_with, settings};
use crate::support::browser::Browser;
use crate::support::installation::{CONNECTION, told};
use crate::support::oidc_house::OidcHouse;
use crate::support::op::{Key, Op, REMOVED};

/// The danger zone asks for a fresh sign-in, and goes by the time that the provider gives. One that gives none is not believed, and the person is told
/// what to do, rather than that something went wrong.
#[tokio::test]
async fn a_fresh_sign_in_at_a_provider_that_does_not_say_when_is_explained() {
    let house = OidcHouse::open("").await;
    let mut browser = Browser::new();
    house.op.set(|op| op.claims = json!({ "auth_time": REMOVED }));
    assert_eq!(told(&house.login(&mut browser).await).0, "Admin", "a usual sign-in does not need it");
    let back = house.usher.site.auth("/admin/acme");
    let start = browser.visit(&house.usher.site.auth(&format!("/login/{CONNECTION}?fresh=true&return_to={back}"))).await;
    let leave = browser.follow_until(start, |url| url.host_str() == Some("op.localhost")).await.location().unwrap();
    let query = house.op.authorize(leave.as_str());
    let page = browser.open(&house.callback(CONNECTION, &query)).await;
    assert_eq!(page.status, 403, "{}", page.text);
    for words in ["auth_time", "does not say when you signed in", "command line", "auth_time_missing"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(house.is_signed_in(&mut browser).await, "as before");
    let [line] = &house.usher.audit("login.refused").await[..] else { panic!("not one line") };
    assert_eq!(line.detail["code"], "auth_time_missing");
}

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
    assert_eq!(asked("nonce").as_ref(), Some(&one.pending.nonce));
    assert_eq!(asked("login_hint").as_deref(), Some("ada@acme.example"));
    assert_eq!(asked("scope").as_deref(), Some("openid profile email"));
    assert_eq!(asked("redirect_uri").as_deref(), Some("http://auth.localhost:8080/oidc/op/callback"));
    assert!(!one.url.contains(&one.pending.code_verifier));
    assert_ne!(one.pending.nonce, two.pending.nonce);
    assert_ne!(one.pending.code_verifier, two.pending.code_verifier);
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

#[tokio::test]
async fn what_a_provider_may_leave_out_or_write_otherwise_is_no_fault() {
    for (claims, tokens) in [
        (json!({ "aud": ["usher"] }), json!({})),
        (json!({ "aud": ["usher"], "azp": "usher" }), json!({})),
        (json!({}), json!({ "token_type": "BEARER" })),
        (json!({}), json!({ "expires_in": REMOVED, "scope": REMOVED, "refresh_token": REMOVED })),
        (json!({ "auth_time": REMOVED, "sid": REMOVED }), json!({})),
    ] {
        let op = Op::start(now()).await;
        op.set(|op| (op.claims, op.tokens) = (claims.clone(), tokens.clone()));
        assert!(login(&op, &relying_party(&op)).await.is_ok(), "{claims} {tokens}");
    }
}

#[tokio::test]
async fn signed_userinfo_is_verified_and_taken() {
    let op = Op::start(now()).await;
    for changes in [json!({}), json!({ "aud": ["usher"] }), json!({ "exp": now().as_second() + 60 })] {
        op.set(|op| {
            op.claims = json!({ "groups": REMOVED });
            op.userinfo = json!({ "groups": ["from-userinfo"] });
            op.signed_userinfo = Some(changes);
        });
        let checked = login(&op, &relying_party(&op)).await.unwrap();
        assert_eq!(checked.identity().groups, GroupClaim::from_values(["from-userinfo"]));
    }
}

#[tokio::test]
async fn a_fresh_sign_in_is_asked_for_and_checked() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    let started = rp.start("s", None, Asking::Anew, now()).await.unwrap();
    let url = Url::parse(&started.url).unwrap();
    let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!((asked("prompt").as_deref(), asked("max_age").as_deref()), (Some("login"), Some("0")));
    assert_eq!(started.pending.authenticated_since, Some(now()));
    let finish = async |started: &usher::oidc::Started| {
        let callback = usher::oidc::Callback::parse(&op.authorize(&started.url)).unwrap();
        rp.finish(&callback, &started.pending, now()).await.map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(finish(&started).await, Ok(()));
    for (auth_time, code) in [
        (json!(now().as_second() - 3600), "authenticated_too_long_ago"),
        (json!(0), "authenticated_too_long_ago"),
        (json!(now().as_second() + 300), "authenticated_in_future"),
        (json!(REMOVED), "auth_time_missing"),
    ] {
        op.set(|op| op.claims = json!({ "auth_time": auth_time }));
        assert_eq!(finish(&rp.start("s", None, Asking::Anew, now()).await.unwrap()).await, Err(code));
        assert_eq!(outcome(&op).await, "ok", "nobody asked");
    }
}

#[tokio::test]
async fn what_a_connection_demands_is_asked_of_the_provider() {
    let op = Op::start(now()).await;
    let mut settings = settings(op.issuer());
    settings.max_age_seconds = Some(3600);
    settings.acr_values = vec!["phr".to_owned(), "mfa".to_owned()];
    settings.hosted_domains = ["acme.example".to_owned()].into();
    settings.response_mode = usher::core::ResponseMode::FormPost;
    let url = Url::parse(&relying_party_with(&settings).start("s", None, Asking::Usual, now()).await.unwrap().url).unwrap();
    let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    for (name, value) in [("max_age", "3600"), ("acr_values", "phr mfa"), ("hd", "acme.example"), ("response_mode", "form_post")] {
        assert_eq!(asked(name).as_deref(), Some(value), "{name}");
    }
    op.set(|op| op.claims = json!({ "acr": "mfa", "hd": "acme.example", "auth_time": now().as_second() - 3000 }));
    login(&op, &relying_party_with(&settings)).await.unwrap();
}

#[tokio::test]
async fn a_pushed_request_leaves_only_its_name_in_the_browser() {
    let op = Op::start(now()).await;
    let mut settings = settings(op.issuer());
    for (pushed, required, auth) in [(Some(true), false, "basic"), (None, true, "post"), (None, true, "none")] {
        settings.pushed_requests = pushed;
        settings.client_auth = (auth == "post").then_some(ClientAuth::Post);
        settings.client_secret = (auth != "none").then(|| usher::core::Secret::new(crate::support::op::CLIENT_SECRET));
        op.set(|op| {
            op.discovery = json!({ "require_pushed_authorization_requests": required });
            op.client_auth = auth;
        });
        let before = op.calls("par");
        login(&op, &relying_party_with(&settings)).await.unwrap_or_else(|error| panic!("{auth}: {error}"));
        assert_eq!(op.calls("par"), before + 1, "{auth}");
    }
    op.set(|op| op.client_auth = "basic");
    let refused = login(&op, &relying_party_with(&settings)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the provider refused the pushed request: invalid_client");
    settings.pushed_requests = Some(false);
    let url = relying_party_with(&settings).start("s", None, Asking::Usual, now()).await.unwrap().url;
    assert!(url.contains("code_challenge="), "where the connection says never: {url}");
    settings.pushed_requests = Some(true);
    op.set(|op| op.discovery = json!({ "pushed_authorization_request_endpoint": REMOVED }));
    let refused = relying_party_with(&settings).start("s", None, Asking::Usual, now()).await.unwrap_err();
    assert_eq!(refused.code(), "discovery_invalid");
}

#[tokio::test]
async fn people_of_the_named_tenants_come_in_through_one_connection() {
    let (acme, partner) = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222");
    let op = Op::start(now()).await;
    let template = format!("{}/{{tenantid}}/v2.0", op.issuer());
    let mut settings = settings(&template);
    settings.tenants = [acme, partner].map(str::to_owned).into();
    settings.subject_claim = "oid".to_owned();
    for (tenant, oid, expected) in [
        (acme, "o-1", Ok(format!("{acme}/o-1"))),
        (partner, "o-1", Ok(format!("{partner}/o-1"))),
        ("33333333-3333-3333-3333-333333333333", "o-1", Err("tenant_not_allowed")),
    ] {
        let issuer = template.replace("{tenantid}", tenant);
        op.set(|op| {
            op.discovery = json!({ "issuer": template });
            op.claims = json!({ "iss": issuer, "tid": tenant, "oid": oid });
            op.callback.insert("iss", String::new());
            op.discovery["authorization_response_iss_parameter_supported"] = false.into();
        });
        let rp = relying_party_with(&settings);
        let found = login(&op, &rp).await.map(|checked| checked.identity().subject.clone()).map_err(|error| error.code());
        assert_eq!(found, expected, "{tenant}");
    }
}
