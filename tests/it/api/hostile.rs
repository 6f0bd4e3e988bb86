//! What hostile programs send, and people who break things.

use serde_json::json;
use usher::admin::Permission;
use usher::clock::Clock as _;

use super::World;
use crate::support::ask::Ask;

#[tokio::test]
async fn a_body_that_is_no_json_or_no_token_is_refused_and_nothing_is_made() {
    let world = World::start().await;
    let token = world.full_token().await;
    let end = (world.clock.now() + jiff::SignedDuration::from_hours(1)).to_string();
    let with = |name: &str, value: &str| format!(r#"{{"name":"n","scopes":["members:read"],"expires_at":"{end}",{name}:{value}}}"#);
    let bodies = [
        ("", 400),
        ("{", 400),
        ("{} {}", 422),
        ("null", 422),
        ("[]", 422),
        (r#"{"name":1,"scopes":["members:read"],"expires_at":"2026-07-01T00:00:00Z"}"#, 422),
        (r#"{"name":"n","scopes":"members:read","expires_at":"2026-07-01T00:00:00Z"}"#, 422),
        (r#"{"name":"n","scopes":["everything"],"expires_at":"2026-07-01T00:00:00Z"}"#, 422),
        (r#"{"name":"n","scopes":["members:read"],"expires_at":"soon"}"#, 422),
        (r#"{"name":"n","scopes":["members:read"],"expires_at":1e400}"#, 400),
        (r#"{"name":"\ud800","scopes":[],"expires_at":"2026-07-01T00:00:00Z"}"#, 400),
        (&with(r#""name""#, r#""twice""#), 422),
        (&with(r#""owner""#, r#""per_00000000000000000000000000000000""#), 422),
        (&with(r#""__proto__""#, "{}"), 422),
        (&"[".repeat(100_000), 422),
        (&format!(r#"["n",["members:read"],"{end}"]"#), 422),
        (&format!("{}1{}", r#"{"a":"#.repeat(20_000), "}".repeat(20_000)), 422),
        (&with(&format!("\"{}\"", "x".repeat(10_000)), "1"), 422),
    ];
    for (body, status) in bodies {
        let reply = world.send_json("POST", &token, "/tokens", body).await;
        let start: String = body.chars().take(80).collect();
        assert_eq!(reply.status, status, "{start}: {reply:?}");
        assert!(reply.body.len() < 1000 && reply.json()["reason"].is_string(), "{start}");
    }
    let name = "n".repeat(10_000);
    let reply = world
        .send_json("POST", &token, "/tokens", &json!({ "name": name, "scopes": ["members:read"], "expires_at": end }).to_string())
        .await;
    assert_eq!((reply.status, reply.json()["faults"][0]["field"].as_str()), (422, Some("name")), "{reply:?}");
    assert_eq!(world.get(&token, "/tokens").await.json()["items"].as_array().unwrap().len(), 1, "the one that asks");
}

#[tokio::test]
async fn bytes_that_are_no_text_and_bodies_without_end_are_refused() {
    let world = World::start().await;
    let token = world.full_token().await;
    let post = || world.ask("POST", "acme", "/tokens").bearer(&token);
    let bytes = |ask: Ask, body: &[u8]| {
        let mut ask = ask.header("Content-Length", &body.len().to_string());
        ask.body = body.to_vec();
        ask
    };
    let json = |ask: Ask| ask.header("Content-Type", "application/json");
    let not_utf8 = world.send(bytes(json(post()), b"{\"name\":\"\xff\xfe\"}")).await;
    assert!([400, 422].contains(&not_utf8.status), "{not_utf8:?}");
    let huge = world.send(bytes(json(post()), &b" ".repeat(256 * 1024 + 1))).await;
    assert_eq!((huge.status, huge.json()["reason"].as_str()), (413, Some("too_large")), "{huge:?}");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"] {
        let reply = world.send(bytes(post().header("Content-Type", kind), b"{}")).await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    assert_eq!(world.send(bytes(post(), b"{}")).await.status, 415, "a body of no kind");
    let said = world.send(bytes(post().header("Content-Type", "application/json; charset=utf-8"), b"{}")).await;
    assert_eq!(said.status, 422);
}

#[tokio::test]
async fn ids_of_other_kinds_and_broken_addresses_are_the_address_of_nothing() {
    let world = World::start().await;
    let token = world.full_token().await;
    let member = world.members["jo"].member.id.to_string();
    let long = format!("tok_{}", "0".repeat(10_000));
    let ids = [
        member.as_str(),
        "tok_",
        "tok_00000000000000000000000000000000",
        "tok_g",
        "%ff",
        "%00",
        "..%2f..",
        "' OR 1=1 --",
        &long,
        "%E2%82%AC",
    ];
    for id in ids {
        let id = id.replace(' ', "%20");
        let reply = world.get(&token, &format!("/tokens/{id}")).await;
        // Some are refused before anybody looks whose address it is.
        assert!([400, 404].contains(&reply.status), "{id:.80}: {reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{id:.80}");
    }
    for organization in ["%ff", "ACME", "acme%00", "acme%2f", "-"] {
        let reply = world.send(world.ask("GET", organization, "/tokens").bearer(&token)).await;
        assert!([400, 404].contains(&reply.status), "{organization}: {reply:?}");
    }
}

#[tokio::test]
async fn a_query_that_is_wrong_is_refused_and_never_ignored() {
    let world = World::start().await;
    let token = world.full_token().await;
    let queries = [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=ten",
        "limit=1&limit=2",
        "limit=99999999999999999999",
        "offset=3",
        "cursor=",
        "cursor=a",
        "cursor=%ff",
        "cursor=dG9rXw",
        "cursor=bWVtXzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw",
        "Limit=3",
    ];
    for query in queries {
        let reply = world.get(&token, &format!("/tokens?{query}")).await;
        assert_eq!((reply.status, reply.json()["reason"].as_str()), (422, Some("invalid")), "{query}: {reply:?}");
    }
    let long = format!("text={}", "x".repeat(10_000));
    for query in
        [long.as_str(), "text=%00", "text=", "result=maybe", "from=yesterday", "reason=none", "incident=inc_1", "limit=1000", "cursor=LTE"]
    {
        let reply = world.get(&token, &format!("/activity?{query}")).await;
        assert_eq!(reply.status, 422, "{query:.80}: {reply:?}");
    }
    assert_eq!(world.get(&token, "/tokens?limit=200").await.status, 200);
}

#[tokio::test]
async fn a_cursor_that_was_changed_shows_no_row_of_another_organization() {
    let world = World::start().await;
    let token = world.full_token().await;
    let foreign = world.token("globex", "gina", [Permission::MembersRead]).await;
    let cursor = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, foreign.token.row.id.to_string());
    let page = world.get(&token, &format!("/tokens?cursor={cursor}")).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("gina"), "{page:?}");
}

#[tokio::test]
async fn a_name_cannot_break_out_of_a_header_a_line_or_a_log() {
    let world = World::start().await;
    let token = world.full_token().await;
    let end = world.clock.now() + jiff::SignedDuration::from_hours(1);
    for name in ["a\r\nSet-Cookie: x=y", "a\nb", "a\u{0}b", "\u{1b}[31mred", "\u{85}"] {
        let body = json!({ "name": name, "scopes": ["members:read"], "expires_at": end }).to_string();
        let reply = world.send_json("POST", &token, "/tokens", &body).await;
        assert_eq!(reply.status, 422, "{name:?}");
    }
    let markup = "<script>alert(1)</script>\u{202e}=cmd|' /C calc'!A0";
    let body = json!({ "name": markup, "scopes": ["members:read"], "expires_at": end }).to_string();
    let reply = world.send_json("POST", &token, "/tokens", &body).await;
    assert_eq!(
        (reply.status, reply.json()["about"]["name"].as_str()),
        (201, Some(markup)),
        "a name is a name: JSON needs no escaping of it"
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}
