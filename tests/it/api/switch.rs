//! Turning connections on and off over the API, by somebody who may not, or who did not look at what it does.

use serde_json::{Value, json};
use strum::IntoEnumIterator as _;
use usher::admin::Permission;
use usher::clock::Clock as _;
use usher::store::{RequestOrigin, TokenAct};

use super::explain::mapped;
use super::settings::reason;
use super::{DAY, ORGANIZATIONS, World, organization};
use crate::support::ask::Reply;

/// Two more connections by which nobody has come yet.
const SPARES: &str = "[[connection]]\nid = \"spare\"\nprotocol = \"oidc\"\nissuer = \"https://spare.example\"\nclient_id = \"usher\"\n\
                      client_secret = \"secret\"\ndomains = [\"acme.example\"]\n\
                      [[connection]]\nid = \"other\"\nprotocol = \"oidc\"\nissuer = \"https://other.example\"\nclient_id = \"usher\"\n\
                      client_secret = \"secret\"\ndomains = [\"acme.example\"]\n";

/// Acme alone, with a way in and two spares.
async fn acme() -> World {
    World::alone(&format!("{SPARES}{}", mapped())).await
}

impl World {
    async fn look(&self, token: &str, connection: &str, enabled: bool) -> Reply {
        let body = json!({ "enabled": enabled }).to_string();
        self.send_json("POST", token, &format!("/connections/{connection}/switch/review"), &body).await
    }

    /// With the tag of now, which is the same for everybody.
    async fn switch(&self, token: &str, connection: &str, enabled: bool, review: &Value) -> Reply {
        let tag = format!("\"{}\"", self.installation.store.find_settings().await.unwrap().unwrap().revision);
        let body = json!({ "enabled": enabled, "review": review });
        self.with_tag("POST", token, &format!("/connections/{connection}/switch"), &tag, &body).await
    }

    /// The connections that are on.
    async fn on(&self) -> Vec<String> {
        let stored = self.installation.store.find_settings().await.unwrap().unwrap();
        stored.settings.connections.iter().filter(|connection| connection.enabled).map(|connection| connection.id.to_string()).collect()
    }

    async fn secret(&self, owner: &str, scopes: impl IntoIterator<Item = Permission>) -> String {
        self.token("acme", owner, scopes).await.secret.reveal().to_owned()
    }
}

#[tokio::test]
async fn an_admin_s_token_switches_with_the_scope_for_it_and_not_the_way_in_of_those_above() {
    let world = acme().await;
    let seen = world.look(&world.full_token().await, "spare", false).await.json();
    let without = world.secret("ada", Permission::iter().filter(|scope| *scope != Permission::SettingsWrite)).await;
    assert_eq!(reason(&world.look(&without, "spare", false).await), (403, "not_allowed".to_owned()));
    assert_eq!(reason(&world.switch(&without, "spare", false, &seen["id"]).await), (403, "not_allowed".to_owned()));
    assert_eq!(world.on().await.len(), 3);

    let with = world.secret("ada", [Permission::SettingsWrite]).await;
    let last = world.look(&with, "okta", false).await;
    assert_eq!(reason(&last), (409, "above_your_role".to_owned()), "{last:?}");
    assert_eq!(reason(&world.switch(&with, "okta", false, &seen["id"]).await), (409, "above_your_role".to_owned()));
    let seen = world.look(&with, "spare", false).await.json();
    assert_eq!(world.switch(&with, "spare", false, &seen["id"]).await.status, 200);
    assert_eq!(world.on().await, ["other", "okta"]);
}

