//! What an app receives. No client can say any of it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderName;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use usher::config::Alias;

use super::streams::reloaded;
use crate::support::ask::{Ask, Received, exchange};
use crate::support::gateway::Gateway;

const OURS: [&str; 8] = [
    "x-usher-person",
    "x-usher-email",
    "x-usher-name",
    "x-usher-organization",
    "x-usher-role",
    "x-usher-seat-tier",
    "x-usher-assertion",
    "remote-user",
];

fn one<'a>(received: &'a Received, name: &str) -> &'a str {
    let all = received.all(name);
    assert_eq!(all.len(), 1, "{name}: {received:?}");
    all[0]
}

#[tokio::test]
async fn the_app_learns_who_it_is() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", Some("Premium")).await;
    let received = gateway.ask(Ask::get("/a?b=c").cookie(&token)).await.received();
    assert_eq!(received.line, "GET /a?b=c HTTP/1.1");
    assert_eq!(one(&received, "x-usher-person"), row.person.id.to_string());
    assert_eq!(one(&received, "x-usher-email"), "ada@acme.example");
    assert_eq!(one(&received, "remote-user"), "ada@acme.example");
    assert_eq!(one(&received, "x-usher-name"), "ada");
    assert_eq!(one(&received, "x-usher-organization"), "acme");
    assert_eq!(one(&received, "x-usher-role"), "Admin");
    assert_eq!(one(&received, "x-usher-seat-tier"), "Premium");
    assert_eq!(one(&received, "x-forwarded-for"), "127.0.0.1");
    assert_eq!(one(&received, "x-forwarded-proto"), "https");
    assert_eq!(one(&received, "x-forwarded-host"), "app.acme.example");
    assert_eq!(one(&received, "host"), "app.acme.example");
    assert!(received.all("cookie").is_empty(), "{received:?}");
}

#[tokio::test]
async fn a_reload_that_renames_a_header_counts_at_the_next_request() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let before = gateway.ask(Ask::get("/").cookie(&token)).await.received();
    assert_eq!(one(&before, "remote-user"), "ada@acme.example");
    let renamed = reloaded(&gateway, |route| route.aliases = BTreeMap::from([(Alias::Role, HeaderName::from_static("x-level"))]));
    gateway.reload(renamed);
    let after = gateway.ask(Ask::get("/").cookie(&token)).await.received();
    assert_eq!((one(&after, "x-level"), one(&after, "x-usher-email")), ("Admin", "ada@acme.example"));
    assert!(after.all("remote-user").is_empty());
    assert_ne!(one(&after, "x-usher-assertion"), one(&before, "x-usher-assertion"), "said anew");
}

#[tokio::test]
async fn the_token_is_signed_for_this_app_and_reused_until_half_its_life() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let assertion = async || one(&gateway.ask(Ask::get("/").cookie(&token)).await.received(), "x-usher-assertion").to_owned();
    let first = assertion().await;
    let keys: JwkSet = serde_json::from_str(&gateway.keys.jwks()).unwrap();
    let kid = jsonwebtoken::decode_header(&first).unwrap().kid.unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["app.acme.example"]);
    validation.set_issuer(&["https://auth.acme.example"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let claims = jsonwebtoken::decode::<serde_json::Value>(&first, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], row.person.id.to_string());
    assert_eq!(claims["member"], row.member.id.to_string());
    assert_eq!(claims["role"], "Admin");
    assert!(claims.get("seat_tier").is_none());
    gateway.clock.pass(std::time::Duration::from_secs(149));
    assert_eq!(assertion().await, first);
    gateway.clock.pass(std::time::Duration::from_secs(1));
    assert_ne!(assertion().await, first);
}

