//! The provider's keys: rotation heals itself, storms of unknown keys do not become storms of requests.

use jiff::SignedDuration;
use serde_json::json;

use super::{login, login_at, now, outcome, relying_party, relying_party_with, settings};
use crate::support::op::{Key, Op, REMOVED, Reply, Signing};

#[tokio::test]
async fn keys_that_change_just_before_signing_are_fetched_once_more() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    login(&op, &rp).await.unwrap();
    op.set(|op| op.rotate_before_signing = true);
    login(&op, &rp).await.unwrap();
    assert_eq!(op.calls("keys"), 2);
    login(&op, &rp).await.unwrap();
    assert_eq!((op.calls("keys"), op.calls("discovery")), (2, 1));
}

#[tokio::test]
async fn a_new_key_under_an_old_key_id_is_fetched_as_well() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    login(&op, &rp).await.unwrap();
    op.set(|op| op.key = Key::es256());
    login(&op, &rp).await.unwrap();
    assert_eq!(op.calls("keys"), 2);
}

#[tokio::test]
async fn a_storm_of_random_key_ids_costs_one_fetch_a_minute() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    login(&op, &rp).await.unwrap();
    op.set(|op| op.random_kid = true);
    for second in 0..60 {
        let error = login_at(&op, &rp, now() + SignedDuration::from_secs(second)).await.unwrap_err();
        assert_eq!(error.code(), "key_not_found");
    }
    assert_eq!(op.calls("keys"), 2);
    login_at(&op, &rp, now() + SignedDuration::from_secs(60)).await.unwrap_err();
    assert_eq!(op.calls("keys"), 3);
}

/// Anybody can send a logout token. What strangers use up is theirs; the provider's own answers still lead to its new keys.
#[tokio::test]
async fn bad_logout_tokens_do_not_keep_logins_from_following_a_change_of_keys() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    login(&op, &rp).await.unwrap();
    let stranger = Op::start(now()).await;
    for number in 0..30 {
        stranger.set(|op| op.header = json!({ "kid": format!("unknown-{number}") }));
        let token = stranger.logout_token(&json!({ "iss": op.issuer() }));
        assert_eq!(rp.read_logout(&format!("logout_token={token}"), now()).await.unwrap_err().code(), "key_not_found");
    }
    assert_eq!(op.calls("keys"), 2, "one fetch a minute for all of them");
    op.set(|op| (op.key, op.kid) = (Key::es256(), Some("k2".to_owned())));
    login(&op, &rp).await.unwrap();
    assert_eq!(op.calls("keys"), 3);
}

#[tokio::test]
async fn twenty_logins_at_once_after_a_rotation_share_one_fetch() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    login(&op, &rp).await.unwrap();
    op.set(|op| (op.key, op.kid) = (Key::es256(), Some("k2".to_owned())));
    let logins = futures_util::future::join_all((0..20).map(|_| login(&op, &rp))).await;
    assert!(logins.iter().all(Result::is_ok));
    assert_eq!(op.calls("keys"), 2);
}

#[tokio::test]
async fn the_last_good_keys_stand_in_while_the_provider_does_not_publish_any() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    login(&op, &rp).await.unwrap();
    op.set(|op| drop(op.replies.insert("keys", Reply::Status(503))));
    let hours = |count| {
        let then = now() + SignedDuration::from_hours(count);
        op.set(|op| op.now = then);
        then
    };
    login_at(&op, &rp, hours(2)).await.unwrap();
    assert_eq!(login_at(&op, &rp, hours(24)).await.unwrap_err().code(), "provider_unreachable");
}

#[tokio::test]
async fn a_weak_key_is_no_key() {
    let op = Op::start_with(now(), Key::weak()).await;
    let mut settings = settings(op.issuer());
    settings.algorithms = vec!["RS256".to_owned()];
    assert_eq!(login(&op, &relying_party_with(&settings)).await.unwrap_err().code(), "key_not_found");
}

#[tokio::test]
async fn a_token_without_key_id_needs_exactly_one_fitting_key() {
    let op = Op::start(now()).await;
    op.set(|op| op.header = json!({ "kid": REMOVED }));
    assert_eq!(outcome(&op).await, "ok");
    op.set(|op| op.more_keys = vec![Key::rs256().jwk("other-type"), json!({ "kty": "unheard-of" }), json!(7)]);
    assert_eq!(outcome(&op).await, "ok");
    op.set(|op| op.more_keys.push(Key::es256().jwk("k9")));
    assert_eq!(outcome(&op).await, "key_ambiguous");
}

#[tokio::test]
async fn a_bad_signature_costs_one_fetch_and_stays_bad() {
    let op = Op::start(now()).await;
    let rp = relying_party(&op);
    op.set(|op| op.signing = Signing::Broken);
    for _ in 0..5 {
        assert_eq!(login(&op, &rp).await.unwrap_err().code(), "signature_invalid");
    }
    assert_eq!(op.calls("keys"), 2);
    op.set(|op| op.signing = Signing::WithKey);
    login(&op, &rp).await.unwrap();
}
