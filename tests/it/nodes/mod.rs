//! Three nodes that share a real Redis and a real `PostgreSQL`: what ends on one is over on all.
//!
//! - `ends`: every way in which a session ends, at the door where it really happens, heard by the others or not
//! - `limits`: they count together who knocks
//! - `outages`: when one of the two servers is no good; `slow`: when it answers, and late

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use usher::admin::{Actor, Admin, MemberChange, Who};
use usher::core::RedisAddress;
use usher::session::{Cause, Selector};
use usher::store::RequestOrigin;
use usher::store::ephemeral::redis::RedisStore;

use crate::store::fixtures::{World, acme, at, role, settings};
use crate::store::postgres::node;
use crate::support::ask::Ask;
use crate::support::gateway::{Gateway, TurnedClock};
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;

mod ends;
mod limits;
mod outages;
mod slow;

/// Nodes, their clock, and what they stand on.
struct Shared {
    nodes: Vec<Gateway>,
    clock: Arc<TurnedClock>,
    redis: Redis,
    postgres: Postgres,
}

impl Shared {
    async fn start(count: usize) -> Self {
        let (redis, postgres) = Self::servers().await;
        let (sessions, database) = (redis.url(), postgres.create_database().await);
        Self::start_at(count, redis, postgres, &sessions, &database).await
    }

    async fn servers() -> (Redis, Postgres) {
        (Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await, Postgres::start().await)
    }

    /// Nodes that reach both servers at these addresses.
    async fn start_at(count: usize, redis: Redis, postgres: Postgres, sessions: &str, database: &str) -> Self {
        let clock = Arc::new(TurnedClock::standing_at(at(0)));
        World::new(node(database).await, 50, 50).await;
        let mut nodes = Vec::new();
        for _ in 0..count {
            let ephemeral = Arc::new(RedisStore::new(&RedisAddress::parse(sessions).unwrap()).unwrap());
            let members = World::empty(node(database).await);
            nodes.push(Gateway::on(ephemeral, members, clock.clone(), |_| {}, None).await);
        }
        let nodes = Self { nodes, clock, redis, postgres };
        nodes.until_all_hear().await;
        nodes
    }

    async fn until_all_hear(&self) {
        let all = self.nodes.len().to_string();
        while self.redis.say(&["pubsub", "numsub", "usher:news"]).lines().nth(1) != Some(&all) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// How a session can be meant, by the id of its login, and why it ends.
type Way<'a> = (&'a dyn Fn(&str) -> Selector, Cause);

async fn status(node: &Gateway, token: &str) -> u16 {
    node.ask(Ask::get("/").cookie(token)).await.status
}

/// Waits for a condition on which a limit of one second stands.
pub(crate) async fn within_a_second<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), wait).await.unwrap_or_else(|_| panic!("not within a second: {what}"));
}

async fn socket(node: &Gateway, token: &str) -> WebSocketStream<TcpStream> {
    socket_at(node, "app.acme.example", token).await
}

async fn socket_at(node: &Gateway, host: &str, token: &str) -> WebSocketStream<TcpStream> {
    let mut request = format!("ws://{host}/socket").into_client_request().unwrap();
    request.headers_mut().insert("cookie", format!("__Host-usher={token}").parse().unwrap());
    let stream = TcpStream::connect(node.address).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.unwrap().0
}

#[tokio::test]
async fn what_is_ended_on_one_node_is_over_on_all_within_a_second_with_its_streams() {
    let all = Shared::start(3).await;
    let [first, second, third] = &all.nodes[..] else { panic!() };
    first.join("ada", "Admin", Some("Premium")).await;
    let row = first.join("ben", "User", Some("Premium")).await;
    let ways: [Way<'_>; 6] = [
        (&|token| Selector::Session(Gateway::key(token)), Cause::Logout),
        (&|token| Selector::Session(Gateway::key(token)), Cause::Replaced),
        (&|token| Selector::Session(Gateway::key(token)), Cause::Expired),
        (&|_| Selector::Person(row.person.id), Cause::Admin),
        (&|_| Selector::Member(row.member.id), Cause::Removed),
        (&|_| Selector::Provider(first.logout_of("okta", "ben")), Cause::Provider),
    ];
    let other = first.enter(&first.sign_in("ada").await, "app.acme.example").await;
    for (selector, cause) in ways {
        let login = first.sign_in("ben").await;
        let token = second.enter(&login, "app.acme.example").await;
        for node in &all.nodes {
            assert_eq!(status(node, &token).await, 200);
            assert_eq!(status(node, &other).await, 200);
        }
        let (mut on_second, mut on_third) = (socket(second, &token).await, socket(third, &token).await);
        let selector = selector(&login);
        let ended = first.sessions.end_sessions(selector.clone(), cause).await.unwrap();
        assert!(ended.sessions >= 2 && ended.streams == 0, "{selector:?}: {ended:?}");
        for node in &all.nodes {
            within_a_second("the session is over", async || status(node, &token).await == 401).await;
        }
        for socket in [&mut on_second, &mut on_third] {
            let closed = tokio::time::timeout(Duration::from_secs(1), socket.next()).await;
            assert!(closed.is_ok(), "{cause}: the socket is still open");
        }
        assert_eq!(status(third, &other).await, 200, "{cause}: who was not meant");
    }
}

