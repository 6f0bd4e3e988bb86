//! How often a program may ask, and how much and how slowly it may send.

use std::time::Duration;

use usher::admin::Permission;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{ORGANIZATIONS, World};
use crate::support::ask::{Ask, Reply};

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

/// All but the last byte of a body, on a connection of its own.
async fn half_sent(world: &World, ask: Ask, body: usize) -> TcpStream {
    let mut bytes = ask.header("Content-Type", "application/json").header("Content-Length", &body.to_string()).bytes();
    bytes.resize(bytes.len() + body - 1, b' ');
    let mut stream = TcpStream::connect(world.installation.public_address()).await.unwrap();
    // One that is refused may be closed meanwhile.
    let _ = stream.write_all(&bytes).await;
    stream
}

async fn answer_on(mut stream: TcpStream) -> Reply {
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read).await;
    Reply::parse(&read)
}

/// A token of many that leaks is no way to fill the memory, nor to keep connections: its bodies count like those of everybody else.
#[tokio::test]
async fn bodies_that_never_end_hold_a_bounded_memory_and_are_given_up() {
    const LARGEST: usize = 256 * 1024;
    let world = World::start().await;
    let token = world.full_token().await;
    let ask = || world.ask("POST", "acme", "/tokens").bearer(&token);
    let stranger = answer_on(half_sent(&world, world.ask("POST", "acme", "/tokens"), LARGEST).await).await;
    assert_eq!((stranger.status, stranger.header("connection")), (401, Some("close")), "not read at all");
    // All but one are 16 MiB together.
    let mut sent = Vec::new();
    for _ in 0..65 {
        sent.push(half_sent(&world, ask(), LARGEST).await);
    }
    let answers = join_all(sent.into_iter().map(answer_on)).await;
    let (refused, given_up): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 429);
    assert!(!refused.is_empty() && refused.len() < 10, "{} did not fit", refused.len());
    refused.iter().for_each(assert_waits);
    for late in &given_up {
        assert_eq!((late.status, late.json()["reason"].as_str()), (400, Some("not_json")), "{late:?}");
    }
    let is_last = |answer: &Reply| answer.header("connection") == Some("close");
    assert!(refused.iter().chain(&given_up).all(is_last), "what is left of a body is no next request");
}