/// gateway.md, acceptance test 3.
#[tokio::test]
async fn no_client_can_say_what_only_usher_says() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", Some("Premium")).await;
    let names =
        OURS.iter().copied().chain(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id", "forwarded", "x-real-ip"]);
    for name in names {
        let spellings = [name.to_owned(), name.to_uppercase(), capitals(name), name.replacen('-', ".", 1), name.replace('-', "~")];
        for spelling in &spellings {
            for ask in forms(spelling) {
                for ask in [ask.clone().cookie(&token), on("/healthz", &ask), on("/healthz", &ask).cookie("AAAAAAAAAAAAAAAAAAAAAA")] {
                    let reply = gateway.ask(ask.clone()).await;
                    assert!(!reply.received().headers.iter().any(|(_, value)| value.contains("evil")), "{ask:?}: {reply:?}");
                    for ours in OURS {
                        assert_eq!(reply.received().all(ours).len(), 1, "{ours} after {ask:?}");
                    }
                }
                let signed_out = gateway.ask(ask.clone()).await;
                assert_eq!(signed_out.status, 401, "{ask:?}");
            }
        }
        for spelling in [name.replace('-', "_"), name.replacen('-', "_", 1).to_uppercase()] {
            if spelling.contains('_') {
                let reply = gateway.ask(Ask::get("/healthz").header(&spelling, "evil")).await;
                assert_eq!((reply.status, reply.json()["reason"].as_str()), (400, Some("header_name")));
            }
        }
    }
}

/// Once, twice, beside other values, and named in `Connection` before and after.
fn forms(name: &str) -> Vec<Ask> {
    vec![
        Ask::get("/").header(name, "evil"),
        Ask::get("/").header(name, "evil").header(name, "evil2"),
        Ask::get("/").header("Connection", &format!("close, {name}")).header(name, "evil"),
        Ask::get("/").header(name, "").header(name, "evil").header("Connection", name).header("Connection", "close"),
    ]
}

fn on(path: &str, ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    ask.lines[0] = format!("GET {path} HTTP/1.1");
    ask
}

fn capitals(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<Vec<_>>().join("-")
}

#[tokio::test]
async fn a_client_cannot_take_our_headers_away() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let hop = "close, X-Usher-Role, x-usher-email, Remote-User, X-Usher-Assertion, Host, X-Forwarded-For";
    let received = gateway.ask(Ask::get("/").cookie(&token).header("Connection", hop)).await.received();
    assert_eq!(one(&received, "x-usher-role"), "Admin");
    assert_eq!(one(&received, "remote-user"), "ada@acme.example");
    assert_eq!(one(&received, "x-forwarded-for"), "127.0.0.1");
    assert!(received.all("connection").is_empty(), "{received:?}");
}

#[tokio::test]
async fn other_cookies_and_headers_arrive_as_they_were() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let cookies = format!("a=1; __Host-usher={token}; b=\"2\"; __Host-usher-enter=x; __Host-usher-tx=y");
    let ask = Ask::get("/").header("Cookie", &cookies).header("X-Custom", "kept").header("Authorization", "Bearer t");
    // W3C Trace Context: the trace of whoever asked goes on in the app.
    let trace = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("tracestate", "a=1,b=2"), ("baggage", "c=3")];
    let ask = trace.into_iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    let received = gateway.ask(ask).await.received();
    assert_eq!(one(&received, "cookie"), "a=1; b=\"2\"");
    for (name, value) in trace {
        assert_eq!(one(&received, name), value);
    }
    assert_eq!(one(&received, "x-custom"), "kept");
    assert_eq!(one(&received, "authorization"), "Bearer t");
}

#[tokio::test]
async fn an_app_cannot_set_our_cookies_or_our_request_id() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let reply = gateway.ask(Ask::get("/cookies").cookie(&token)).await;
    assert_eq!(reply.header("set-cookie"), Some("a=b"));
    assert!(reply.header("x-request-id").unwrap().starts_with("req_"));
    assert!(reply.header("x-hop").is_none() && reply.header("keep-alive").is_none());
}

#[tokio::test]
async fn the_request_id_is_the_same_inside_and_outside() {
    let gateway = Gateway::start().await;
    let reply = gateway.ask(Ask::get("/healthz")).await;
    assert_eq!(reply.header("x-request-id"), Some(one(&reply.received(), "x-request-id")));
    assert_ne!(gateway.ask(Ask::get("/healthz")).await.header("x-request-id"), reply.header("x-request-id"));
}

