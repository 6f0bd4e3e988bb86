//! Tokens over the API, and what every answer has.

use serde_json::json;
use usher::admin::Permission;
use usher::clock::Clock as _;

use super::World;

fn request(world: &World, name: &str, scopes: &[&str]) -> String {
    let expires_at = world.clock.now() + jiff::SignedDuration::from_hours(1);
    json!({ "name": name, "scopes": scopes, "expires_at": expires_at }).to_string()
}

#[tokio::test]
async fn a_token_is_made_shown_once_rotated_and_revoked() {
    let world = World::start().await;
    let token = world.full_token().await;
    let made = world.send_json("POST", &token, "/tokens", &request(&world, "export", &["activity:read"])).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (secret, id) = (made.json()["token"].as_str().unwrap().to_owned(), made.json()["about"]["id"].as_str().unwrap().to_owned());
    assert_eq!(world.get(&secret, "/activity").await.status, 200);

    let shown = world.get(&token, &format!("/tokens/{id}")).await;
    assert_eq!((shown.status, shown.json()["state"].as_str()), (200, Some("active")), "{shown:?}");
    let listed = world.get(&token, "/tokens").await;
    for answer in [&shown, &listed] {
        assert!(!answer.body.contains(&secret[4..]), "shown once: {answer:?}");
    }

    let end = json!({ "expires_at": world.clock.now() + jiff::SignedDuration::from_hours(2) }).to_string();
    let rotated = world.send_json("POST", &token, &format!("/tokens/{id}/rotate"), &end).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let newer = rotated.json()["token"].as_str().unwrap().to_owned();
    assert_eq!((world.get(&secret, "/activity").await.status, world.get(&newer, "/activity").await.status), (401, 200));

    let revoked = world.send(world.ask("POST", "acme", &format!("/tokens/{id}/revoke")).bearer(&token)).await;
    assert_eq!((revoked.status, revoked.json()["state"].as_str()), (200, Some("revoked")), "{revoked:?}");
    assert_eq!(world.get(&newer, "/activity").await.json()["reason"], "token_revoked");
    let events: Vec<String> = ["token.created", "token.rotated", "token.revoked"].map(str::to_owned).into();
    for event in events {
        let lines = world.get(&token, &format!("/activity?event={event}&target={id}")).await.json();
        assert!(lines["items"][0]["actor"].as_str().unwrap().starts_with("token:tok_"), "{lines}");
    }
}

#[tokio::test]
async fn pages_are_exact_and_stay_good_when_rows_come() {
    let world = World::start().await;
    let token = world.full_token().await;
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.insert(0, format!("token {number}"));
        world.clock.pass(std::time::Duration::from_millis(2));
        world.send_json("POST", &token, "/tokens", &request(&world, &format!("token {number}"), &["members:read"])).await;
    }
    let (mut seen, mut next, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.get(&token, &format!("/tokens?limit=2{next}")).await.json();
        let names = page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned());
        seen.extend(names.filter(|name| name.starts_with("token ")));
        pages += 1;
        // A row that comes meanwhile is newer, and moves nothing.
        world.clock.pass(std::time::Duration::from_millis(2));
        world.token("acme", "ada", [Permission::MembersRead]).await;
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((seen, pages), (expected, 3), "five and the one that asks");
}

#[tokio::test]
async fn an_error_is_a_problem_document_with_the_request_and_nothing_is_kept() {
    let world = World::start().await;
    let token = world.full_token().await;
    let wrong = json!({ "name": "\u{7}", "scopes": [], "expires_at": "2031-01-01T00:00:00Z" }).to_string();
    let reply = world.send_json("POST", &token, "/tokens", &wrong).await;
    assert_eq!((reply.status, reply.header("content-type")), (422, Some("application/problem+json")), "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let problem = reply.json();
    let fields: Vec<&str> = problem["faults"].as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "scopes", "expires_at"]);
    assert_eq!((problem["reason"].as_str(), problem["status"].as_u64()), (Some("invalid"), Some(422)));
    assert_eq!(problem["request"].as_str(), reply.header("x-request-id"));
}

#[tokio::test]
async fn no_cookie_and_no_query_lets_anybody_in() {
    let world = World::start().await;
    let token = world.full_token().await;
    let answers = [
        world.send(world.ask("GET", "acme", "/tokens").cookie(&token)).await,
        world.send(world.ask("GET", "acme", &format!("/tokens?access_token={token}"))).await,
        world.send(world.ask("GET", "acme", "/tokens").header("Authorization", &token)).await,
        world.send(world.ask("GET", "acme", "/tokens").header("Authorization", &format!("Basic {token}"))).await,
        world.send(world.ask("GET", "acme", "/tokens").bearer(&token).bearer(&token)).await,
    ];
    assert!(answers.iter().all(|answer| answer.status == 401 && answer.json()["reason"] == "token_missing"), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.header("set-cookie").is_none()));
    let lower = world.send(world.ask("GET", "acme", "/tokens").header("Authorization", &format!("bearer {token}"))).await;
    assert_eq!(lower.status, 200, "a scheme is compared without regard to case");
}

#[tokio::test]
async fn an_address_or_method_that_is_not_there_is_a_problem_document_too() {
    let world = World::start().await;
    let token = world.full_token().await;
    let nothing = world.get(&token, "/nothing").await;
    assert_eq!((nothing.status, nothing.json()["reason"].as_str()), (404, Some("not_found")), "{nothing:?}");
    let patched = world.send(world.ask("PATCH", "acme", "/tokens").bearer(&token)).await;
    assert_eq!((patched.status, patched.json()["reason"].as_str()), (405, Some("method_not_allowed")), "{patched:?}");
    let allowed: std::collections::BTreeSet<&str> = patched.header("allow").unwrap().split(',').collect();
    assert_eq!(allowed, ["GET", "HEAD", "POST"].into());
}
