//! Logins that must not come about, and take more than one bad answer to try; those are in `attacks::oidc`.

use serde_json::json;
use usher::core::{Asking, PendingOidc};
use usher::oidc::{Callback, OidcError};

use super::{login, now, outcome, relying_party, relying_party_with, settings};
use crate::support::op::{CLIENT_SECRET, Key, Op, REMOVED, Reply};

#[tokio::test]
async fn an_algorithm_that_is_advertised_and_not_listed_is_refused() {
    let op = Op::start_with(now(), Key::rs256()).await;
    assert_eq!(outcome(&op).await, "algorithm_not_allowed");
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
    let error = rp.finish(&callback, &theirs.pending, now()).await.unwrap_err();
    assert_eq!(error, OidcError::CodeRefused("invalid_grant".to_owned()));

    let callback = Callback::parse(&op.authorize(&mine.url)).unwrap();
    let mixed = PendingOidc { code_verifier: mine.pending.code_verifier.clone(), ..theirs.pending };
    assert_eq!(rp.finish(&callback, &mixed, now()).await.unwrap_err().code(), "nonce_mismatch");

    let callback = Callback::parse(&op.authorize(&mine.url)).unwrap();
    assert!(rp.finish(&callback, &mine.pending, now()).await.is_ok());
    assert_eq!(rp.finish(&callback, &mine.pending, now()).await.unwrap_err().code(), "code_refused");
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
