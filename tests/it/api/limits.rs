//! How often a program may ask.

use std::time::Duration;

use usher::admin::Permission;

use super::{ORGANIZATIONS, World};
use crate::support::ask::Reply;

/// Five a minute, and the test may say from which address it asks.
async fn narrow() -> World {
    let edit =
        |usher_toml: String| usher_toml.replace("api = 100000", "api = 5").replace("[ops]", "trusted_proxies = [\"127.0.0.1\"]\n[ops]");
    World::edited(edit, ORGANIZATIONS).await
}

impl World {
    async fn ask_from(&self, address: &str, token: &str) -> Reply {
        self.send(self.ask("GET", "acme", "/seats").bearer(token).header("X-Forwarded-For", address)).await
    }
}

fn assert_waits(reply: &Reply) {
    assert_eq!((reply.status, reply.json()["reason"].as_str()), (429, Some("too_many_requests")), "{reply:?}");
    assert_eq!((reply.header("retry-after"), reply.header("content-type")), (Some("60"), Some("application/problem+json")), "{reply:?}");
}

#[tokio::test]
async fn an_address_asks_so_often_whatever_it_shows() {
    let world = narrow().await;
    let token = world.full_token().await;
    for number in 0..5 {
        let guess = format!("ush_{}", number.to_string().repeat(43));
        assert_eq!(world.ask_from("192.0.2.1", &guess).await.status, 401);
    }
    assert_waits(&world.ask_from("192.0.2.1", &token).await);
    assert_eq!(world.ask_from("192.0.2.2", &token).await.status, 200, "others go on");
    for last in 1..=5 {
        assert_eq!(world.ask_from(&format!("2001:db8:0:1::{last}"), "garbage").await.status, 401);
    }
    assert_waits(&world.ask_from("2001:db8:0:1:ffff::9", &token).await);
    world.clock.pass(Duration::from_mins(1));
    assert_eq!(world.ask_from("192.0.2.1", &token).await.status, 200);
}

#[tokio::test]
async fn a_token_asks_so_often_from_wherever_it_is_used() {
    let world = narrow().await;
    let token = world.full_token().await;
    for last in 1..=5 {
        assert_eq!(world.ask_from(&format!("192.0.2.{last}"), &token).await.status, 200);
    }
    assert_waits(&world.ask_from("192.0.2.6", &token).await);
    let other = world.token("acme", "ada", [Permission::MembersRead]).await;
    assert_eq!(world.ask_from("192.0.2.6", other.secret.reveal()).await.status, 200, "another token goes on");
    world.clock.pass(Duration::from_mins(1));
    assert_eq!(world.ask_from("192.0.2.6", &token).await.status, 200);
}
