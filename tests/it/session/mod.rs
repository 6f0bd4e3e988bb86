//! Sessions: their limits, and the one way they die.

#![cfg(test)]

use std::sync::atomic::Ordering;
use std::time::Duration;

use usher::config::SessionLimits;
use usher::session::{Cause, Selector};
use usher::store::ephemeral::Ephemeral as _;

use crate::store::fixtures::acme;
use crate::support::ask::Ask;
use crate::support::gateway::{Gateway, IDLE, LIFETIME};

async fn who(gateway: &Gateway, token: &str) -> String {
    gateway.ask(Ask::to("auth.acme.example", "GET", "/test-who").cookie(token)).await.body
}

#[tokio::test]
async fn the_store_never_sees_the_id() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    assert!(gateway.ephemeral.find(&format!("session:{}", Gateway::key(&token))).await.unwrap().is_some());
    assert!(gateway.ephemeral.find(&format!("session:{token}")).await.unwrap().is_none());
    let stored = gateway.ephemeral.find(&format!("session:{}", Gateway::key(&token))).await.unwrap().unwrap();
    assert!(!String::from_utf8(stored.to_vec()).unwrap().contains(&token));
}

/// oauth2-proxy GHSA-f24x-5g9q-753f.
#[tokio::test]
async fn a_login_always_makes_a_new_id_and_ends_the_old_session() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let first = gateway.sign_in("ada").await;
    let app = gateway.enter(&first, "app.acme.example").await;
    let again = gateway.ask(Ask::to("auth.acme.example", "GET", "/test-login?name=ada").cookie(&first)).await;
    let second = again.cookie("__Host-usher").unwrap();
    assert_ne!(first, second);
    assert_eq!(who(&gateway, &first).await, "nobody");
    assert_ne!(who(&gateway, &second).await, "nobody");
    assert_eq!(gateway.ask(Ask::get("/").cookie(&app)).await.status, 401);
    // An id that someone else chose is never taken over.
    let fixed = gateway.ask(Ask::to("auth.acme.example", "GET", "/test-login?name=ada").cookie("AAAAAAAAAAAAAAAAAAAAAA")).await;
    assert_ne!(fixed.cookie("__Host-usher").unwrap(), "AAAAAAAAAAAAAAAAAAAAAA");
}

#[tokio::test]
async fn the_cookie_is_for_one_host_and_no_script() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let reply = gateway.ask(Ask::to("auth.acme.example", "GET", "/test-login?name=ada")).await;
    let cookie = reply.header("set-cookie").unwrap();
    for needed in ["__Host-usher=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(needed), "{cookie}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains("Max-Age") && !cookie.contains("Expires"), "{cookie}");
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_for_too_long() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    for _ in 0..3 {
        gateway.clock.pass(Duration::from_mins(59));
        assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    }
    gateway.clock.pass(IDLE + Duration::from_secs(1));
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 401);
}

#[tokio::test]
async fn work_in_an_app_keeps_the_session_on_the_auth_host_alive() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let on_auth = gateway.sign_in("ada").await;
    let on_app = gateway.enter(&on_auth, "app.acme.example").await;
    for _ in 0..3 {
        gateway.clock.pass(IDLE / 2 + Duration::from_secs(1));
        assert_eq!(gateway.ask(Ask::get("/").cookie(&on_app)).await.status, 200);
    }
    assert_ne!(who(&gateway, &on_auth).await, "nobody");
}

#[tokio::test]
async fn a_session_ends_at_its_limit_however_busy_it_is() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let step = LIFETIME / 8;
    for _ in 0..7 {
        gateway.clock.pass(step);
        assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    }
    // The cache was asked a moment ago: it knows the limit, too.
    let moment = Duration::from_secs(2);
    gateway.clock.pass(step.checked_sub(moment).unwrap());
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    gateway.clock.pass(moment);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 401);
}

