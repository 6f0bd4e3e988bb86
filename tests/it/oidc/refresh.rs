//! Sessions that their provider confirms while they live.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use usher::clock::Clock as _;
use usher::core::{DoorSession, RedisAddress, RefreshGrant, Secret};
use usher::store::ephemeral::redis::RedisStore;

use super::now;
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::gateway::TurnedClock;
use crate::support::installation::{CONNECTION, told};
use crate::support::oidc_house::OidcHouse;
use crate::support::op::{Key, REMOVED, Reply, Signing};
use crate::support::redis::Redis;

const CONFIRMED: &str = "refresh = \"15m\"\nrefresh_grace = \"30m\"";

/// A house with Ada inside.
async fn inside() -> (OidcHouse, Browser) {
    let house = OidcHouse::open(CONFIRMED).await;
    let mut browser = Browser::new();
    assert_eq!(told(&house.login(&mut browser).await).0, "Admin");
    (house, browser)
}

fn minutes(house: &OidcHouse, minutes: u64) {
    house.clock.pass(Duration::from_mins(minutes));
    let now = house.clock.now();
    house.op.set(|op| op.now = now);
}

/// gateway.md, acceptance test 8; oauth2-proxy #1992: races burn refresh tokens that rotate.
#[tokio::test]
async fn two_hundred_requests_at_once_ask_the_provider_once() {
    let (house, mut browser) = inside().await;
    minutes(&house, 14);
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!(house.op.calls("refresh"), 0, "not yet");
    for round in 1..=3 {
        minutes(&house, 16);
        let requests = (0..200).map(|_| {
            let mut tab = browser.clone();
            let house = &house;
            async move { house.usher.is_inside(&mut tab).await }
        });
        assert!(futures_util::future::join_all(requests).await.into_iter().all(|inside| inside), "round {round}");
        assert_eq!(house.op.calls("refresh"), round);
    }
}

/// The same through two nodes, which share a Redis: the claim to ask is theirs together, and whoever waits reads what the other was told.
#[tokio::test]
async fn two_hundred_requests_at_once_through_two_nodes_ask_the_provider_once() {
    let redis = Redis::start().await;
    let store = || Arc::new(RedisStore::new(&RedisAddress::parse(&redis.url()).unwrap()).unwrap());
    let clock = Arc::new(TurnedClock::standing_at(now()));
    let house = OidcHouse::open_on(store(), clock, CONFIRMED).await;
    let second = house.usher.start_beside(store()).await;
    let mut browser = Browser::new();
    assert_eq!(told(&house.login(&mut browser).await).0, "Admin");
    let cookie = browser.cookie("app.localhost", "__Host-usher").unwrap();
    let ask = Ask::to("app.localhost", "GET", "/").cookie(&cookie);
    for round in 1..=3 {
        minutes(&house, 16);
        let nodes = [house.usher.public_address(), second];
        let answers = (0..200).map(|number| ask.clone().send(nodes[number % 2]));
        let answers = futures_util::future::join_all(answers).await;
        assert!(
            answers.iter().all(|answer| answer.status == 200),
            "round {round}: {:?}",
            answers.iter().find(|answer| answer.status != 200)
        );
        assert_eq!(house.op.calls("refresh"), round);
    }
}

#[tokio::test]
async fn a_grant_that_the_provider_takes_back_ends_the_session() {
    let (house, mut browser) = inside().await;
    house.op.revoke();
    assert!(house.usher.is_inside(&mut browser).await, "until it is asked");
    minutes(&house, 15);
    assert!(!house.usher.is_inside(&mut browser).await);
    assert!(!house.is_signed_in(&mut browser).await, "and so does the one on the auth host");
    assert!(!house.usher.is_inside(&mut browser).await);
    assert_eq!(house.op.calls("refresh"), 1);
    let [line] = &house.usher.audit("session.ended").await[..] else { panic!("not one line") };
    assert_eq!((line.detail["code"].as_str(), line.detail["sessions"].as_u64()), (Some("code_refused"), Some(2)));
}

#[tokio::test]
async fn a_refreshed_token_of_somebody_else_ends_the_session() {
    for claims in [
        json!({ "sub": "eve" }),
        json!({ "sub": REMOVED }),
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "another" }),
        json!({ "nonce": "another" }),
        json!({ "exp": 0 }),
    ] {
        let (house, mut browser) = inside().await;
        minutes(&house, 15);
        house.op.set(|op| op.claims = claims.clone());
        assert!(!house.usher.is_inside(&mut browser).await, "{claims}");
        assert!(!house.is_signed_in(&mut browser).await, "{claims}");
        while house.op.calls("revoke") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!house.op.has_grant(), "the refresh token that came with it was not given back: {claims}");
    }
    let (house, mut browser) = inside().await;
    minutes(&house, 15);
    house.op.set(|op| op.signing = Signing::Broken);
    assert!(!house.usher.is_inside(&mut browser).await);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_keeps_sessions_for_so_long() {
    let (house, mut browser) = inside().await;
    house.op.set(|op| drop(op.replies.insert("refresh", Reply::Status(503))));
    minutes(&house, 15);
    for _ in 0..5 {
        assert!(house.usher.is_inside(&mut browser).await);
    }
    assert_eq!(house.op.calls("refresh"), 1, "and is not asked again at once");
    for (seconds, asked) in [(59, 1), (1, 2)] {
        house.clock.pass(Duration::from_secs(seconds));
        assert!(house.usher.is_inside(&mut browser).await);
        assert_eq!(house.op.calls("refresh"), asked, "but after a minute");
    }
    minutes(&house, 28);
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!(house.op.calls("refresh"), 3);
    minutes(&house, 1);
    assert!(!house.usher.is_inside(&mut browser).await, "a quarter of an hour and the half that is granted");

    let (house, mut browser) = inside().await;
    house.op.set(|op| drop(op.replies.insert("refresh", Reply::Html)));
    minutes(&house, 20);
    assert!(house.usher.is_inside(&mut browser).await, "a page of somebody between");
    house.op.set(|op| op.replies.clear());
    minutes(&house, 2);
    assert!(house.usher.is_inside(&mut browser).await);
    minutes(&house, 14);
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!(house.op.calls("refresh"), 2, "confirmed again, for a quarter of an hour");
}

