//! What another proxy is told when it asks whether a request may pass. Traefik's, Caddy's and Envoy's requests are replayed in their shapes; the
//! proxies of Debian stand in `tests/it/interop/proxies`.

use std::sync::atomic::Ordering;

use crate::support::ask::{Ask, Reply};
use crate::support::gateway::Gateway;

const RESERVED: [&str; 8] = [
    "x-usher-person",
    "x-usher-email",
    "x-usher-name",
    "x-usher-organization",
    "x-usher-role",
    "x-usher-seat-tier",
    "x-usher-assertion",
    "remote-user",
];

async fn trusting() -> Gateway {
    Gateway::with(|config| config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await
}

/// Caddy 2, nginx, HAProxy, Apache: always GET, the request in `X-Forwarded-*`, the client's own headers beside it.
fn question(method: &str, uri: &str) -> Ask {
    question_to("auth.acme.example", method, uri)
}

/// Traefik: the same, under the name by which its configuration reaches us.
fn traefiks(method: &str, uri: &str) -> Ask {
    question_to("127.0.0.1:4180", method, uri)
}

fn question_to(host: &str, method: &str, uri: &str) -> Ask {
    Ask::to(host, "GET", "/forward-auth")
        .header("X-Forwarded-Method", method)
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "app.acme.example")
        .header("X-Forwarded-Uri", uri)
        .header("X-Forwarded-For", "203.0.113.9")
}

/// Envoy's HTTP `ext_authz`: the request's own method, host and path, the latter behind `path_prefix`.
fn envoys(method: &str, path: &str) -> Ask {
    Ask::new(method, &format!("/.usher/forward-auth{path}")).header("Content-Length", "0")
}

fn says_no(reply: &Reply) {
    assert!(!(200..300).contains(&reply.status), "{reply:?}");
    assert!(reply.headers.iter().all(|(name, _)| !name.starts_with("x-usher-")), "{reply:?}");
}

#[tokio::test]
async fn a_member_passes_and_every_reserved_header_is_answered() {
    let gateway = trusting().await;
    let (row, cookie) = gateway.member_inside("ada", "Admin", None).await;
    let shapes = [
        question("GET", "/deep?a=b"),
        question("POST", "/deep"),
        traefiks("GET", "/deep?a=b"),
        question_to("usher", "GET", "/deep"),
        envoys("GET", "/deep?a=b"),
        envoys("POST", "/"),
    ];
    for ask in shapes {
        let reply = gateway.ask(ask.header("Cookie", &format!("a=b; __Host-usher={cookie}; c=d"))).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("x-usher-person"), Some(row.person.id.to_string().as_str()));
        assert_eq!(reply.header("x-usher-role"), Some("Admin"));
        assert_eq!(reply.header("remote-user"), Some("ada@acme.example"));
        assert_eq!(reply.header("x-usher-seat-tier"), Some(""), "unknown is empty, never missing");
        assert_eq!(reply.header("cookie"), Some("a=b; c=d"), "the session cookie is not for the app");
        assert!(RESERVED.iter().all(|name| reply.header(name).is_some()), "{reply:?}");
    }
}

#[tokio::test]
async fn nobody_on_a_public_path_passes_as_nobody_whatever_the_client_says() {
    let gateway = trusting().await;
    let reply = gateway.ask(question("GET", "/healthz").header("X-Usher-Role", "Owner").header("Remote-User", "evil")).await;
    assert_eq!(reply.status, 200);
    assert!(RESERVED.iter().all(|name| reply.header(name) == Some("")), "{reply:?}");
}

