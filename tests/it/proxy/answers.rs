//! What a browser or a program gets when it does not pass.

use std::sync::atomic::Ordering;
use std::time::Duration;

use usher::session::{Cause, Selector};

use crate::store::fixtures::{acme, at};
use crate::support::ask::Ask;
use crate::support::gateway::Gateway;

#[tokio::test]
async fn a_person_is_sent_to_sign_in_and_keeps_the_deep_link() {
    let gateway = Gateway::start().await;
    let reply = gateway.ask(Ask::get("/deep/link?a=b&c=d%20e").navigate()).await;
    assert_eq!(reply.status, 302);
    let to: url::Url = reply.header("location").unwrap().parse().unwrap();
    assert_eq!(to.origin().ascii_serialization() + to.path(), "https://auth.acme.example/login");
    let query: std::collections::BTreeMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!(query["return_to"], "https://app.acme.example/deep/link?a=b&c=d%20e");
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-usher-enter=") && cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
    assert!(!cookie.contains(&query["enter"]), "the address carries a hash, not the secret");
    assert!(reply.header("x-request-id").is_some());
}

/// gateway.md row 32: only a page in a tab is redirected.
#[tokio::test]
async fn a_program_gets_401_with_the_way_to_sign_in() {
    let gateway = Gateway::start().await;
    for ask in [
        Ask::get("/api"),
        Ask::get("/api").header("Accept", "application/json"),
        Ask::get("/api").header("Sec-Fetch-Mode", "cors").header("Accept", "text/html"),
        Ask::get("/api").header("Sec-Fetch-Mode", "no-cors").header("Sec-Fetch-Dest", "image"),
        Ask::new("POST", "/api").header("Accept", "application/json").body("x"),
    ] {
        let reply = gateway.ask(ask.clone()).await;
        assert_eq!(reply.status, 401, "{ask:?}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert!(reply.header("www-authenticate").is_some());
        let problem = reply.json();
        assert!(problem["login_url"].as_str().unwrap().starts_with("https://auth.acme.example/login?return_to="), "{problem}");
        assert_eq!((problem["status"].as_u64(), problem["reason"].as_str()), (Some(401), Some("sign_in")));
    }
    assert_eq!(gateway.app.seen.requests.load(Ordering::SeqCst), 0);
}

/// A form that was sent after the session ended, or a frame: a page, never a silent GET and never a sign-in inside a frame.
#[tokio::test]
async fn a_form_and_a_frame_get_a_page_that_says_sign_in() {
    let gateway = Gateway::start().await;
    let form = Ask::new("POST", "/form").navigate().body("a=b");
    let frame = Ask::get("/frame").header("Sec-Fetch-Mode", "navigate").header("Sec-Fetch-Dest", "iframe");
    for ask in [form, frame] {
        let reply = gateway.ask(ask).await;
        assert_eq!(reply.status, 401);
        assert!(reply.body.contains("https://auth.acme.example/login?return_to="), "{reply:?}");
        assert!(reply.header("content-type").unwrap().starts_with("text/html"));
    }
}

#[tokio::test]
async fn role_and_tier_are_asked_by_rank() {
    let gateway = Gateway::start().await;
    for (name, role, seat) in [("olivia", "Owner", None), ("ada", "Admin", Some("Premium")), ("jo", "User", Some("Standard"))] {
        gateway.join(name, role, seat).await;
    }
    for (name, host, reason) in [
        ("olivia", "admin", None),
        ("ada", "admin", None),
        ("jo", "admin", Some("role_required")),
        ("olivia", "premium", Some("tier_required")),
        ("ada", "premium", None),
        ("jo", "premium", Some("tier_required")),
        ("jo", "any", None),
        ("jo", "open", None),
    ] {
        let host = format!("{host}.acme.example");
        let token = gateway.sign_in(name).await;
        let reply = if host.starts_with("open") {
            gateway.ask(Ask::to(&host, "GET", "/")).await
        } else {
            let token = gateway.enter(&token, &host).await;
            gateway.ask(Ask::to(&host, "GET", "/").cookie(&token)).await
        };
        match reason {
            None => assert_eq!(reply.status, 200, "{name} on {host}: {reply:?}"),
            Some(reason) => {
                assert_eq!((reply.status, reply.json()["reason"].as_str()), (403, Some(reason)), "{name} on {host}");
                assert!(reply.json()["incident"].as_str().unwrap().starts_with("inc_"));
            }
        }
    }
}

#[tokio::test]
async fn a_cookie_of_one_host_says_nothing_on_another() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", Some("Premium")).await;
    let on_auth = gateway.sign_in("ada").await;
    let on_app = gateway.enter(&on_auth, "app.acme.example").await;
    assert_eq!(gateway.ask(Ask::get("/").cookie(&on_app)).await.status, 200);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&on_auth)).await.status, 401);
    assert_eq!(gateway.ask(Ask::to("admin.acme.example", "GET", "/").cookie(&on_app)).await.status, 401);
    let who = Ask::to("auth.acme.example", "GET", "/test-who");
    assert_eq!(gateway.ask(who.cookie(&on_app)).await.body, "nobody");
}