#[tokio::test]
async fn a_trusted_proxy_in_front_is_believed_about_the_client_only() {
    let gateway = Gateway::with(|config| config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let ask =
        Ask::get("/healthz").header("X-Forwarded-For", "203.0.113.9").header("X-Forwarded-Host", "evil").header("X-Usher-Role", "evil");
    let received = gateway.ask(ask).await.received();
    assert_eq!(one(&received, "x-forwarded-for"), "203.0.113.9, 127.0.0.1");
    assert_eq!(one(&received, "x-forwarded-host"), "open.acme.example".replace("open", "app"));
    assert_eq!(one(&received, "x-usher-role"), "");
}

#[tokio::test]
async fn a_request_with_two_lengths_is_never_passed_on_with_both() {
    let gateway = Gateway::start().await;
    let head = "POST /healthz HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length : 5\r\n",
    ] {
        let reply = exchange(gateway.address, format!("{head}{lengths}\r\n0\r\n\r\n").as_bytes()).await;
        if reply.status != 400 {
            // hyper itself takes the length away when an encoding is there; what arrives then has one reading.
            let received = reply.received();
            assert_eq!(received.all("content-length").len() + received.all("transfer-encoding").len(), 1, "{lengths:?}: {received:?}");
            assert!(lengths.contains("chunked\r\n") && lengths.contains("Content-Length: 5\r\n"), "{lengths:?}");
        }
    }
}

#[tokio::test]
async fn trailers_of_a_client_do_not_reach_the_app() {
    let gateway = Gateway::start().await;
    let request = "POST /healthz HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\nTrailer: X-Usher-Role\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2\r\nok\r\n0\r\nX-Usher-Role: evil\r\n\r\n";
    let reply = exchange(gateway.address, request.as_bytes()).await;
    assert!(reply.received().all("trailer").is_empty());
    // Chunk framing is counted too: `2\r\nok\r\n0\r\n\r\n` and nothing else.
    assert_eq!(gateway.app.seen.body_bytes.load(std::sync::atomic::Ordering::SeqCst), 12);
}

#[tokio::test]
async fn the_host_is_one_host() {
    let gateway = Gateway::start().await;
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: app.acme.example\r\nHost: evil.example\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: app.acme.example\r\nHost: app.acme.example\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET http://evil.example/healthz HTTP/1.1\r\nHost: app.acme.example\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: app.acme.example@evil.example\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: app.acme.example.\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n", 421),
        ("GET /healthz HTTP/1.1\r\nHost: APP.Acme.Example:443\r\n", 200),
        ("GET http://app.acme.example/healthz HTTP/1.1\r\nHost: app.acme.example\r\n", 200),
    ] {
        let reply = exchange(gateway.address, format!("{request}Connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(reply.status, status, "{request:?}");
        if status == 200 {
            assert_eq!(one(&reply.received(), "host"), "app.acme.example");
            assert_eq!(reply.received().line, "GET /healthz HTTP/1.1");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_known_costs_no_question_to_the_store() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let ask = async || gateway.ask(Ask::get("/").cookie(&token)).await.status;
    assert_eq!(ask().await, 200);
    let asked = || gateway.ephemeral.asked.load(Ordering::SeqCst);
    let before = asked();
    // Two threads, each with its own connections: whichever answers, it knows.
    for _ in 0..20 {
        assert_eq!(ask().await, 200);
    }
    assert_eq!(asked(), before);
    gateway.clock.pass(Duration::from_secs(6));
    assert_eq!(ask().await, 200);
    assert!(asked() > before, "and is confirmed after a while");
}

#[tokio::test]
async fn a_request_has_a_hundred_header_lines_at_most() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let seen = || gateway.app.seen.requests.load(Ordering::SeqCst);
    let with = |lines: usize| (0..lines).fold(Ask::get("/").cookie(&token), |ask, line| ask.header(&format!("X-Line-{line}"), "1"));
    // Host, Cookie and Connection are three of them.
    assert_eq!(gateway.ask(with(97)).await.status, 200);
    let before = seen();
    assert_eq!(gateway.ask(with(98)).await.status, 431);
    assert_eq!(seen(), before, "the app hears nothing of it");
}