#[tokio::test]
async fn a_person_is_sent_to_sign_in_and_a_program_is_told_where() {
    let gateway = trusting().await;
    let shapes =
        [question("GET", "/deep?a=b"), traefiks("GET", "/deep?a=b"), envoys("GET", "/deep?a=b"), Ask::get("/.usher/sign-in/deep?a=b")];
    for ask in shapes {
        let person = gateway.ask(ask.clone().navigate()).await;
        assert_eq!(person.status, 302);
        let to: url::Url = person.header("location").unwrap().parse().unwrap();
        assert_eq!(to.query_pairs().find(|(name, _)| name == "return_to").unwrap().1, "https://app.acme.example/deep?a=b");
        assert!(person.cookie("__Host-usher-enter").is_some());

        let program = gateway.ask(ask.header("Accept", "application/json")).await;
        assert_eq!((program.status, program.header("content-type")), (401, Some("application/problem+json")));
        assert!(program.json()["login_url"].as_str().unwrap().contains("return_to=https%3A%2F%2Fapp.acme.example%2Fdeep"));
    }
}

#[tokio::test]
async fn whoever_signed_in_meanwhile_goes_on_to_the_page_and_a_form_is_not_sent_again() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    let reply = gateway.ask(Ask::get("/.usher/sign-in/deep?a=b").navigate().cookie(&cookie)).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/deep?a=b")));
    let reply = gateway.ask(Ask::new("POST", "/.usher/sign-in/deep").navigate().cookie(&cookie)).await;
    assert_eq!(reply.status, 401);
    let reply = gateway.ask(Ask::get("/.usher/sign-in//evil.example").navigate().cookie(&cookie)).await;
    assert_eq!(reply.status, 400);
}

/// oauth2-proxy GHSA-7x63: whoever may ask chooses the path, so strangers may not.
#[tokio::test]
async fn only_a_trusted_proxy_is_answered() {
    let gateway = Gateway::start().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    for ask in [question("GET", "/healthz"), question("GET", "/"), envoys("GET", "/healthz"), Ask::get("/.usher/sign-in/healthz")] {
        let reply = gateway.ask(ask.cookie(&cookie)).await;
        says_no(&reply);
        assert_eq!(reply.status, 404);
    }
    let reply = gateway.ask(traefiks("GET", "/healthz").cookie(&cookie)).await;
    says_no(&reply);
    assert_eq!(reply.status, 421, "for a stranger it is a host like any other");
}

#[tokio::test]
async fn a_question_with_two_readings_is_no() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    let bare = || Ask::to("auth.acme.example", "GET", "/forward-auth");
    let for_host = |host: &str| bare().header("X-Forwarded-Host", host);
    let mut questions = vec![
        bare(),
        bare().header("X-Forwarded-Uri", "/healthz"),
        for_host("app.acme.example"),
        for_host("app.acme.example").header("X-Forwarded-Uri", ""),
        for_host("other.example").header("X-Forwarded-Uri", "/healthz"),
        for_host("auth.acme.example").header("X-Forwarded-Uri", "/"),
        for_host("app.acme.example, open.acme.example").header("X-Forwarded-Uri", "/"),
        for_host("open.acme.example").header("X-Forwarded-Host", "app.acme.example").header("X-Forwarded-Uri", "/"),
        question("GET", "/healthz").header("X-Forwarded-Uri", "/admin"),
        question("GET", "/healthz").header("X-Forwarded-Method", "DELETE"),
        question("G E T", "/healthz"),
        question("GET", "/healthz").header("X_Forwarded_Uri", "/admin"),
    ];
    for uri in [
        "http://open.acme.example/healthz",
        "//healthz",
        "/healthz/../admin",
        "/healthz/%2e%2e/admin",
        "/healthz%2f..%2fadmin",
        "/healthz\\..\\admin",
        "/healthz#/admin",
        "/admin%23/healthz",
        "/healthz%00",
        "healthz",
        "*",
        "/.usher/me",
        "/.Usher/enter?ticket=x",
    ] {
        questions.push(question("GET", uri));
        if uri.starts_with('/') && !uri.contains(['#', '\\']) {
            questions.push(envoys("GET", uri));
        }
    }
    for ask in questions {
        let reply = gateway.ask(ask.clone().cookie(&cookie)).await;
        assert!(reply.status >= 400, "{ask:?}: {reply:?}");
        says_no(&reply);
    }
}