/// gateway.md row 9: a broken cookie is no cookie, never a pass and never a fault.
#[tokio::test]
async fn no_made_up_cookie_passes() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut cookies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"=".to_vec(),
        b"AAAAAAAAAAAAAAAAAAAAAA".to_vec(),
        token.as_bytes()[..21].to_vec(),
        format!("{token}A").into_bytes(),
        format!("{token}=").into_bytes(),
        format!("\"{token}\"").into_bytes(),
        token.to_uppercase().into_bytes(),
        token.chars().rev().collect::<String>().into_bytes(),
        vec![0xff; 22],
        vec![b'A'; 30_000],
        Gateway::key(&token).to_string().into_bytes(),
        format!("session:{}", Gateway::key(&token)).into_bytes(),
        format!("{token}; __Host-usher={token}").into_bytes(),
    ];
    for position in 0..22 {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        cookies.push(changed);
    }
    for cookie in cookies {
        let mut request = b"GET / HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\nCookie: __Host-usher=".to_vec();
        request.extend_from_slice(&cookie);
        request.extend_from_slice(b"\r\n\r\n");
        let reply = crate::support::ask::exchange(gateway.address, &request).await;
        assert!((400..500).contains(&reply.status), "{:?}: {reply:?}", String::from_utf8_lossy(&cookie));
    }
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
}

#[tokio::test]
async fn a_change_of_the_member_is_in_force_at_the_next_request() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let role = async || gateway.ask(Ask::get("/").cookie(&token)).await.received().all("x-usher-role")[0].to_owned();
    assert_eq!(role().await, "Admin");
    let change = usher::core::provision::Change::SetRole {
        member: row.member.id,
        from: row.member.role.clone(),
        to: crate::store::fixtures::role("User"),
    };
    gateway.members.change("ada", "User", None, vec![change], at(1)).await;
    gateway.sessions.invalidate_member(&acme(), row.person.id);
    assert_eq!(role().await, "User");
    gateway.members.remove(&row, "ada", at(2)).await;
    gateway.sessions.invalidate_member(&acme(), row.person.id);
    let reply = gateway.ask(Ask::get("/").cookie(&token)).await;
    assert_eq!((reply.status, reply.json()["reason"].as_str()), (403, Some("not_invited")));
}

#[tokio::test]
async fn a_change_that_nobody_told_us_of_is_in_force_within_seconds() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    gateway.members.remove(&row, "ada", at(1)).await;
    gateway.clock.pass(Duration::from_secs(5));
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 403);
}

/// What is known of a member gets no younger by the session that it is asked for.
#[tokio::test]
async fn a_change_that_nobody_told_us_of_is_in_force_within_seconds_for_every_session_of_a_person() {
    let gateway = Gateway::start().await;
    let (row, first) = gateway.member_inside("ada", "Admin", None).await;
    let second = gateway.enter(&gateway.sign_in("ada").await, "app.acme.example").await;
    assert_eq!(gateway.ask(Ask::get("/").cookie(&first)).await.status, 200);
    gateway.clock.pass(Duration::from_secs(4));
    assert_eq!(gateway.ask(Ask::get("/").cookie(&second)).await.status, 200);
    gateway.members.remove(&row, "ada", at(1)).await;
    gateway.clock.pass(Duration::from_secs(1));
    assert_eq!(gateway.ask(Ask::get("/").cookie(&second)).await.status, 403);
}

#[tokio::test]
async fn a_session_that_was_ended_gets_no_more_answers() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    let ended = gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await.unwrap();
    assert_eq!(ended.sessions, 2);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 401);
}

/// gateway.md rows 7 and 27, acceptance test 7.
#[tokio::test]
async fn a_store_that_is_down_is_503_and_nobody_is_signed_out() {
    let gateway = Gateway::with(|config| config.session.outage_grace = Duration::ZERO).await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    gateway.ephemeral.down.store(true, Ordering::SeqCst);
    gateway.clock.pass(Duration::from_secs(6));
    for ask in [Ask::get("/").cookie(&token), Ask::get("/").cookie(&token).navigate(), Ask::get("/").cookie("BBBBBBBBBBBBBBBBBBBBBB")] {
        let reply = gateway.ask(ask).await;
        assert_eq!((reply.status, reply.header("set-cookie"), reply.header("retry-after")), (503, None, Some("5")), "{reply:?}");
    }
    assert_eq!(gateway.ask(Ask::get("/healthz")).await.status, 200, "a public path asks no store");
    gateway.ephemeral.down.store(false, Ordering::SeqCst);
    assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
}

#[tokio::test]
async fn ten_requests_at_once_are_one_session() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let asks = (0..10).map(|_| gateway.ask(Ask::get("/").cookie(&token)));
    let replies = futures_util::future::join_all(asks).await;
    assert!(replies.iter().all(|reply| reply.received().all("x-usher-email") == ["ada@acme.example"]));
}

#[tokio::test]
async fn someone_without_a_session_is_nobody_on_a_public_path() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    for header in ["x-usher-person", "x-usher-assertion", "remote-user"] {
        assert_eq!(gateway.ask(Ask::get("/healthz")).await.received().all(header), [""]);
        assert_ne!(gateway.ask(Ask::get("/healthz").cookie(&token)).await.received().all(header), [""]);
    }
}
