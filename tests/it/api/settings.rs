//! Settings over the API: read, reviewed, saved, and taken back.

use serde_json::{Value, json};
use strum::IntoEnumIterator as _;
use usher::admin::Permission;

use super::World;
use super::explain::mapped;
use crate::support::ask::Reply;

/// Nobody maps to User any more.
fn without_users() -> Value {
    json!({ "role_mappings": [{ "role": "Owner", "groups": [{ "value": "app-owners" }] }, { "role": "Admin", "groups": [{ "value": "app-admins" }] }] })
}

impl World {
    pub(super) async fn tag(&self, token: &str) -> String {
        self.get(token, "/settings").await.header("etag").unwrap().to_owned()
    }

    async fn review(&self, token: &str, changes: &Value) -> Value {
        let reply = self.send_json("POST", token, "/settings/review", &changes.to_string()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    pub(super) async fn with_tag(&self, method: &str, token: &str, path: &str, tag: &str, body: &Value) -> Reply {
        let ask = self.ask(method, "acme", path).bearer(token).header("If-Match", tag).header("Content-Type", "application/json");
        self.send(ask.body(&body.to_string())).await
    }

    /// Reviews and saves.
    async fn change(&self, token: &str, changes: &Value) -> Reply {
        let (tag, review) = (self.tag(token).await, self.review(token, changes).await);
        self.with_tag("PATCH", token, "/settings", &tag, &json!({ "changes": changes, "review": review["id"] })).await
    }
}

pub(super) fn reason(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_change_is_reviewed_by_name_saved_and_taken_back() {
    let world = World::alone(&mapped()).await;
    let token = world.full_token().await;
    let before = world.get(&token, "/settings").await;
    let review = world.review(&token, &without_users()).await;
    let gone: Vec<(&str, &str)> = review["effects"]["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| (person["name"].as_str().unwrap(), person["outcome"].as_str().unwrap()))
        .collect();
    assert!(gone.contains(&("jo", "loses_access")), "{review:#}");
    assert_eq!((review["refused"].as_bool(), review["changes_nothing"].as_bool()), (Some(false), Some(false)), "{review:#}");
    assert_eq!(world.get(&token, "/settings").await.body, before.body, "a review saves nothing");

    let saved = world.change(&token, &without_users()).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    assert_eq!(saved.json()["role_mappings"].as_array().unwrap().len(), 2, "{saved:?}");
    let revision: i64 = saved.header("etag").unwrap().trim_matches('"').parse().unwrap();
    assert_eq!(world.get(&token, "/settings").await.body, saved.body);
    let lines = world.get(&token, "/activity?event=settings").await.json();
    assert!(lines["items"][0]["actor"].as_str().unwrap().starts_with("token:tok_"), "{lines}");

    let undo = world.send_json("POST", &token, "/settings/undo/review", &json!({ "revision": revision }).to_string()).await;
    assert_eq!(undo.status, 200, "{undo:?}");
    let body = json!({ "revision": revision, "review": undo.json()["id"] });
    let undone = world.with_tag("POST", &token, "/settings/undo", saved.header("etag").unwrap(), &body).await;
    assert_eq!((undone.status, undone.body.as_str()), (200, before.body.as_str()), "{undone:?}");
}

#[tokio::test]
async fn a_save_names_what_was_seen_and_what_was_reviewed() {
    let world = World::alone(&mapped()).await;
    let token = world.full_token().await;
    let changes = without_users();
    let (tag, review) = (world.tag(&token).await, world.review(&token, &changes).await["id"].clone());
    let body = json!({ "changes": changes, "review": review });
    let untold = world.send_json("PATCH", &token, "/settings", &body.to_string()).await;
    assert_eq!(reason(&untold), (428, "if_match_missing".to_owned()), "{untold:?}");
    for wrong in ["\"0\"", "*", "W/\"1\""] {
        assert_eq!(
            reason(&world.with_tag("PATCH", &token, "/settings", wrong, &body).await),
            (412, "if_match_differs".to_owned()),
            "{wrong}"
        );
    }
    let other = json!({ "changes": { "name": "Acme & Sons" }, "review": review });
    assert_eq!(reason(&world.with_tag("PATCH", &token, "/settings", &tag, &other).await), (409, "review_changed".to_owned()));
    // Somebody comes in meanwhile whom the change concerns: the review says something else now.
    let late = crate::store::fixtures::identity("late");
    world.login("acme", "late", &crate::store::fixtures::newcomer(&late, "User", None)).await;
    assert_eq!(reason(&world.with_tag("PATCH", &token, "/settings", &tag, &body).await), (409, "review_changed".to_owned()));
    // Somebody saves meanwhile: the tag is of something older.
    assert_eq!(world.change(&token, &json!({ "name": "Acme & Sons" })).await.status, 200);
    assert_eq!(reason(&world.with_tag("PATCH", &token, "/settings", &tag, &body).await), (412, "if_match_differs".to_owned()));
    let undo = json!({ "revision": 1, "review": review });
    assert_eq!(reason(&world.with_tag("POST", &token, "/settings/undo", &tag, &undo).await), (412, "if_match_differs".to_owned()));
}

#[tokio::test]
async fn a_lockout_is_refused_and_many_are_counted() {
    let world = World::alone(&mapped()).await;
    let token = world.token("acme", "ada", Permission::iter()).await.secret.reveal().to_owned();
    let without_admins = json!({ "role_mappings": [{ "role": "Owner", "groups": [{ "value": "app-owners" }] }, { "role": "User", "groups": [{ "value": "everyone" }] }] });
    let review = world.review(&token, &without_admins).await;
    assert_eq!(review["needs"]["organization_name"].as_str(), None, "a token's owner is no saver: {review:#}");
    let full = world.full_token().await;
    for number in 0..8 {
        let name = format!("crowd-{number}");
        world.login("acme", &name, &crate::store::fixtures::newcomer(&crate::store::fixtures::identity(&name), "User", None)).await;
    }
    let (tag, review) = (world.tag(&full).await, world.review(&full, &without_users()).await);
    let count = review["needs"]["lose_access"].as_u64().unwrap_or_else(|| panic!("{review:#}"));
    let mut body = json!({ "changes": without_users(), "review": review["id"] });
    assert_eq!(reason(&world.with_tag("PATCH", &full, "/settings", &tag, &body).await), (409, "confirm_lose_access".to_owned()));
    body["confirm"] = json!({ "lose_access": count + 1 });
    assert_eq!(reason(&world.with_tag("PATCH", &full, "/settings", &tag, &body).await), (409, "confirm_lose_access".to_owned()));
    body["confirm"] = json!({ "lose_access": count });
    assert_eq!(world.with_tag("PATCH", &full, "/settings", &tag, &body).await.status, 200);
}

#[tokio::test]
async fn an_admin_s_token_changes_nothing_about_owners() {
    let world = World::alone(&mapped()).await;
    let token = world.token("acme", "ada", [Permission::SettingsWrite, Permission::SettingsRead]).await.secret.reveal().to_owned();
    for changes in [
        json!({ "role_mappings": [{ "role": "Owner", "groups": [{ "value": "everyone" }] }, { "role": "User", "groups": [{ "value": "everyone" }] }] }),
        json!({ "roles": ["Admin", "Owner", "User"] }),
        json!({ "default_role": "Owner" }),
        json!({ "primary_owner": "ada@acme.example" }),
    ] {
        let refused = world.send_json("POST", &token, "/settings/review", &changes.to_string()).await;
        assert!(["above_your_role", "primary_owner"].contains(&reason(&refused).1.as_str()), "{changes}: {refused:?}");
        assert_eq!(refused.status, 409, "{changes}: {refused:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_field_by_field() {
    let world = World::alone(&mapped()).await;
    let token = world.full_token().await;
    for changes in [
        json!({ "name": "" }),
        json!({ "name": "Acme\u{202e}" }),
        json!({ "name": "a\nb" }),
        json!({ "roles": ["Owner", "User", "User"] }),
        json!({ "roles": ["Owner", "Primary Owner"] }),
        json!({ "administrators": ["User"] }),
        json!({ "default_role": "Emperor" }),
        json!({ "provisioning": "magic" }),
        json!({ "group_mappings": null }),
        json!({ "seat_tiers": [{ "name": "Premium", "seats": 4_000_000_000_u64 }] }),
        json!({ "seat_tiers": [{ "name": "Premium", "seats": -1 }] }),
        json!({ "seat_mappings": [{ "tier": "Gold", "groups": [] }] }),
        json!({ "role_mappings": [{ "role": "User", "groups": [{ "value": "a\u{0}b" }] }] }),
        json!({ "role_mappings": [{ "role": "User", "groups": [{ "value": "x", "other": 1 }] }] }),
        json!({ "primary_owner": "nobody" }),
        json!({ "primary_owner": "olivia@elsewhere.example" }),
        json!({ "policy": { "stale_after_seconds": -1 } }),
        json!({ "policy": { "pin_max_seconds": 9_000_000_000_000_000_000_i64 } }),
        json!({ "policy": { "removal_threshold": { "percent": 101, "people": 5 } } }),
        json!({ "policy": { "seat_warn_percent": 0 } }),
        json!({ "policy": { "seat_warn_percent": 101 } }),
        json!({ "policy": { "session_max_seconds": 60 } }),
        json!({ "policy": { "session_idle_seconds": 7200, "session_max_seconds": 3600 } }),
        json!({ "policy": { "session_max_seconds": 9_000_000_000_000_000_000_i64 } }),
        json!({ "branding": { "accent": "red" } }),
        json!({ "branding": { "logo": "PHN2Zy8+" } }),
        json!({ "branding": { "logo": "no base64!" } }),
        json!({ "branding": { "support_contact": "a\r\nBcc: x" } }),
        json!({ "id": "globex" }),
        json!({ "plan": "team" }),
    ] {
        let refused = world.send_json("POST", &token, "/settings/review", &changes.to_string()).await;
        assert_eq!(reason(&refused), (422, "invalid".to_owned()), "{changes}: {refused:?}");
    }
    let png = "iVBORw0KGgoAAAANSUhEUg==";
    let saved =
        world.change(&token, &json!({ "branding": { "accent": "#0b556b", "logo": png, "support_contact": "help@acme.example" } })).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    assert!(saved.json()["branding"]["logo"].as_str().unwrap().starts_with("/brand/"), "{saved:?}");
    let cleared = world.change(&token, &json!({ "branding": { "accent": null, "logo": null, "support_contact": null } })).await;
    assert_eq!(cleared.json()["branding"], json!({ "accent": null, "logo": null, "support_contact": null }), "{cleared:?}");
}

/// What an organization's token reviews is that organization and no other.
#[tokio::test]
async fn a_review_and_an_undo_touch_no_other_organization() {
    let world = World::start().await;
    let token = world.full_token().await;
    let other = world.token("globex", "gina", Permission::iter()).await.secret.reveal().to_owned();
    let ask = |path: &str, body: &Value| {
        world.ask("POST", "globex", path).bearer(&other).header("Content-Type", "application/json").body(&body.to_string())
    };
    let saved = world.change(&token, &json!({ "name": "Acme & Sons" })).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    let revision: i64 = saved.header("etag").unwrap().trim_matches('"').parse().unwrap();
    let undo = world.send(ask("/settings/undo/review", &json!({ "revision": revision }))).await;
    assert_eq!(undo.status, 404, "{undo:?}");
    let review = world.send(ask("/settings/review", &json!({ "name": "Globex 2" }))).await;
    assert_eq!(review.status, 200, "{review:?}");
    assert!(!review.body.contains("Acme") && !review.body.contains("olivia"), "{review:?}");
}

#[tokio::test]
async fn a_connection_is_turned_off_after_a_review_and_on_again_only_if_it_was_ever_used() {
    let spare = "[[connection]]\nid = \"spare\"\nprotocol = \"oidc\"\nname = \"Spare\"\nissuer = \"https://spare.example\"\nclient_id = \"usher\"\n\
                 client_secret = \"secret\"\ndomains = [\"acme.example\"]\n";
    let world = World::alone(&format!("{spare}{}", mapped())).await;
    let token = world.full_token().await;
    let ask = async |connection: &str, enabled: bool| {
        let body = json!({ "enabled": enabled }).to_string();
        world.send_json("POST", &token, &format!("/connections/{connection}/switch/review"), &body).await
    };
    let switch = async |tag: &str, connection: &str, review: &Value| {
        let body = json!({ "enabled": false, "review": review });
        world.with_tag("POST", &token, &format!("/connections/{connection}/switch"), tag, &body).await
    };
    let seen = ask("spare", false).await.json();
    assert_eq!((seen["refused"].as_bool(), seen["changes_nothing"].as_bool()), (Some(false), Some(false)), "{seen:#}");
    assert_eq!(reason(&switch("\"999\"", "spare", &seen["id"]).await), (412, "if_match_differs".to_owned()));
    let tag = world.tag(&token).await;
    assert_eq!(reason(&switch(&tag, "spare", &json!("0123456789ab")).await), (409, "review_changed".to_owned()));
    let saved = switch(&tag, "spare", &seen["id"]).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    let enabled = async |connection: &str| world.get(&token, &format!("/connections/{connection}")).await.json()["enabled"].as_bool();
    assert_eq!(enabled("spare").await, Some(false));
    assert_eq!(reason(&ask("spare", true).await), (409, "connection_not_tested".to_owned()));
    assert_eq!(ask("nobody", false).await.status, 404);

    let others: Vec<String> = world.get(&token, "/connections").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|connection| connection["id"].as_str().unwrap().to_owned())
        .filter(|id| id != "spare")
        .collect();
    let last = ask(&others[0], false).await.json();
    assert_eq!(last["refused"].as_bool(), Some(true), "nobody could come in any more: {last:#}");
    assert_eq!(switch(&world.tag(&token).await, &others[0], &last["id"]).await.status, 409);
    assert_eq!(enabled(&others[0]).await, Some(true));
}
