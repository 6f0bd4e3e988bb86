//! By what people are known to a connection, over the API.

use std::time::Duration;

use serde_json::json;
use usher::admin::Permission;
use usher::clock::Clock as _;

use super::World;
use super::explain::mapped;

#[tokio::test]
async fn somebody_is_known_by_another_subject_from_now_on() {
    let world = World::alone(&mapped()).await;
    let token = world.full_token().await;
    let path = format!("/members/{}/links/okta", world.members["jo"].member.id);
    let relinked = world.send_json("PUT", &token, &path, &json!({ "subject": "00u-new" }).to_string()).await;
    assert_eq!((relinked.status, relinked.json()["name"].as_str()), (200, Some("jo")), "{relinked:?}");
    let refused = world.send_json("PUT", &token, &path, &json!({ "subject": "okta-ada" }).to_string()).await;
    assert_eq!((refused.status, refused.json()["reason"].as_str()), (409, Some("subject_taken")), "{refused:?}");
    for subject in ["", " ", "a\u{0}b", &"x".repeat(1025)] {
        assert_eq!(world.send_json("PUT", &token, &path, &json!({ "subject": subject }).to_string()).await.status, 422, "{subject:.20}");
    }
    let elsewhere = path.replace("okta", "nowhere");
    assert_eq!(world.send_json("PUT", &token, &elsewhere, &json!({ "subject": "x" }).to_string()).await.status, 404);
}

#[tokio::test]
async fn the_window_opens_for_at_most_three_days_by_the_highest_role() {
    let world = World::alone(&mapped()).await;
    let token = world.full_token().await;
    let open = async |token: &str, hours: i64| {
        let until = world.clock.now() + jiff::SignedDuration::from_hours(hours);
        world.send_json("PUT", token, "/connections/okta/relink-window", &json!({ "until": until }).to_string()).await
    };
    assert_eq!(open(&token, 72).await.status, 204);
    let shown = world.get(&token, "/connections/okta").await.json();
    assert!(shown["relink_open_until"].is_string(), "{shown}");
    assert_eq!((open(&token, 73).await.status, open(&token, 0).await.status), (422, 422));
    let admin = world.token("acme", "ada", [Permission::SettingsWrite]).await;
    assert_eq!(open(admin.secret.reveal(), 1).await.json()["reason"], "above_your_role");
    let closed = world.send(world.ask("DELETE", "acme", "/connections/okta/relink-window").bearer(&token)).await;
    assert_eq!(closed.status, 204, "{closed:?}");
    world.clock.pass(Duration::from_secs(1));
    let shown = world.get(&token, "/connections/okta").await.json();
    let until: jiff::Timestamp = shown["relink_open_until"].as_str().map_or(jiff::Timestamp::MIN, |text| text.parse().unwrap());
    assert!(until <= world.clock.now(), "{shown}");
}

/// The window is open for the people of every organization, so an Owner of one of them alone opens none.
#[tokio::test]
async fn an_owner_of_one_organization_opens_no_window_for_the_others() {
    let world = World::start().await;
    let token = world.full_token().await;
    let until = world.clock.now() + jiff::SignedDuration::from_hours(1);
    let refused = world.send_json("PUT", &token, "/connections/okta/relink-window", &json!({ "until": until }).to_string()).await;
    assert_eq!((refused.status, refused.json()["reason"].as_str()), (409, Some("not_all_organizations")), "{refused:?}");
    let closed = world.send(world.ask("DELETE", "acme", "/connections/okta/relink-window").bearer(&token)).await;
    assert_eq!(closed.status, 409, "{closed:?}");
    assert_eq!(world.get(&token, "/connections/okta").await.json()["relink_open_until"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_switch_is_looked_at_before_anybody_is_sent_there() {
    let world = World::start().await;
    let token = world.token("acme", "ada", [Permission::MembersRead]).await.secret.reveal().to_owned();
    let look = async |body: serde_json::Value| world.send_json("POST", &token, "/connections/okta/preflight", &body.to_string()).await;
    let all = look(json!({ "to": "okta" })).await;
    assert_eq!((all.status, all.json()["ready"].as_array().map(Vec::len)), (200, Some(4)), "{all:?}");
    assert!(!all.body.contains("gus") && !all.body.contains("gina"), "{all:?}");
    assert_eq!(look(json!({ "to": "nowhere" })).await.status, 404);
    assert_eq!(look(json!({ "to": "okta", "addresses": ["no address"] })).await.status, 422);
}
