//! The stores' bad days. Nobody is signed out by an outage, and nobody gets in because of one.

use std::time::{Duration, Instant};

use usher::session::{Cause, Selector};

use super::{Shared, status};
use crate::support::ask::{Ask, Reply};
use crate::support::gateway::{Gateway, LIFETIME};

/// What the fixtures configure.
const GRACE: Duration = Duration::from_mins(5);
/// How long an answer may take while a server is no good.
const BOUND: Duration = Duration::from_secs(6);

pub(super) async fn answer(node: &Gateway, token: &str) -> Reply {
    let asked = Instant::now();
    let reply = node.ask(Ask::get("/").cookie(token)).await;
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    reply
}

/// Not now, and nothing is taken away.
pub(super) fn assert_not_now(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.header("retry-after").is_some() && reply.header("set-cookie").is_none(), "{reply:?}");
}

pub(super) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A node that knows the session, one that does not, and the session.
async fn two_nodes() -> (Shared, String) {
    let all = Shared::start(2).await;
    let (_, token) = all.nodes[0].member_inside("ada", "Admin", Some("Premium")).await;
    assert_eq!(status(&all.nodes[0], &token).await, 200);
    (all, token)
}

/// The same whether Redis is gone or hangs.
async fn without_redis(all: &Shared, token: &str) {
    let [knows, knows_not] = &all.nodes[..] else { panic!() };
    assert_not_now(&answer(knows_not, token).await);
    all.clock.pass(Duration::from_secs(10));
    for _ in 0..20 {
        assert_eq!(answer(knows, token).await.status, 200);
    }
    assert_not_now(&answer(knows, "AAAAAAAAAAAAAAAAAAAAAA").await);
    // Nobody gets in: a login cannot be kept.
    let login = knows.ask(Ask::to("auth.acme.example", "GET", "/test-login?name=ada")).await;
    assert!(login.status == 503 && login.cookie("__Host-usher").is_none(), "{login:?}");
    all.clock.pass(GRACE);
    assert_not_now(&answer(knows, token).await);
}

#[tokio::test]
async fn without_redis_who_is_known_goes_on_for_the_time_of_grace() {
    let (mut all, token) = two_nodes().await;
    all.redis.kill();
    without_redis(&all, &token).await;
    all.redis.restart().await;
    for node in &all.nodes {
        until("the session is there again", async || status(node, &token).await == 200).await;
    }
}

#[tokio::test]
async fn a_redis_that_hangs_is_as_good_as_none() {
    let (all, token) = two_nodes().await;
    all.redis.signal("STOP");
    without_redis(&all, &token).await;
    all.redis.signal("CONT");
    for node in &all.nodes {
        until("the session is there again", async || status(node, &token).await == 200).await;
    }
}

/// The same whether `PostgreSQL` is gone or hangs.
async fn without_postgres(all: &Shared, token: &str, other: &str) {
    let [knows, knows_not] = &all.nodes[..] else { panic!() };
    all.clock.pass(Duration::from_secs(10));
    for _ in 0..20 {
        assert_eq!(answer(knows, token).await.status, 200, "with the role and seat of before");
    }
    assert_not_now(&answer(knows_not, other).await);
    all.clock.pass(GRACE);
    assert_not_now(&answer(knows, token).await);
}

#[tokio::test]
async fn without_postgres_who_is_known_goes_on_for_the_time_of_grace() {
    let (mut all, token) = two_nodes().await;
    let (_, other) = all.nodes[0].member_inside("ben", "User", Some("Premium")).await;
    all.postgres.kill();
    without_postgres(&all, &token, &other).await;
    all.postgres.restart().await;
    for (node, token) in all.nodes.iter().zip([&token, &other]) {
        until("the member is known again", async || status(node, token).await == 200).await;
    }
}

#[tokio::test]
async fn a_postgres_that_hangs_is_as_good_as_none() {
    let (all, token) = two_nodes().await;
    let (_, other) = all.nodes[0].member_inside("ben", "User", Some("Premium")).await;
    all.postgres.signal_all("STOP");
    without_postgres(&all, &token, &other).await;
    all.postgres.signal_all("CONT");
    for (node, token) in all.nodes.iter().zip([&token, &other]) {
        until("the member is known again", async || status(node, token).await == 200).await;
    }
}

#[tokio::test]
async fn a_session_that_was_ended_before_the_outage_stays_ended_in_it() {
    let mut all = Shared::start(2).await;
    let [first, second] = &all.nodes[..] else { panic!() };
    let (row, token) = first.member_inside("ada", "Admin", Some("Premium")).await;
    assert_eq!(status(second, &token).await, 200);
    first.sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await.unwrap();
    until("the other node knows", async || status(second, &token).await == 401).await;
    all.redis.kill();
    for node in &all.nodes {
        let reply = answer(node, &token).await;
        assert!(matches!(reply.status, 401 | 503), "{reply:?}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_opens_nothing() {
    let (all, token) = two_nodes().await;
    all.clock.set_back(Duration::from_hours(2));
    assert_eq!(answer(&all.nodes[0], &token).await.status, 200);
    all.clock.pass(Duration::from_hours(2));
    assert_eq!(answer(&all.nodes[0], &token).await.status, 200);
    all.clock.pass(LIFETIME);
    assert_eq!(answer(&all.nodes[0], &token).await.status, 401);
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_no_grace_without_redis() {
    let (mut all, token) = two_nodes().await;
    all.redis.kill();
    all.clock.set_back(Duration::from_hours(2));
    assert_not_now(&answer(&all.nodes[0], &token).await);
}