#[tokio::test]
async fn the_last_request_is_written_as_often_as_the_idle_limit_needs_it() {
    let second = Duration::from_secs(1);
    let minutes = Duration::from_mins;
    for (idle, written_after) in
        [(minutes(1), minutes(1) / 2), (minutes(60), minutes(1)), (minutes(128), minutes(2)), (minutes(720), minutes(5))]
    {
        let gateway = Gateway::with(|config| config.session.idle_timeout = idle).await;
        let (_, token) = gateway.member_inside("ada", "Admin", None).await;
        let key = format!("session:{}", Gateway::key(&token));
        let stored = async || gateway.ephemeral.find(&key).await.unwrap().unwrap();
        let before = stored().await;
        gateway.clock.pass(written_after.checked_sub(second).unwrap());
        assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
        assert_eq!(stored().await, before, "{idle:?}");
        gateway.clock.pass(second);
        assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
        while stored().await == before {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn every_selector_ends_what_it_names_and_nothing_else() {
    let gateway = Gateway::start().await;
    let ada = gateway.join("ada", "Admin", None).await;
    gateway.join("jo", "User", None).await;
    let jo = gateway.sign_in("jo").await;
    for selector in [Selector::Person(ada.person.id), Selector::Member(ada.member.id), Selector::Provider(gateway.logout_of("okta", "ada"))]
    {
        let token = gateway.sign_in("ada").await;
        let app = gateway.enter(&token, "app.acme.example").await;
        let other = gateway.sign_in("ada").await;
        let ended = gateway.sessions.end_sessions(selector.clone(), Cause::Admin).await.unwrap();
        assert_eq!(ended.sessions, 3, "{selector:?}");
        for gone in [&token, &other] {
            assert_eq!(who(&gateway, gone).await, "nobody", "{selector:?}");
        }
        assert_eq!(gateway.ask(Ask::get("/").cookie(&app)).await.status, 401);
        assert_ne!(who(&gateway, &jo).await, "nobody", "{selector:?}");
        assert_eq!(gateway.sessions.end_sessions(selector, Cause::Admin).await.unwrap().sessions, 0);
    }
    let of_another = Selector::Provider(gateway.logout_of("entra", "jo"));
    assert_eq!(gateway.sessions.end_sessions(of_another, Cause::Provider).await.unwrap().sessions, 0);
    assert_eq!(gateway.sessions.end_sessions(Selector::Session(Gateway::key(&jo)), Cause::Admin).await.unwrap().sessions, 1);
}

/// Between looking for the app sessions of a login and ending the login there was time to enter one more, which then lived on by itself.
#[tokio::test]
async fn an_app_that_is_entered_while_its_session_is_being_ended_is_left_again() {
    let gateway = Gateway::start().await;
    let ada = gateway.join("ada", "Admin", None).await;
    for by_person in [false, true] {
        let token = gateway.sign_in("ada").await;
        let selector = if by_person { Selector::Person(ada.person.id) } else { Selector::Session(Gateway::key(&token)) };
        let hold = gateway.ephemeral.hold(&format!("session:{}", Gateway::key(&token)));
        let sessions = gateway.sessions.clone();
        let ending = tokio::spawn(async move { sessions.end_sessions(selector, Cause::Admin).await.unwrap() });
        hold.reached.notified().await;
        let app = gateway.enter(&token, "app.acme.example").await;
        hold.go_on.notify_one();
        assert_eq!(ending.await.unwrap().sessions, 2);
        assert_eq!(gateway.ask(Ask::get("/").cookie(&app)).await.status, 401);
    }
}

#[tokio::test]
async fn a_session_of_days_ago_is_still_listed() {
    let gateway = Gateway::with(|config| {
        config.session.lifetime = Duration::from_hours(72);
        config.session.idle_timeout = Duration::from_hours(72);
    })
    .await;
    gateway.join("ada", "Admin", None).await;
    gateway.sign_in("ada").await;
    gateway.clock.pass(Duration::from_hours(48));
    assert_eq!(gateway.sessions.list(&acme(), None, 10).await.unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn limits_that_change_while_it_runs_count_for_open_sessions() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let limits = |idle: Duration| SessionLimits { idle_timeout: idle, lifetime: LIFETIME, outage_grace: Duration::ZERO };
    gateway.sessions.limit(limits(IDLE / 2));
    gateway.clock.pass(IDLE / 2);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    gateway.ephemeral.down.store(true, Ordering::SeqCst);
    gateway.clock.pass(Duration::from_secs(6));
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 503, "no time of grace any more");
    gateway.ephemeral.down.store(false, Ordering::SeqCst);
    gateway.clock.pass(IDLE / 2);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 401);
}

#[tokio::test]
async fn a_late_write_does_not_bring_an_ended_session_back() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    for _ in 0..20 {
        let token = gateway.sign_in("ada").await;
        let app = gateway.enter(&token, "app.acme.example").await;
        gateway.clock.pass(Duration::from_secs(61));
        let (_, _) = tokio::join!(
            gateway.ask(Ask::get("/").cookie(&app)),
            gateway.sessions.end_sessions(Selector::Session(Gateway::key(&token)), Cause::Admin)
        );
        assert_eq!(gateway.ask(Ask::get("/").cookie(&app)).await.status, 401);
        assert!(gateway.ephemeral.find(&format!("session:{}", Gateway::key(&app))).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn pages_of_the_auth_host_say_that_the_store_is_down() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    gateway.ephemeral.down.store(true, Ordering::SeqCst);
    gateway.clock.pass(Duration::from_secs(6));
    assert_ne!(who(&gateway, &token).await, "nobody", "known here, and in the time of grace");
    gateway.clock.pass(Duration::from_mins(5));
    assert!(who(&gateway, &token).await.contains("cannot be used right now"));
    gateway.ephemeral.down.store(false, Ordering::SeqCst);
    assert_ne!(who(&gateway, &token).await, "nobody");
}

/// A session in the place of one whose cookie got lost must not slip past whoever ends them all at that moment.
#[tokio::test]
async fn a_session_that_takes_anothers_place_while_they_are_ended_ends_with_them() {
    let gateway = Gateway::start().await;
    let row = gateway.join("ada", "Admin", None).await;
    let first = gateway.sign_in("ada").await;
    let hold = gateway.ephemeral.hold(&format!("session:{}", Gateway::key(&first)));
    let sessions = gateway.sessions.clone();
    let ending = tokio::spawn(async move { sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await.unwrap() });
    hold.reached.notified().await;
    // The list is made, and the first is on it; the second is not.
    let second = gateway.sign_in("ada").await;
    assert!(gateway.sessions.end_replaced(Gateway::key(&first)).await.unwrap());
    hold.go_on.notify_one();
    assert_eq!(ending.await.unwrap().sessions, 1);
    assert_eq!(who(&gateway, &second).await, "nobody");
}

#[tokio::test]
async fn a_session_that_has_ended_is_not_replaced() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let first = gateway.sign_in("ada").await;
    gateway.sessions.end_sessions(Selector::Session(Gateway::key(&first)), Cause::Admin).await.unwrap();
    assert!(!gateway.sessions.end_replaced(Gateway::key(&first)).await.unwrap());
}
