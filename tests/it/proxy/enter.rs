//! From the auth host into an app, and out again.

use std::time::Duration;

use crate::support::ask::Ask;
use crate::support::gateway::Gateway;

/// The way into an app up to the ticket: the address with the ticket, and the browser's nonce.
async fn ticket(gateway: &Gateway, token: &str, path: &str) -> (String, String) {
    let start = gateway.ask(Ask::get(path).navigate()).await;
    let nonce = start.cookie("__Host-usher-enter").unwrap();
    let login = start.header("location").unwrap().strip_prefix("https://auth.acme.example").unwrap().to_owned();
    let answer = gateway.ask(Ask::to("auth.acme.example", "GET", &login).cookie(token)).await;
    let to = answer.header("location").unwrap().strip_prefix("https://app.acme.example").unwrap().to_owned();
    (to, nonce)
}

fn with_nonce(path: &str, nonce: &str) -> Ask {
    Ask::get(path).header("Cookie", &format!("__Host-usher-enter={nonce}"))
}

#[tokio::test]
async fn the_way_leads_to_the_deep_link() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let (path, nonce) = ticket(&gateway, &token, "/deep?x=1").await;
    let entered = gateway.ask(with_nonce(&path, &nonce)).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/deep?x=1")));
    let cookie = entered.header("set-cookie").unwrap();
    for needed in ["__Host-usher=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(needed), "{cookie}");
    }
    assert!(!cookie.to_lowercase().contains("domain"), "{cookie}");
    let inside = entered.cookie("__Host-usher").unwrap();
    assert_ne!(inside, token);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&inside)).await.status, 200);
}

#[tokio::test]
async fn a_ticket_works_once() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let (path, nonce) = ticket(&gateway, &token, "/").await;
    let tries = (0..10).map(|_| gateway.ask(with_nonce(&path, &nonce)));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.cookie("__Host-usher").is_some()).count(), 1);
    assert!(replies.iter().all(|reply| reply.status == 303));
}

#[tokio::test]
async fn a_ticket_is_of_no_use_in_another_browser() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let (path, _) = ticket(&gateway, &token, "/mine").await;
    let other = gateway.ask(with_nonce(&path, &"x".repeat(43))).await;
    assert_eq!((other.status, other.header("location"), other.header("set-cookie")), (303, Some("/mine"), None));
    let (path, _) = ticket(&gateway, &token, "/mine").await;
    let bare = gateway.ask(Ask::get(&path).navigate()).await;
    assert_eq!((bare.status, bare.header("set-cookie")), (400, None));
    assert!(bare.body.contains("cookie"));
}

#[tokio::test]
async fn a_ticket_is_of_no_use_on_another_host_or_after_a_minute() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let (path, nonce) = ticket(&gateway, &token, "/").await;
    let elsewhere = Ask::to("admin.acme.example", "GET", &path).header("Cookie", &format!("__Host-usher-enter={nonce}"));
    assert_eq!(gateway.ask(elsewhere).await.cookie("__Host-usher"), None);
    let (path, nonce) = ticket(&gateway, &token, "/").await;
    gateway.clock.pass(Duration::from_secs(61));
    assert_eq!(gateway.ask(with_nonce(&path, &nonce)).await.cookie("__Host-usher"), None);
}

#[tokio::test]
async fn entering_again_ends_the_session_of_before() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let first = gateway.enter(&token, "app.acme.example").await;
    let (path, nonce) = ticket(&gateway, &token, "/").await;
    let again = gateway.ask(Ask::get(&path).header("Cookie", &format!("__Host-usher-enter={nonce}; __Host-usher={first}"))).await;
    assert_eq!(gateway.ask(Ask::get("/").cookie(&first)).await.status, 401);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&again.cookie("__Host-usher").unwrap())).await.status, 200);
}

