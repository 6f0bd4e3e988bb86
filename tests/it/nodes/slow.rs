//! Servers that answer, and late: over a way that takes its time, with the real ones behind it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::outages::{answer, assert_not_now, until};
use super::{Shared, status};
use crate::support::ask::Ask;
use crate::support::relay::Relay;

/// Late, and in time.
const LATE: Duration = Duration::from_millis(100);
/// Longer than anybody waits for an answer of Redis, and for one of `PostgreSQL`.
const TOO_LATE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];
/// What a node may keep open to `PostgreSQL`.
const CONNECTIONS: i64 = 16;

/// Two nodes, and the ways from them to both servers.
async fn two_nodes() -> (Shared, Relay, Relay) {
    let (redis, postgres) = Shared::servers().await;
    let database = postgres.create_database().await;
    let (to_redis, to_postgres) = (Relay::start(redis.port()).await, Relay::start(postgres.port()).await);
    let sessions = to_redis.instead_of(redis.port(), &redis.url());
    let database = to_postgres.instead_of(postgres.port(), &database);
    (Shared::start_at(2, redis, postgres, &sessions, &database).await, to_redis, to_postgres)
}

#[tokio::test]
async fn who_was_asked_about_a_moment_ago_waits_for_no_slow_server_and_others_wait_for_its_answer() {
    let (all, to_redis, to_postgres) = two_nodes().await;
    let [knows, knows_not] = &all.nodes[..] else { panic!() };
    let (_, token) = knows.member_inside("ada", "Admin", Some("Premium")).await;
    assert_eq!(status(knows, &token).await, 200);
    for delay in [LATE, TOO_LATE[1]] {
        to_redis.delay(delay);
        to_postgres.delay(delay);
        let (began, asked) = (Instant::now(), knows.ephemeral.asked.load(Ordering::SeqCst));
        for _ in 0..50 {
            assert_eq!(status(knows, &token).await, 200);
        }
        assert_eq!(knows.ephemeral.asked.load(Ordering::SeqCst), asked, "nobody asked about a session that is known");
        assert!(began.elapsed() < TOO_LATE[1], "nobody waited: {:?}", began.elapsed());
        if delay > LATE {
            break;
        }
        // The other node asks both, one after the other; so does this one when what it knows is old.
        for node in [knows_not, knows] {
            let asked = Instant::now();
            assert_eq!(answer(node, &token).await.status, 200);
            assert!(asked.elapsed() >= LATE * 2, "{:?}", asked.elapsed());
            all.clock.pass(Duration::from_secs(10));
        }
        assert_eq!(answer(knows, &token).await.status, 200);
    }
}

#[tokio::test]
async fn a_redis_that_is_too_slow_is_as_good_as_none_until_it_is_fast_again() {
    let (all, to_redis, _to_postgres) = two_nodes().await;
    let [knows, knows_not] = &all.nodes[..] else { panic!() };
    let (_, token) = knows.member_inside("ada", "Admin", Some("Premium")).await;
    assert_eq!(status(knows, &token).await, 200);
    to_redis.delay(TOO_LATE[0]);
    all.clock.pass(Duration::from_secs(10));
    for _ in 0..20 {
        assert_eq!(answer(knows, &token).await.status, 200);
    }
    let crowd = join_all((0..40).map(|_| answer(knows_not, &token))).await;
    crowd.iter().for_each(assert_not_now);
    let login = knows.ask(Ask::to("auth.acme.example", "GET", "/test-login?name=ada")).await;
    assert!(login.status == 503 && login.cookie("__Host-usher").is_none(), "{login:?}");
    to_redis.delay(Duration::ZERO);
    for node in &all.nodes {
        until("the session is there again", async || status(node, &token).await == 200).await;
    }
    let login = async || knows.ask(Ask::to("auth.acme.example", "GET", "/test-login?name=ada")).await.cookie("__Host-usher");
    until("a login is kept again", async || login().await.is_some()).await;
}

#[tokio::test]
async fn a_postgres_that_is_too_slow_is_as_good_as_none_and_takes_no_connection_away_for_good() {
    let (all, _to_redis, to_postgres) = two_nodes().await;
    let [knows, knows_not] = &all.nodes[..] else { panic!() };
    let (_, token) = knows.member_inside("ada", "Admin", Some("Premium")).await;
    let (_, other) = knows.member_inside("ben", "User", Some("Premium")).await;
    assert_eq!(status(knows, &token).await, 200);
    to_postgres.delay(TOO_LATE[1]);
    all.clock.pass(Duration::from_secs(10));
    for _ in 0..20 {
        assert_eq!(answer(knows, &token).await.status, 200, "with the role and seat of before");
    }
    // More than there are connections, and again before the first of them are given up.
    for _ in 0..3 {
        let crowd = join_all((0..40).map(|_| answer(knows_not, &other))).await;
        crowd.iter().for_each(assert_not_now);
    }
    to_postgres.delay(Duration::ZERO);
    for node in &all.nodes {
        until("the member is known again", async || status(node, &other).await == 200).await;
        let answers = join_all((0..40).map(|_| node.members.store.find_settings())).await;
        assert!(answers.iter().all(Result::is_ok), "every connection is free again");
    }
    let open = "SELECT 'open', count(*) FROM pg_stat_activity WHERE application_name = 'usher'";
    until("what was given up is closed", async || all.postgres.numbers("postgres", open).await[0].1 <= 2 * CONNECTIONS).await;
}
