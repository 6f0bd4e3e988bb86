//! The list of members over the API.

use serde_json::Value;
use usher::admin::Permission;

use super::World;
use crate::store::fixtures::{identity, newcomer};

fn names(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn members_are_found_by_what_is_said_of_them() {
    let world = World::start().await;
    let token = world.token_for(30, "acme", "olivia", [Permission::MembersRead]).await.secret.reveal().to_owned();
    world.remove("leaver").await;
    let list = async |query: &str| names(&world.get(&token, &format!("/members?{query}")).await.json());
    assert_eq!(list("").await, ["ada", "jo", "olivia"], "whoever is a member now, by name");
    assert_eq!(list("status=all").await, ["ada", "jo", "leaver", "olivia"]);
    assert_eq!(list("status=removed").await, ["leaver"]);
    assert_eq!(list("role=Owner").await, ["olivia"]);
    assert_eq!(list("search=OLI").await, ["olivia"]);
    assert_eq!(list("search=%25").await, [""; 0], "a sign of the database's is a sign");
    assert_eq!((list("tier=Premium").await, list("seat=any").await), (vec!["olivia".to_owned()], vec!["olivia".to_owned()]));
    assert_eq!((list("seat=none").await.len(), list("seat=waiting").await.len(), list("tier=Gold").await.len()), (2, 0, 0));
    assert_eq!(list("source=invite").await, [""; 0]);
    assert_eq!(list("never_signed_in=true").await, [""; 0]);
    world.clock.pass(super::DAY);
    let idle_since = usher::clock::Clock::now(world.clock.as_ref());
    assert_eq!(list(&format!("idle_since={idle_since}&role=User")).await, ["jo"]);
    assert_eq!(list("sort=joined&limit=1").await.len(), 1);
}

#[tokio::test]
async fn a_query_that_says_two_things_or_nothing_known_is_refused() {
    let world = World::start().await;
    let token = world.full_token().await;
    let foreign = world.members["gus"].member.id.to_string();
    let cursor = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, foreign);
    let cursor = format!("cursor={cursor}");
    for query in [
        "seat=any&tier=Premium",
        "seat=gold",
        "status=gone",
        "sort=age",
        "search=",
        "search=%00",
        "role=%1b",
        "idle_since=yesterday",
        "idle_since=2026-01-01T00:00:00Z&never_signed_in=true",
        "limit=0",
        "cursor=x",
        &cursor,
    ] {
        let reply = world.get(&token, &format!("/members?{query}")).await;
        assert_eq!((reply.status, reply.json()["reason"].as_str()), (422, Some("invalid")), "{query}: {reply:?}");
    }
    assert_eq!(world.get(&token, "/members/export.csv?limit=3").await.status, 422);
}

#[tokio::test]
async fn pages_show_everybody_once_although_people_come_and_go() {
    let world = World::start().await;
    let token = world.full_token().await;
    for number in 0..7 {
        let name = format!("member-{number}");
        world.login("acme", &name, &newcomer(&identity(&name), "User", None)).await;
    }
    let (mut seen, mut next, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.get(&token, &format!("/members?search=member-&limit=3{next}")).await.json();
        seen.extend(names(&page));
        pages += 1;
        // Somebody who comes before the place, or goes, moves nothing.
        let early = format!("a-member-{pages}");
        world.login("acme", &early, &newcomer(&identity(&early), "User", None)).await;
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..7).map(|number| format!("member-{number}")).collect::<Vec<_>>());
    assert_eq!((pages, world.get(&token, "/members?search=member-&limit=3").await.json()["total"].as_u64()), (3, Some(10)));
}

#[tokio::test]
async fn the_file_has_whom_the_list_has_and_is_on_record() {
    let world = World::start().await;
    let token = world.token("acme", "ada", [Permission::MembersRead, Permission::ActivityRead]).await.secret.reveal().to_owned();
    let file = world.get(&token, "/members/export.csv?role=User").await;
    assert_eq!((file.status, file.header("content-type")), (200, Some("text/csv; charset=utf-8")), "{file:?}");
    assert!(file.header("content-disposition").unwrap().starts_with("attachment"), "{file:?}");
    assert!(file.body.contains("jo@acme.example") && !file.body.contains("olivia") && !file.body.contains("gus"), "{}", file.body);
    let lines = world.get(&token, "/activity?event=members.exported").await.json();
    assert!(lines["items"][0]["actor"].as_str().unwrap().starts_with("token:tok_"), "{lines}");
}
