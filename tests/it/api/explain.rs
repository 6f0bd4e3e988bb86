//! Why somebody has what they have, and what something else would give, over the API.

use serde_json::json;

use super::{ORGANIZATIONS, World};

/// Acme alone, where groups decide.
pub(super) fn mapped() -> String {
    let acme = ORGANIZATIONS.split("[[organization]]\nid = \"globex\"").next().unwrap();
    acme.replace("provisioning = \"manual\"", "provisioning = \"jit\"\ngroup_mappings = true")
        + "[organization.role_mappings]\nOwner = [\"app-owners\"]\nAdmin = [\"app-admins\"]\nUser = [\"everyone\"]\n"
}

#[tokio::test]
async fn a_member_is_explained_as_the_console_and_the_command_line_do() {
    let world = World::start().await;
    let token = world.full_token().await;
    let member = world.members["jo"].member.id;
    let reply = world.get(&token, &format!("/members/{member}/explanation")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let explained = reply.json();
    let same = world.admin.explain_member(&world.operator("acme"), member).await.unwrap();
    assert_eq!(explained["last"]["explanation"]["sentence"], same.explanation.as_ref().unwrap().sentence());
    assert_eq!(explained["replay"]["sentence"], same.replay.as_ref().unwrap().explanation.sentence());
    assert_eq!(explained["last"]["activity"], same.decision.as_ref().unwrap().audit.to_string());
    assert_eq!(explained["last"]["groups"], json!(["everyone"]));
    assert_eq!(explained["member"]["id"], member.to_string());
    let ways: Vec<(&str, bool)> = explained["ways"]
        .as_array()
        .unwrap()
        .iter()
        .map(|way| (way["role"].as_str().unwrap(), way["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(ways, [("Owner", false), ("Admin", false), ("User", true)]);
}

#[tokio::test]
async fn what_if_answers_with_todays_rules_and_writes_nothing() {
    let world = World::alone(&mapped()).await;
    let token = world.full_token().await;
    let ask = async |body: serde_json::Value| world.send_json("POST", &token, "/what-if", &body.to_string()).await;
    let admin = ask(json!({ "connection": "okta", "groups": ["everyone", "app-admins"] })).await;
    assert_eq!((admin.status, admin.json()["comes_in"].as_bool()), (200, Some(true)), "{admin:?}");
    assert!(admin.json()["explanation"]["sentence"].as_str().unwrap().starts_with("Admin"), "{admin:?}");
    let nobody = ask(json!({ "connection": "okta", "groups": ["Everyone"] })).await;
    assert_eq!(
        (nobody.json()["comes_in"].as_bool(), nobody.json()["explanation"]["reason"].as_str()),
        (Some(false), Some("no_role_group"))
    );
    assert!(nobody.json()["explanation"]["notes"].to_string().contains("everyone"), "the near miss is named: {nobody:?}");
    let jo = ask(json!({ "connection": "okta", "email": "jo@acme.example", "groups": ["everyone"] })).await;
    assert_eq!(jo.json()["person"], world.members["jo"].person.id.to_string());
    for (body, status) in [
        (json!({ "connection": "nowhere", "groups": [] }), 404),
        (json!({ "connection": "okta" }), 422),
        (json!({ "connection": "okta", "groups": ["a\nb"] }), 422),
        (json!({ "connection": "okta", "groups": vec!["x"; 2001] }), 422),
        (json!({ "connection": "okta", "groups": [], "email": "nobody" }), 422),
    ] {
        assert_eq!(ask(body.clone()).await.status, status, "{body:.80}");
    }
    let lines = world.get(&token, "/activity?limit=200").await.json();
    assert!(!lines["items"].to_string().contains("usher-whatif"), "{lines}");
}
