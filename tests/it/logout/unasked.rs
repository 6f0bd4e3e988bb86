//! Logins that start at the provider, from a tile of its portal.

use std::time::Duration;

use usher::saml::message::{decode_post, encode_post};

use crate::support::browser::{Browser, Page};
use crate::support::saml_house::SamlHouse;
use crate::support::saml_idp::{Draft, Signer};

const HINT: &str = "allow_idp_initiated = true";
const STRICT: &str = "allow_idp_initiated = \"strict\"";

/// What a provider sends that was asked for nothing.
fn unasked(house: &SamlHouse, id: &str) -> String {
    let draft = Draft::in_scene(&house.scene()).edit("_assertion1", id);
    encode_post(&Signer::idp().sign(&draft.0, id, &[]))
}

/// Posts it; a redirect to the provider is where a login of our own begins.
async fn post(house: &SamlHouse, browser: &mut Browser, field: &str, relay_state: &str) -> Page {
    let from = crate::support::saml_house::provider();
    let fields = [("SAMLResponse", field), ("RelayState", relay_state)];
    browser.post_until(&from, &house.scene().address("acs"), &fields, |url| url.host_str() == Some("idp.example")).await
}

fn goes_to_the_provider(page: &Page) -> bool {
    page.location().is_some_and(|url| url.host_str() == Some("idp.example"))
}

#[tokio::test]
async fn a_message_that_nobody_asked_for_ends_at_the_door_by_default() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    let page = post(&house, &mut browser, &unasked(&house, "_a1"), "").await;
    assert!(!goes_to_the_provider(&page), "{:?}", page.trail);
    assert!(!house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn as_a_hint_it_starts_a_login_and_is_not_read() {
    let house = SamlHouse::open(HINT).await;
    for field in [unasked(&house, "_a1"), "anything".to_owned(), encode_post("<evil/>")] {
        let mut browser = Browser::new();
        let page = post(&house, &mut browser, &field, "").await;
        assert!(goes_to_the_provider(&page), "{} {}", page.status, page.text);
        assert!(page.location().unwrap().query().unwrap().starts_with("SAMLRequest="));
        assert!(!house.is_signed_in(&mut browser).await);
    }
    assert_eq!(house.usher.count_members().await, 0);
}

#[tokio::test]
async fn a_provider_that_never_answers_a_login_is_stopped_after_some_rounds() {
    let house = SamlHouse::open(HINT).await;
    let mut browser = Browser::new();
    for _ in 0..3 {
        assert!(goes_to_the_provider(&post(&house, &mut browser, "x", "").await));
    }
    let page = post(&house, &mut browser, "x", "").await;
    assert!(page.text.contains("login_loop"), "{} {}", page.status, page.text);
}

#[tokio::test]
async fn where_the_connection_insists_the_message_itself_signs_in_once() {
    let house = SamlHouse::open(STRICT).await;
    let mut browser = Browser::new();
    let field = unasked(&house, "_a1");
    post(&house, &mut browser, &field, "").await;
    assert!(house.is_signed_in(&mut browser).await);
    // The same again, and the same assertion in another response: only the assertion is signed.
    let other = decode_post(&field).unwrap().replace("_response1", "_response2");
    for again in [field, encode_post(&other)] {
        let mut second = Browser::new();
        let page = post(&house, &mut second, &again, "").await;
        assert_eq!(page.status, 400, "{}", page.text);
        assert_eq!(house.usher.audit("login.refused").await.pop().unwrap().detail["code"], "assertion_replayed");
        assert!(!house.is_signed_in(&mut second).await);
    }
}

/// By the wrong clock its end was near, so that it was nearly forgotten; by the right one it counts for a while yet.
#[tokio::test]
async fn a_message_that_was_used_while_the_clock_was_ahead_stays_used_when_it_is_put_right() {
    let house = SamlHouse::open(STRICT).await;
    let ahead = Duration::from_secs(119);
    house.clock.set_forward(ahead);
    let draft = Draft::in_scene(&house.scene()).edit("NotOnOrAfter=\"2026-11-24T10:05:00Z\"", "NotOnOrAfter=\"2026-11-24T10:01:00Z\"");
    let field = encode_post(&draft.sign_assertion(&Signer::idp()).0);
    let mut browser = Browser::new();
    post(&house, &mut browser, &field, "").await;
    assert!(house.is_signed_in(&mut browser).await, "its last second, by this clock");
    house.clock.set_back(ahead);
    for passed in ["a minute", "two, which is all that it has"] {
        house.clock.pass(Duration::from_mins(1) - Duration::from_millis(500));
        let mut second = Browser::new();
        let page = post(&house, &mut second, &field, "").await;
        assert_eq!(page.status, 400, "{passed}: {}", page.text);
        assert_eq!(house.usher.audit("login.refused").await.pop().unwrap().detail["code"], "assertion_replayed");
        assert!(!house.is_signed_in(&mut second).await);
    }
}

#[tokio::test]
async fn a_relay_state_leads_to_our_own_hosts_only() {
    let house = SamlHouse::open(STRICT).await;
    let mut browser = Browser::new();
    let app = house.usher.site.app("/welcome?to=acme");
    let page = post(&house, &mut browser, &unasked(&house, "_a1"), &app).await;
    assert_eq!(page.url.as_str(), app, "{}", page.text);
    for elsewhere in ["https://evil.example/", "//evil.example", "javascript:alert(1)", "x"] {
        let mut browser = Browser::new();
        let page = post(&house, &mut browser, &unasked(&house, "_a2"), elsewhere).await;
        assert_eq!(page.status, 400, "{elsewhere}: {}", page.text);
        let line = house.usher.audit("login.refused").await.pop().unwrap();
        assert_eq!(line.detail["code"], "relay_state_refused");
        assert!(!house.is_signed_in(&mut browser).await);
    }
    let hint = SamlHouse::open(HINT).await;
    let page = post(&hint, &mut Browser::new(), "x", "https://evil.example/").await;
    assert!(goes_to_the_provider(&page) && page.trail.iter().all(|url| !url.as_str().contains("evil")), "{:?}", page.trail);
}

/// Anyone can begin a login and answer it with rubbish, so that a line each would be a way to fill the database.
#[tokio::test]
async fn a_flood_of_wrong_answers_is_not_written_down_line_by_line() {
    let house = SamlHouse::open("").await;
    let wrong = async || {
        let mut browser = Browser::new();
        let started = house.start(&mut browser).await;
        house.respond(&mut browser, &encode_post("<evil/>"), &started.relay_state).await.status
    };
    assert_eq!(wrong().await, 400);
    assert_eq!(house.usher.audit("login.refused").await.len(), 1);
    house.usher.count_up("refusals:okta", 299).await;
    assert_eq!(wrong().await, 400);
    assert_eq!(house.usher.audit("login.refused").await.len(), 1);
    house.clock.pass(Duration::from_mins(1));
    assert_eq!(wrong().await, 400);
    assert_eq!(house.usher.audit("login.refused").await.len(), 2);
}

#[tokio::test]
async fn a_stolen_answer_is_not_taken_for_an_unasked_one() {
    let house = SamlHouse::open(STRICT).await;
    let (mut victim, mut thief) = (Browser::new(), Browser::new());
    let started = house.start(&mut victim).await;
    let field = encode_post(&Draft::in_scene(&started.scene).sign_response(&Signer::idp()).0);
    let page = post(&house, &mut thief, &field, "").await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert_eq!(house.usher.audit("login.refused").await.pop().unwrap().detail["code"], "response_in_response_to_wrong");
    assert!(!house.is_signed_in(&mut thief).await);
}
