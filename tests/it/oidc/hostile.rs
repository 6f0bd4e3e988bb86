//! Logins that must not come about. Each has its own code, and after a refused ID token nothing more is asked of the provider.

use serde_json::{Value, json};
use usher::core::Asking;
use usher::oidc::{Callback, OidcError};

use super::{login, now, outcome, relying_party, relying_party_with, settings};
use crate::support::op::{CLIENT_SECRET, Key, Knobs, Op, REMOVED, Reply, Signing};

/// A fresh provider with its knobs turned; userinfo is wanted, so that a call would show.
async fn refused(turn: impl FnOnce(&mut Knobs)) -> &'static str {
    let op = Op::start(now()).await;
    op.set(|op| {
        op.claims = json!({ "groups": REMOVED });
        turn(op);
    });
    let code = outcome(&op).await;
    assert_eq!(op.calls("userinfo"), 0, "after {code}");
    code
}

async fn with_claims(changes: Value) -> &'static str {
    refused(|op| {
        let mut claims = changes;
        claims["groups"] = REMOVED.into();
        op.claims = claims;
    })
    .await
}

#[tokio::test]
async fn an_id_token_with_a_wrong_claim_is_refused() {
    let now = now().as_second();
    for (claims, code) in [
        (json!({ "iss": "http://op.localhost:1" }), "issuer_mismatch"),
        (json!({ "iss": REMOVED }), "issuer_mismatch"),
        (json!({ "aud": "usher1" }), "audience_mismatch"),
        (json!({ "aud": REMOVED }), "audience_mismatch"),
        (json!({ "aud": ["usher", "stranger"] }), "audience_untrusted"),
        (json!({ "aud": ["usher", "stranger"], "azp": "usher" }), "audience_untrusted"),
        (json!({ "azp": "stranger" }), "authorized_party_mismatch"),
        (json!({ "nonce": "another" }), "nonce_mismatch"),
        (json!({ "nonce": REMOVED }), "nonce_mismatch"),
        (json!({ "sub": REMOVED }), "subject_invalid"),
        (json!({ "sub": "" }), "subject_invalid"),
        (json!({ "iat": REMOVED }), "issue_time_missing"),
        (json!({ "iat": now - 7 * 86400, "exp": now + 300 }), "issued_too_long_ago"),
        (json!({ "iat": now + 300 }), "issued_in_future"),
        (json!({ "exp": now - 300 }), "expired"),
        (json!({ "exp": REMOVED }), "expiry_missing"),
        (json!({ "nbf": now + 300 }), "not_yet_valid"),
        (json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }), "access_token_mismatch"),
    ] {
        assert_eq!(with_claims(claims.clone()).await, code, "{claims}");
    }
}

#[tokio::test]
async fn an_id_token_without_a_true_signature_is_refused() {
    assert_eq!(refused(|op| op.signing = Signing::None).await, "algorithm_not_allowed");
    assert_eq!(refused(|op| op.signing = Signing::Hmac(CLIENT_SECRET.into())).await, "algorithm_not_allowed");
    assert_eq!(refused(|op| op.signing = Signing::Broken).await, "signature_invalid");
}

#[tokio::test]
async fn an_id_token_signed_with_the_public_key_as_a_secret_is_refused() {
    let op = Op::start(now()).await;
    let public = op.public_key();
    op.set(|op| op.signing = Signing::Hmac(public));
    assert_eq!(outcome(&op).await, "algorithm_not_allowed");
}

#[tokio::test]
async fn an_algorithm_that_is_advertised_and_not_listed_is_refused() {
    let op = Op::start_with(now(), Key::rs256()).await;
    assert_eq!(outcome(&op).await, "algorithm_not_allowed");
}

#[tokio::test]
async fn another_kind_of_token_is_refused() {
    for header in
        [json!({ "typ": "at+jwt" }), json!({ "typ": "logout+jwt" }), json!({ "crit": ["exp"], "exp": 1 }), json!({ "cty": "JWT" })]
    {
        assert_eq!(refused(|op| op.header = header).await, "id_token_wrong_type");
    }
}

#[tokio::test]
async fn a_key_inside_the_token_is_not_looked_at() {
    let stranger = Key::es256();
    let header = json!({ "jwk": stranger.jwk("k1"), "jku": "https://evil.example/keys", "kid": "evil" });
    assert_eq!(refused(|op| op.header = header).await, "key_not_found");
}