/// A token belongs to one organization, and a connection to all of them, whoever the token's owner is.
#[tokio::test]
async fn where_there_are_two_organizations_no_token_switches() {
    let world = World::alone(&format!("{SPARES}{ORGANIZATIONS}")).await;
    let own = world.full_token().await;
    let foreign = world.token("globex", "gina", Permission::iter()).await.secret.reveal().to_owned();
    let everywhere = (409, "not_all_organizations".to_owned());
    for connection in ["okta", "spare"] {
        assert_eq!(reason(&world.look(&own, connection, false).await), everywhere, "{connection}");
        assert_eq!(reason(&world.switch(&own, connection, false, &json!("0123456789ab")).await), everywhere, "{connection}");
        assert_eq!(world.look(&foreign, connection, false).await.status, 404, "{connection}");
        assert_eq!(world.switch(&foreign, connection, false, &json!("0123456789ab")).await.status, 404, "{connection}");
        let path = format!("/connections/{connection}/switch/review");
        let ask = world.ask("POST", "globex", &path).bearer(&foreign).header("Content-Type", "application/json");
        assert_eq!(reason(&world.send(ask.body("{\"enabled\":false}")).await), everywhere, "{connection}, of its own");
    }
    assert_eq!(world.on().await.len(), 3);
}

#[tokio::test]
async fn a_token_that_ended_between_review_and_switch_switches_nothing() {
    let world = acme().await;
    let (expiring, revoked) = (world.full_token().await, world.token_for(9, "acme", "olivia", Permission::iter()).await);
    let seen = world.look(&expiring, "spare", false).await.json();
    let act = TokenAct { actor: "cli".to_owned(), origin: RequestOrigin::default(), now: world.clock.now() };
    world.installation.store.revoke_token(&organization("acme"), revoked.token.row.id, act).await.unwrap();
    world.clock.pass(DAY);
    for (token, why) in [(expiring.as_str(), "token_expired"), (revoked.secret.reveal(), "token_revoked")] {
        assert_eq!(reason(&world.look(token, "spare", false).await), (401, why.to_owned()));
        assert_eq!(reason(&world.switch(token, "spare", false, &seen["id"]).await), (401, why.to_owned()));
    }
    assert_eq!(world.on().await.len(), 3);
}

#[tokio::test]
async fn a_review_is_good_for_its_own_connection_its_own_direction_and_once() {
    let world = acme().await;
    let token = world.full_token().await;
    let seen = world.look(&token, "spare", false).await.json()["id"].clone();
    let changed = (409, "review_changed".to_owned());
    assert_eq!(reason(&world.switch(&token, "other", false, &seen).await), changed, "of another connection");
    assert_eq!(reason(&world.switch(&token, "okta", false, &seen).await), changed, "of the way in");
    for made_up in [json!(""), json!("0"), json!("x".repeat(200))] {
        assert_eq!(reason(&world.switch(&token, "spare", false, &made_up).await), changed, "{made_up}");
    }
    assert_eq!(world.on().await.len(), 3);

    assert_eq!(world.switch(&token, "spare", false, &seen).await.status, 200);
    assert_eq!(reason(&world.switch(&token, "spare", false, &seen).await), changed, "again");
    // Whoever had it on once may turn it on again, but not by what was said about turning it off.
    let back = world.switch(&token, "spare", true, &seen).await;
    assert_eq!(reason(&back), (409, "connection_not_tested".to_owned()), "{back:?}");
    assert_eq!(world.on().await, ["other", "okta"]);
}

/// Neither by a review that was looked at, nor by typing what would overrule a smaller objection.
#[tokio::test]
async fn the_last_way_in_stays_on_whatever_is_typed() {
    let world = acme().await;
    let token = world.full_token().await;
    let seen = world.look(&token, "okta", false).await.json();
    let codes: Vec<&str> = seen["objections"].as_array().unwrap().iter().map(|objection| objection["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["lockout_nobody", "lockout_owner"], "{seen:#}");
    let refused = world.switch(&token, "okta", false, &seen["id"]).await;
    assert_eq!(reason(&refused), (409, "lockout_nobody".to_owned()), "{refused:?}");
    let tag = world.tag(&token).await;
    for confirm in [json!({ "organization_name": "Acme" }), json!({ "organization_name": "Acme", "lose_access": 4 })] {
        let body = json!({ "enabled": false, "review": seen["id"], "confirm": confirm });
        let refused = world.with_tag("POST", &token, "/connections/okta/switch", &tag, &body).await;
        assert_eq!(refused.status, 409, "{confirm}: {refused:?}");
    }
    assert_eq!(world.on().await.len(), 3);
}