#[tokio::test]
async fn a_role_that_is_taken_on_one_node_opens_nothing_on_any_within_a_second() {
    let all = Shared::start(3).await;
    let [first, _, third] = &all.nodes[..] else { panic!() };
    let row = first.join("ada", "Admin", Some("Premium")).await;
    first.join("olivia", "Owner", None).await;
    let token = first.enter(&first.sign_in("ada").await, "admin.acme.example").await;
    let asked = async |node: &Gateway| node.ask(Ask::to("admin.acme.example", "GET", "/").cookie(&token)).await.status;
    for node in &all.nodes {
        assert_eq!(asked(node).await, 200);
    }
    let mut open = socket_at(third, "admin.acme.example", &token).await;
    let admin = Admin { store: first.members.store.clone(), sessions: first.sessions.clone(), clock: all.clock.clone(), file: None };
    let operator = Actor { who: Who::Operator, organization: acme(), origin: RequestOrigin::default() };
    let change = MemberChange { role: Some(role("User")), seat: None, expected: None };
    admin.change_member(&operator, row.member.id, change).await.unwrap();
    for node in &all.nodes {
        within_a_second("the page is closed to them", async || asked(node).await == 403).await;
    }
    assert!(tokio::time::timeout(Duration::from_secs(1), open.next()).await.is_ok(), "the socket is still open");
}

#[tokio::test]
async fn other_ranks_are_known_on_all_nodes_within_a_second() {
    let all = Shared::start(2).await;
    let [first, second] = &all.nodes[..] else { panic!() };
    first.join("ada", "Admin", None).await;
    let login = first.sign_in("ada").await;
    let token = first.enter(&login, "admin.acme.example").await;
    let asked = async || second.ask(Ask::to("admin.acme.example", "GET", "/").cookie(&token)).await.status;
    assert_eq!(asked().await, 200);
    let mut other = settings(50, 50);
    other.organizations[0].roles.swap(1, 2);
    first.members.store.save_settings(&other, Some(1), "cli", at(1)).await.unwrap();
    second.members.store.find_settings().await.unwrap();
    first.sessions.invalidate_settings().await;
    tokio::time::timeout(Duration::from_secs(1), second.sessions.settings_changed()).await.unwrap();
    // An Admin ranks below a User now, and still reaches the role that the route asks for: its own.
    assert_eq!(asked().await, 200);
}

#[tokio::test]
async fn a_lost_message_costs_seconds_and_no_safety() {
    let all = Shared::start(3).await;
    let [first, second, third] = &all.nodes[..] else { panic!() };
    first.join("ben", "User", Some("Premium")).await;
    let login = first.sign_in("ben").await;
    let token = first.enter(&login, "app.acme.example").await;
    for node in &all.nodes {
        assert_eq!(status(node, &token).await, 200);
    }
    let mut open = socket(third, &token).await;
    // From now on nobody may publish.
    assert_eq!(all.redis.say(&["ACL", "SETUSER", "default", "-publish"]).trim(), "OK");
    first.sessions.end_sessions(Selector::Session(Gateway::key(&login)), Cause::Logout).await.unwrap();
    assert_eq!(status(first, &token).await, 401);
    assert_eq!(status(second, &token).await, 200, "this node could not know");
    all.clock.pass(Duration::from_secs(5));
    assert_eq!(status(second, &token).await, 401);
    let closed = tokio::time::timeout(Duration::from_secs(6), open.next()).await;
    assert!(closed.is_ok(), "the socket is still open");
    within_a_second("the app's side is closed too", async || third.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn whoever_could_not_hear_believes_nothing_that_is_kept() {
    let all = Shared::start(2).await;
    let [first, second] = &all.nodes[..] else { panic!() };
    first.join("ben", "User", Some("Premium")).await;
    let login = first.sign_in("ben").await;
    let token = first.enter(&login, "app.acme.example").await;
    assert_eq!(status(second, &token).await, 200);
    // The line to all listeners is cut, and while it is, a session ends.
    all.redis.say(&["ACL", "SETUSER", "default", "resetchannels"]);
    all.redis.say(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    first.sessions.end_sessions(Selector::Session(Gateway::key(&login)), Cause::Logout).await.unwrap();
    // It cannot know, unless it took so long that it asked by itself.
    assert!([200, 401].contains(&status(second, &token).await));
    all.redis.say(&["ACL", "SETUSER", "default", "allchannels"]);
    let over = async {
        while status(second, &token).await != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), over).await.expect("as soon as it hears again, and the clock has not moved");
}