#[tokio::test]
async fn a_refreshed_token_of_a_new_key_leads_to_the_new_keys() {
    let (house, mut browser) = inside().await;
    let calls = house.op.calls("keys");
    house.op.set(|op| (op.key, op.kid) = (Key::es256(), Some("k2".to_owned())));
    minutes(&house, 15);
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!((house.op.calls("refresh"), house.op.calls("keys")), (1, calls + 1));
    minutes(&house, 14);
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!(house.op.calls("refresh"), 1, "confirmed, for a quarter of an hour");
}

/// Nobody can tell what such an answer is worth: the provider has not published its new key yet, or does not answer for its keys. It confirms nothing, and it
/// is no reason to sign anybody out at once. The refresh token beside it is the one that counts from then on: this provider takes a second use of the old one
/// for theft.
#[tokio::test]
async fn a_refreshed_token_of_a_key_that_is_not_published_confirms_nothing_and_keeps_the_session_to_its_limit() {
    for keys in [None, Some(Reply::Status(503)), Some(Reply::Html)] {
        let strange = |house: &OidcHouse| {
            let keys = keys.clone();
            house.op.set(|op| {
                op.random_kid = true;
                op.replies.extend(keys.map(|reply| ("keys", reply)));
            });
        };
        let (house, mut browser) = inside().await;
        let calls = house.op.calls("keys");
        strange(&house);
        minutes(&house, 15);
        for _ in 0..5 {
            assert!(house.usher.is_inside(&mut browser).await);
        }
        assert_eq!((house.op.calls("refresh"), house.op.calls("keys")), (1, calls + 1), "asked once, and for the keys once");
        minutes(&house, 29);
        assert!(house.usher.is_inside(&mut browser).await, "with the token of the answer before");
        assert_eq!(house.op.calls("refresh"), 2);
        minutes(&house, 1);
        assert!(!house.usher.is_inside(&mut browser).await, "a quarter of an hour and the half that is granted, and not a minute more");
        assert_eq!(house.usher.audit("session.ended").await.last().unwrap().detail["code"], "unconfirmed_too_long");
        while house.op.calls("revoke") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!house.op.has_grant(), "and the last refresh token is given back");

        let (house, mut browser) = inside().await;
        strange(&house);
        minutes(&house, 20);
        assert!(house.usher.is_inside(&mut browser).await);
        house.op.set(|op| (op.random_kid, op.replies) = (false, HashMap::new()));
        for (later, asked) in [(2, 2), (14, 2), (1, 3)] {
            minutes(&house, later);
            assert!(house.usher.is_inside(&mut browser).await);
            assert_eq!(house.op.calls("refresh"), asked, "confirmed again, for a quarter of an hour");
        }
    }
}

#[tokio::test]
async fn a_login_that_could_not_be_confirmed_later_is_refused() {
    let house = OidcHouse::open(CONFIRMED).await;
    let mut browser = Browser::new();
    let url = house.start(&mut browser, CONNECTION).await.location().unwrap();
    assert!(url.query_pairs().any(|(name, value)| name == "scope" && value.split(' ').any(|scope| scope == "offline_access")), "{url}");
    house.op.set(|op| op.tokens = json!({ "refresh_token": REMOVED }));
    assert_eq!(house.login(&mut browser).await.status, 400);
    assert_eq!(house.usher.audit("login.refused").await.last().unwrap().detail["code"], "refresh_token_missing");
    assert_eq!(house.usher.count_members().await, 0);
}

#[test]
fn a_grant_is_neither_in_the_record_of_its_session_nor_shown() {
    let grant = RefreshGrant {
        token: Secret::new("geheim"),
        issuer: String::new(),
        subject: "ada".to_owned(),
        nonce: String::new(),
        every_seconds: 1,
        grace_seconds: 1,
    };
    let session = DoorSession { refresh: Some(grant), ..DoorSession::default() };
    assert!(!serde_json::to_string(&session).unwrap().contains("geheim"));
    assert!(!format!("{session:?}").contains("geheim"));
}

/// RFC 7009: what nobody needs any more is worth nothing to whoever finds it. Every way out gives it back.
#[tokio::test]
async fn a_session_that_ends_gives_its_refresh_token_back() {
    let (house, mut browser) = inside().await;
    assert!(house.op.has_grant());
    let page = browser.open(&house.usher.site.auth("/")).await;
    browser.submit(&page, page.form_to("/logout")).await;
    while house.op.calls("revoke") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!house.op.has_grant());
    assert!(!house.usher.is_inside(&mut browser).await);
}

/// Nor does anybody wait for a provider that does not take it.
#[tokio::test]
async fn a_provider_that_takes_no_token_back_keeps_nobody_in() {
    for reply in [Reply::Status(503), Reply::Silent, Reply::Html] {
        let (house, mut browser) = inside().await;
        house.op.set(|op| drop(op.replies.insert("revoke", reply)));
        let page = browser.open(&house.usher.site.auth("/")).await;
        let page = browser.submit(&page, page.form_to("/logout")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(!house.usher.is_inside(&mut browser).await && !house.is_signed_in(&mut browser).await);
    }
}