#[tokio::test]
async fn tokens_that_are_no_tokens_are_refused() {
    for (tokens, code) in [
        (json!({ "id_token": REMOVED }), "id_token_missing"),
        (json!({ "id_token": null }), "id_token_missing"),
        (json!({ "id_token": "x" }), "id_token_malformed"),
        (json!({ "id_token": "a.b.c.d.e" }), "id_token_malformed"),
        (json!({ "id_token": "x".repeat(70_000) }), "id_token_too_large"),
        (json!({ "id_token": 7 }), "token_response_malformed"),
        (json!({ "access_token": REMOVED }), "token_response_malformed"),
        (json!({ "access_token": "a\r\nX-Evil: 1" }), "token_response_malformed"),
        (json!({ "token_type": "dpop" }), "token_response_malformed"),
    ] {
        assert_eq!(refused(|op| op.tokens = tokens.clone()).await, code, "{tokens}");
    }
}

#[tokio::test]
async fn an_endpoint_that_answers_something_else_is_refused() {
    let elsewhere = || Reply::Redirect("http://169.254.169.254/latest/meta-data".to_owned());
    let twice = r#"{"access_token":"a","token_type":"bearer","id_token":"a.b.c","id_token":"d.e.f"}"#;
    for (endpoint, reply, code) in [
        ("discovery", elsewhere(), "provider_blocked"),
        ("discovery", Reply::Html, "discovery_invalid"),
        ("discovery", Reply::Status(404), "discovery_invalid"),
        ("discovery", Reply::Status(503), "provider_unreachable"),
        ("discovery", Reply::Huge, "provider_answer_too_large"),
        ("discovery", Reply::Endless, "provider_answer_too_large"),
        ("keys", elsewhere(), "provider_blocked"),
        ("keys", Reply::Html, "keys_invalid"),
        ("keys", Reply::Status(404), "keys_invalid"),
        ("keys", Reply::Status(429), "provider_unreachable"),
        ("keys", Reply::Huge, "provider_answer_too_large"),
        ("keys", Reply::Endless, "provider_answer_too_large"),
        ("token", elsewhere(), "provider_blocked"),
        ("token", Reply::Html, "token_response_malformed"),
        ("token", Reply::Status(500), "provider_unreachable"),
        ("token", Reply::Status(403), "token_response_malformed"),
        ("token", Reply::Json("[]".to_owned()), "token_response_malformed"),
        ("token", Reply::Json(twice.to_owned()), "token_response_malformed"),
        ("token", Reply::Json("\u{feff}{}".to_owned()), "token_response_malformed"),
        ("token", Reply::Huge, "provider_answer_too_large"),
        ("token", Reply::Endless, "provider_answer_too_large"),
    ] {
        assert_eq!(refused(|op| drop(op.replies.insert(endpoint, reply))).await, code, "{endpoint}");
    }
}