/// authentik CVE-2026-25748: a broken cookie was a yes there.
#[tokio::test]
async fn no_cookie_but_a_live_one_is_a_yes() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    let auth_host = gateway.sign_in("ada").await;
    let twice = format!("{cookie}; __Host-usher={cookie}");
    let huge = "x".repeat(30_000);
    for broken in ["", "x", &cookie[1..], &format!("{cookie}x"), &cookie.to_lowercase(), &auth_host, &twice, &huge, "%00", "\u{e4}", "\"\""]
    {
        for ask in [question("GET", "/"), envoys("GET", "/")] {
            let reply = gateway.ask(ask.cookie(broken)).await;
            says_no(&reply);
            assert_eq!(reply.status, 401, "{broken:?}");
        }
    }
    for number in 0_u64..200 {
        let random: String = (0..22).map(|at| char::from(b'0' + u8::try_from((number * 7919 + at * at * 31) % 75).unwrap())).collect();
        says_no(&gateway.ask(question("GET", "/").cookie(&random)).await);
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_no_yes_and_no_logout() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    gateway.ephemeral.down.store(true, Ordering::SeqCst);
    let reply = gateway.ask(question("GET", "/").navigate().cookie(&cookie)).await;
    says_no(&reply);
    assert_eq!((reply.status, reply.header("set-cookie"), reply.header("retry-after")), (503, None, Some("5")));
    gateway.ephemeral.down.store(false, Ordering::SeqCst);
    assert_eq!(gateway.ask(question("GET", "/").cookie(&cookie)).await.status, 200);
}

#[tokio::test]
async fn whoever_may_not_use_the_app_is_refused_with_the_reason() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("jo", "User", None).await;
    let admin_cookie = gateway.enter(&gateway.sign_in("jo").await, "admin.acme.example").await;
    let ask = question("GET", "/");
    let line = ask.lines.iter().position(|line| line.starts_with("X-Forwarded-Host")).unwrap();
    let mut for_admins = ask;
    for_admins.lines[line] = "X-Forwarded-Host: admin.acme.example".to_owned();
    let reply = gateway.ask(for_admins.clone().cookie(&admin_cookie)).await;
    says_no(&reply);
    assert_eq!((reply.status, reply.json()["reason"].as_str()), (403, Some("role_required")));
    let reply = gateway.ask(for_admins.cookie(&cookie)).await;
    assert_eq!(reply.status, 401, "the cookie of one app says nothing at another");
}

#[tokio::test]
async fn a_socket_that_another_site_opens_does_not_pass() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    let socket = |origin: &str| {
        question("GET", "/socket").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").header("Origin", origin).cookie(&cookie)
    };
    let reply = gateway.ask(socket("https://evil.example")).await;
    says_no(&reply);
    assert_eq!(reply.status, 403);
    assert_eq!(gateway.ask(socket("https://app.acme.example")).await.status, 200);
}

/// A browser behind the proxy could otherwise read the token that is meant for the app.
#[tokio::test]
async fn a_browser_that_comes_through_the_proxy_gets_no_decision_with_headers() {
    let gateway = trusting().await;
    let (_, cookie) = gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(gateway.ask(envoys("GET", "/").cookie(&cookie)).await.status, 200, "Envoy itself");
    // Also a proxy that does not say for whom it asks cannot hide that it is for a browser.
    for (name, value) in [
        ("X-Forwarded-For", "203.0.113.9"),
        ("Forwarded", "for=203.0.113.9"),
        ("Via", "1.1 proxy"),
        ("User-Agent", "Firefox"),
        ("Accept-Encoding", "gzip"),
        ("Accept-Language", "en"),
    ] {
        let reply = gateway.ask(envoys("GET", "/").header(name, value).cookie(&cookie)).await;
        says_no(&reply);
        assert_eq!(reply.status, 404, "{name}");
    }
}
