//! Members, invites and removals over the API.

use serde_json::json;
use usher::admin::Permission;

use super::World;

#[tokio::test]
async fn a_member_is_changed_from_what_was_seen_and_from_nothing_older() {
    let world = World::start().await;
    let token = world.full_token().await;
    let path = format!("/members/{}", world.members["jo"].member.id);
    let seen = world.get(&token, &path).await;
    let tag = seen.header("etag").unwrap().to_owned();
    assert_eq!((seen.json()["role"].as_str(), format!("\"{}\"", seen.json()["revision"])), (Some("User"), tag.clone()));
    let change = async |tag: Option<&str>, role: &str| {
        let ask = world.ask("PATCH", "acme", &path).bearer(&token).header("Content-Type", "application/json");
        let ask = if let Some(tag) = tag { ask.header("If-Match", tag) } else { ask };
        world.send(ask.body(&json!({ "role": role }).to_string())).await
    };
    let untold = change(None, "Admin").await;
    assert_eq!((untold.status, untold.json()["reason"].as_str()), (428, Some("if_match_missing")), "{untold:?}");
    let changed = change(Some(&tag), "Admin").await;
    assert_eq!((changed.status, changed.json()["members"][0]["role"].as_str()), (200, Some("Admin")), "{changed:?}");
    for old in [tag.as_str(), "*", "W/\"1\"", "\"x\"", ""] {
        let stale = change(Some(old), "User").await;
        assert_eq!((stale.status, stale.json()["reason"].as_str()), (412, Some("if_match_differs")), "{old}: {stale:?}");
    }
    let lines = world.get(&token, "/activity?event=member.changed").await.json();
    assert!(lines["items"][0]["actor"].as_str().unwrap().starts_with("token:tok_"), "{lines}");
}

#[tokio::test]
async fn a_token_of_an_admin_touches_no_owner_and_hands_nothing_over() {
    let world = World::start().await;
    let token = world.token("acme", "ada", [Permission::MembersRead, Permission::MembersWrite]).await.secret.reveal().to_owned();
    let removal = json!({ "members": [world.members["olivia"].member.id], "block": true }).to_string();
    let refused = world.send_json("POST", &token, "/removals", &removal).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    let invited = world.send_json("POST", &token, "/invites", &json!({ "email": "mia@acme.example", "role": "Owner" }).to_string()).await;
    assert_eq!((invited.status, invited.json()["reason"].as_str()), (409, Some("above_your_role")), "{invited:?}");
}

#[tokio::test]
async fn a_removal_ends_tokens_and_is_undone_without_them() {
    let world = World::start().await;
    let (token, of_ada) = (world.full_token().await, world.token("acme", "ada", [Permission::MembersRead]).await);
    let body = json!({ "members": [world.members["ada"].member.id], "block": false }).to_string();
    let removed = world.send_json("POST", &token, "/removals", &body).await;
    assert_eq!((removed.status, removed.json()["members"][0]["status"].as_str()), (200, Some("removed")), "{removed:?}");
    let removal = removed.json()["removal"].as_str().unwrap().to_owned();
    assert!(world.get(&token, "/removals").await.body.contains(&removal));
    let undone = world.send(world.ask("POST", "acme", &format!("/removals/{removal}/undo")).bearer(&token)).await;
    assert_eq!((undone.status, undone.json()["members"][0]["role"].as_str()), (200, Some("Admin")), "{undone:?}");
    assert_eq!(world.get(of_ada.secret.reveal(), "/seats").await.json()["reason"], "token_revoked");
}

#[tokio::test]
async fn an_invite_holds_a_seat_until_it_is_revoked() {
    let world = World::start().await;
    let token = world.full_token().await;
    let used = async || world.get(&token, "/seats").await.json()["items"][0]["used"].as_u64().unwrap();
    let before = used().await;
    let invited = world.send_json("POST", &token, "/invites", &json!({ "email": "mia@acme.example" }).to_string()).await;
    assert_eq!((invited.status, invited.json()["role"].as_str()), (201, Some("User")), "{invited:?}");
    assert_eq!(used().await, before + 1);
    let path = format!("/invites/{}", invited.json()["id"].as_str().unwrap());
    let again = world.send(world.ask("POST", "acme", &format!("{path}/resend")).bearer(&token)).await;
    assert_eq!(again.status, 200, "{again:?}");
    let revoked = world.send(world.ask("DELETE", "acme", &path).bearer(&token)).await;
    assert_eq!((revoked.status, used().await), (200, before), "{revoked:?}");
    assert_eq!(world.send(world.ask("DELETE", "acme", &path).bearer(&token)).await.status, 404);
}

#[tokio::test]
async fn seats_are_forecast_as_the_console_does() {
    let world = World::start().await;
    let token = world.full_token().await;
    let forecast = world.get(&token, "/seats/forecast").await;
    let known = world.admin.forecast_seats(&world.operator("acme")).await.unwrap();
    assert_eq!((forecast.status, forecast.json()["members"].as_u64()), (200, Some(known.members)), "{forecast:?}");
    let needed: Vec<_> = forecast.json()["items"].as_array().unwrap().iter().map(|tier| tier["needed"].as_u64().unwrap()).collect();
    assert_eq!(needed, known.tiers.iter().map(|tier| tier.needed).collect::<Vec<_>>());
}