#[tokio::test]
async fn an_endpoint_that_never_ends_its_answer_is_given_up() {
    for endpoint in ["discovery", "keys", "token"] {
        assert_eq!(refused(|op| drop(op.replies.insert(endpoint, Reply::Silent))).await, "provider_unreachable", "{endpoint}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unreachable_and_comes_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://op.localhost:{}", listener.local_addr().unwrap().port());
    drop(listener);
    let error = relying_party_with(&settings(&issuer)).start("s", None, Asking::Usual, now()).await.unwrap_err();
    assert!(error.is_provider_unreachable(), "{error}");

    let op = Op::start(now()).await;
    op.set(|knobs| drop(knobs.replies.insert("discovery", Reply::Status(503))));
    let rp = relying_party(&op);
    assert!(rp.start("s", None, Asking::Usual, now()).await.unwrap_err().is_provider_unreachable());
    op.set(|knobs| knobs.replies.clear());
    assert!(rp.start("s", None, Asking::Usual, now() + jiff::SignedDuration::from_secs(5)).await.is_ok());
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_stops_the_login_before_it_starts() {
    let op = Op::start(now()).await;
    op.set(|op| op.discovery = json!({ "issuer": "https://op.example" }));
    let error = relying_party(&op).start("s", None, Asking::Usual, now()).await.unwrap_err();
    assert_eq!(error.code(), "discovery_issuer_mismatch");
}

#[tokio::test]
async fn a_provider_without_pkce_is_refused() {
    assert_eq!(refused(|op| op.discovery = json!({ "code_challenge_methods_supported": ["plain"] })).await, "pkce_unsupported");
}

#[tokio::test]
async fn a_discovery_document_cannot_send_us_elsewhere() {
    for url in ["http://169.254.169.254/keys", "http://op.example/keys", "file:///etc/passwd", "https://[fe80::1]/keys"] {
        assert_eq!(refused(|op| op.discovery = json!({ "jwks_uri": url })).await, "provider_blocked", "{url}");
        assert_eq!(refused(|op| op.discovery = json!({ "token_endpoint": url })).await, "provider_blocked", "{url}");
    }
}

#[tokio::test]
async fn a_callback_of_another_issuer_is_refused_before_its_code_is_redeemed() {
    for (issuer, code) in [("https://evil.example", "callback_issuer_mismatch"), ("", "callback_issuer_missing")] {
        let op = Op::start(now()).await;
        op.set(|op| drop(op.callback.insert("iss", issuer.to_owned())));
        assert_eq!(outcome(&op).await, code);
        assert_eq!(op.calls("token"), 0);
    }
}

#[tokio::test]
async fn a_callback_without_issuer_is_enough_where_none_is_promised() {
    let op = Op::start(now()).await;
    op.set(|op| {
        op.callback.insert("iss", String::new());
        op.discovery = json!({ "authorization_response_iss_parameter_supported": REMOVED });
    });
    assert_eq!(outcome(&op).await, "ok");
}

#[tokio::test]
async fn an_error_of_the_provider_ends_the_login() {
    for (error, code) in [("access_denied", "access_denied"), ("login_required", "provider_refused"), ("server_error", "provider_refused")]
    {
        let op = Op::start(now()).await;
        op.set(|op| {
            op.callback.insert("code", String::new());
            op.callback.insert("error", error.to_owned());
            op.callback.insert("error_description", "<script>alert(1)</script> for ada@acme.example".to_owned());
        });
        let refused = login(&op, &relying_party(&op)).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert!(!refused.to_string().contains("ada@"), "{refused}");
        assert_eq!(op.calls("token"), 0);
    }
}

#[tokio::test]
async fn a_code_is_good_for_one_login_of_one_browser() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    let (mine, theirs) =
        (rp.start("s", None, Asking::Usual, now()).await.unwrap(), rp.start("s", None, Asking::Usual, now()).await.unwrap());
    let callback = Callback::parse(&op.authorize(&mine.url)).unwrap();
    // Another login's verifier: the provider refuses the code.
    let error = rp.finish(&callback, &theirs.nonce, &theirs.code_verifier, now()).await.unwrap_err();
    assert_eq!(error, OidcError::CodeRefused("invalid_grant".to_owned()));

    let callback = Callback::parse(&op.authorize(&mine.url)).unwrap();
    assert_eq!(rp.finish(&callback, &theirs.nonce, &mine.code_verifier, now()).await.unwrap_err().code(), "nonce_mismatch");

    let callback = Callback::parse(&op.authorize(&mine.url)).unwrap();
    assert!(rp.finish(&callback, &mine.nonce, &mine.code_verifier, now()).await.is_ok());
    assert_eq!(rp.finish(&callback, &mine.nonce, &mine.code_verifier, now()).await.unwrap_err().code(), "code_refused");
}

#[tokio::test]
async fn a_wrong_client_secret_is_told_apart() {
    let op = Op::start(now()).await;
    let mut settings = settings(op.issuer());
    settings.client_secret = Some(usher::core::Secret::new("wrong"));
    let error = login(&op, &relying_party_with(&settings)).await.unwrap_err();
    assert_eq!(error, OidcError::CodeRefused("invalid_client".to_owned()));
}

#[tokio::test]
async fn userinfo_that_cannot_be_trusted_refuses_the_login() {
    for (userinfo, reply, code) in [
        (json!({ "sub": "eve", "groups": ["app-owners"] }), None, "userinfo_subject_mismatch"),
        (json!({ "sub": REMOVED }), None, "userinfo_subject_mismatch"),
        (json!({}), Some(Reply::Html), "userinfo_invalid"),
        (json!({}), Some(Reply::Status(401)), "userinfo_invalid"),
        (json!({}), Some(Reply::Status(503)), "provider_unreachable"),
        (json!({}), Some(Reply::Json(r#"{"sub":"eve","sub":"ada"}"#.to_owned())), "userinfo_invalid"),
        (json!({}), Some(Reply::Endless), "provider_answer_too_large"),
        (json!({}), Some(Reply::Redirect("http://127.0.0.1/".to_owned())), "provider_blocked"),
    ] {
        let op = Op::start(now()).await;
        op.set(|op| {
            op.claims = json!({ "groups": REMOVED });
            op.userinfo = userinfo;
            op.replies.extend(reply.map(|reply| ("userinfo", reply)));
        });
        assert_eq!(outcome(&op).await, code);
    }
}

#[tokio::test]
async fn an_error_says_nothing_secret() {
    let op = Op::start(now()).await;
    for endpoint in ["token", "userinfo"] {
        op.set(|op| {
            op.claims = json!({ "groups": REMOVED });
            op.replies.clear();
            op.replies.insert(endpoint, Reply::Json("{\"access_token\":\"geheim\"".to_owned()));
        });
        let error = login(&op, &relying_party(&op)).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        for secret in ["geheim", "access-token", CLIENT_SECRET, "ada@"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
