//! Requests for access over the API: yes, no, and never.

use std::time::Duration;

use serde_json::json;
use usher::admin::Permission;

use super::World;
use crate::support::ask::Reply;

impl World {
    async fn answer(&self, token: &str, id: &str, how: &str, body: Option<&serde_json::Value>) -> Reply {
        let ask = self.ask("POST", "acme", &format!("/requests/{id}/{how}")).bearer(token);
        self.send(match body {
            Some(body) => ask.header("Content-Type", "application/json").body(&body.to_string()),
            None => ask,
        })
        .await
    }

    async fn waiting(&self, token: &str) -> Vec<String> {
        let list = self.get(token, "/requests").await.json();
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn who_waits_is_let_in_declined_or_blocked() {
    let world = World::start().await;
    let token = world.full_token().await;
    let mut ids = Vec::new();
    for name in ["yes", "no", "never"] {
        ids.push(world.knock("acme", name).await.to_string());
        world.clock.pass(Duration::from_secs(1));
    }
    let [yes, no, never] = ids.try_into().unwrap();
    assert_eq!(world.waiting(&token).await, [yes.as_str(), &no, &never], "the oldest first");
    let list = world.get(&token, "/requests").await.json();
    let first = &list["items"][0];
    assert_eq!(
        (first["name"].as_str(), first["reason"].as_str(), first["suggested_role"].as_str()),
        (Some("yes"), Some("not_invited"), Some("User"))
    );

    let approved = world.answer(&token, &yes, "approve", Some(&json!({ "role": "User", "seat": "Standard" }))).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let member = &approved.json()["member"];
    assert_eq!(
        (member["role"].as_str(), member["seat"].as_str(), member["status"].as_str()),
        (Some("User"), Some("Standard"), Some("active"))
    );
    let declined = world.answer(&token, &no, "decline", Some(&json!({ "note": "Please ask your team lead." }))).await;
    assert_eq!((declined.status, declined.body.as_str()), (204, ""), "{declined:?}");
    let blocked = world.answer(&token, &never, "block", None).await;
    assert_eq!((blocked.status, blocked.json()["status"].as_str()), (200, Some("blocked")), "{blocked:?}");
    assert_eq!(world.waiting(&token).await, [""; 0]);
    for (id, how, body) in [(&yes, "approve", Some(json!({ "role": "User" }))), (&no, "decline", Some(json!({}))), (&never, "block", None)]
    {
        assert_eq!(world.answer(&token, id, how, body.as_ref()).await.status, 404, "{how}: an answer is given once");
    }
}

#[tokio::test]
async fn nobody_is_let_in_above_the_token_s_role_or_as_what_there_is_not() {
    let world = World::start().await;
    let token = world.token("acme", "ada", [Permission::MembersWrite, Permission::MembersRead]).await.secret.reveal().to_owned();
    let id = world.knock("acme", "stranger").await.to_string();
    let approve = async |body: serde_json::Value| world.answer(&token, &id, "approve", Some(&body)).await;
    let above = approve(json!({ "role": "Owner" })).await;
    assert_eq!((above.status, above.json()["reason"].as_str()), (409, Some("above_your_role")), "{above:?}");
    assert_eq!(approve(json!({ "role": "Emperor" })).await.status, 422);
    assert_eq!(approve(json!({ "role": "User", "seat": "Gold" })).await.status, 422);
    assert_eq!(approve(json!({ "seat": "Premium" })).await.status, 422, "a role is said");
    for note in ["x".repeat(501), "\u{0}".to_owned(), "a\u{1b}[31mb".to_owned(), "a\u{202e}b".to_owned()] {
        assert_eq!(world.answer(&token, &id, "decline", Some(&json!({ "note": note }))).await.status, 422, "{note:?}");
    }
    assert_eq!(world.waiting(&token).await, std::slice::from_ref(&id), "and all the time they wait");
    let foreign = world.knock("globex", "somebody").await.to_string();
    assert_eq!(world.answer(&token, &foreign, "block", None).await.status, 404);
}