#[tokio::test]
async fn one_browser_keeps_one_nonce_for_all_its_tabs() {
    let gateway = Gateway::start().await;
    let first = gateway.ask(Ask::get("/1").navigate()).await.cookie("__Host-usher-enter").unwrap();
    let second = gateway.ask(with_nonce("/2", &first).navigate()).await.cookie("__Host-usher-enter").unwrap();
    assert_eq!(first, second);
}

#[tokio::test]
async fn ten_tabs_land_on_their_own_deep_links() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let nonce = gateway.ask(Ask::get("/").navigate()).await.cookie("__Host-usher-enter").unwrap();
    for tab in 0..10 {
        let start = gateway.ask(with_nonce(&format!("/tab/{tab}"), &nonce).navigate()).await;
        let login = start.header("location").unwrap().strip_prefix("https://auth.acme.example").unwrap().to_owned();
        let answer = gateway.ask(Ask::to("auth.acme.example", "GET", &login).cookie(&token)).await;
        let path = answer.header("location").unwrap().strip_prefix("https://app.acme.example").unwrap().to_owned();
        let entered = gateway.ask(with_nonce(&path, &nonce)).await;
        assert_eq!(entered.header("location"), Some(format!("/tab/{tab}").as_str()));
    }
}

#[tokio::test]
async fn an_app_page_can_ask_who_is_there() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", Some("Premium")).await;
    let me = gateway.ask(Ask::get("/.usher/me").cookie(&token)).await;
    assert_eq!((me.status, me.header("content-type"), me.header("cache-control")), (200, Some("application/json"), Some("no-store")));
    let who = me.json();
    assert_eq!(who["person"], row.person.id.to_string());
    assert_eq!(
        (who["email"].as_str(), who["role"].as_str(), who["seat_tier"].as_str()),
        (Some("ada@acme.example"), Some("Admin"), Some("Premium"))
    );
    assert_eq!(gateway.ask(Ask::get("/.usher/me")).await.status, 401);
}

#[tokio::test]
async fn signing_out_in_an_app_ends_everything_of_that_browser() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let token = gateway.sign_in("ada").await;
    let app = gateway.enter(&token, "app.acme.example").await;
    let admin = gateway.enter(&token, "admin.acme.example").await;
    let elsewhere = gateway.sign_in("ada").await;
    let out = gateway.ask(Ask::new("POST", "/.usher/logout").header("Sec-Fetch-Site", "same-origin").cookie(&app)).await;
    assert_eq!((out.status, out.header("location")), (303, Some("https://auth.acme.example/signed-out")));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(gateway.ask(Ask::get("/").cookie(&app)).await.status, 401);
    assert_eq!(gateway.ask(Ask::to("admin.acme.example", "GET", "/").cookie(&admin)).await.status, 401);
    let who = Ask::to("auth.acme.example", "GET", "/test-who");
    assert_eq!(gateway.ask(who.clone().cookie(&token)).await.body, "nobody");
    assert_ne!(gateway.ask(who.cookie(&elsewhere)).await.body, "nobody", "another browser stays signed in");
}

#[tokio::test]
async fn another_site_cannot_sign_anyone_out() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let logout = || Ask::new("POST", "/.usher/logout").cookie(&token);
    for ask in [
        logout(),
        logout().header("Sec-Fetch-Site", "cross-site"),
        logout().header("Sec-Fetch-Site", "same-site").header("Origin", "https://app.acme.example"),
        logout().header("Origin", "https://evil.example"),
        logout().header("Origin", "null"),
    ] {
        assert_eq!(gateway.ask(ask).await.status, 403);
    }
    assert_eq!(gateway.ask(Ask::get("/.usher/logout").cookie(&token)).await.status, 405);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    assert_eq!(gateway.ask(logout().header("Origin", "https://app.acme.example")).await.status, 303);
}

#[tokio::test]
async fn an_app_never_sees_our_own_paths() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    for path in ["/.usher", "/.usher/", "/.usher/x", "/.USHER/me", "/%2eusher/me", "/.usher;a/me"] {
        assert_eq!(gateway.ask(Ask::get(path).cookie(&token)).await.status, 404, "{path}");
    }
}
