//! Redis as Sentinels and as a cluster, behind TLS and passwords, when a master dies: people who are inside, at the door, and on their way out.

use std::time::{Duration, Instant};

use super::nodes::Two;
use super::outages::{answer_of_mia, assert_not_now};
use super::{Load, Node, PATIENCE, ada, go_to_provider, is_ready, send_answer};
use crate::nodes::within_a_second;
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::redis::{Cluster, Lock, Redis, Watched};

const APP: &str = "app.localhost";
const COOKIE: &str = "__Host-usher";
/// How long any answer may take while a server is no good.
const BOUND: Duration = Duration::from_secs(6);

async fn status(node: &Node, cookie: &str) -> u16 {
    node.ask(Ask::to(APP, "GET", "/").cookie(cookie)).await.status
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until both nodes listen at these servers, all told.
async fn until_both_hear(servers: &[&Redis]) {
    let listeners =
        |redis: &&Redis| redis.say(&["pubsub", "numsub", "usher:news"]).lines().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    until("both nodes listen", async || servers.iter().map(listeners).sum::<u32>() == 2).await;
}

async fn until_both_are_ready(two: &Two) {
    for node in &two.nodes {
        until("the node is ready", async || is_ready(node.ops).await).await;
    }
}

/// What is ended at the first node is over at the second because it is told so: sooner than it would ask by itself.
async fn assert_a_logout_is_heard(two: &Two, cookie: &str) {
    for node in &two.nodes {
        assert_eq!(status(node, cookie).await, 200, "nobody was signed out");
    }
    two.log_out(cookie).await;
    within_a_second("a logout", async || status(&two.nodes[1], cookie).await == 401).await;
}

fn assert_no_secret_in_the_logs(two: &Two, url: &str) {
    let passwords: Vec<&str> = url.split([':', '@', '=', '&']).filter(|part| part.contains("password%")).collect();
    assert!(!passwords.is_empty(), "{url}");
    for password in passwords {
        let plain = percent_encoding::percent_decode_str(password).decode_utf8().unwrap();
        for node in &two.nodes {
            assert!(!node.log().contains(password) && !node.log().contains(&*plain), "{}", node.log());
        }
    }
}

#[tokio::test]
async fn when_the_master_dies_another_takes_over_and_nobody_is_signed_out() {
    let mut watched = Watched::start_behind(Some(Lock::make())).await;
    let two = Two::start(&watched.url(), None).await;
    until_both_hear(&[&watched.master]).await;
    let (mut browser, cookie) = ada(&two.site).await;
    let (_, other) = ada(&two.site).await;
    assert_eq!(status(&two.nodes[1], &other).await, 200);
    let mut mia = Browser::new();
    let asked = go_to_provider(&mut mia, &two.site).await;
    let answer = answer_of_mia(&two.site, &asked);
    watched.until_replicated().await;

    let load = Load::start(two.site.port, &cookie, 2);
    load.more(20).await;
    watched.master.kill();
    assert_not_now(&send_answer(&mut mia, &two.site, &answer).await);
    assert_not_now(&Browser::new().visit(&two.site.auth("/login/okta")).await);
    assert!(!is_ready(two.nodes[0].ops).await);
    watched.until_agreed().await;
    until_both_are_ready(&two).await;
    load.more(20).await;
    load.end().await;

    assert!(watched.replica.say(&["role"]).starts_with("master"));
    assert_eq!(send_answer(&mut mia, &two.site, &answer).await.status, 200, "the same answer, sent again: {}", two.nodes[0].log());
    ada(&two.site).await;
    until_both_hear(&[&watched.replica]).await;
    assert_a_logout_is_heard(&two, &other).await;
    assert_eq!(browser.open(&two.site.app("/")).await.status, 200);
    assert_eq!(browser.cookie(APP, COOKIE), Some(cookie), "no other session took its place");
    assert_no_secret_in_the_logs(&two, &watched.url());
}

#[tokio::test]
async fn when_a_master_of_a_cluster_dies_its_replica_takes_over_and_nobody_is_signed_out() {
    let mut cluster = Cluster::start_behind(Some(Lock::make())).await;
    // The one whose death every node notices: it is asked whether it is ready, and as the first in the address it is the one that is listened to.
    let place = cluster.place_of("usher:ping");
    cluster.nodes.swap(0, place);
    let replica = cluster.add_replica(0).await;
    let two = Two::start(&cluster.url(), None).await;
    until_both_hear(&cluster.nodes.iter().collect::<Vec<_>>()).await;
    let (_, cookie) = ada(&two.site).await;
    assert_a_logout_is_heard(&two, &cookie).await;

    // Sessions wherever their names put them.
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(ada(&two.site).await);
    }
    let (_, cookie) = ada(&two.site).await;
    cluster.until_replicated(0, &replica).await;
    let load = Load::start(two.site.port, &cookie, 2);
    load.more(20).await;
    cluster.nodes[0].kill();
    until("it is missed", async || !is_ready(two.nodes[0].ops).await).await;
    // A third of all keys is away, and soon nobody answers for the others either, until the replica does for all.
    while !is_ready(two.nodes[0].ops).await {
        let asked = Instant::now();
        let page = Browser::new().visit(&two.site.auth("/login/okta")).await;
        assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
        if page.status >= 400 {
            assert_not_now(&page);
        }
    }
    until_both_are_ready(&two).await;
    load.more(20).await;
    load.end().await;

    assert!(replica.say(&["role"]).starts_with("master"));
    until_both_hear(&[&cluster.nodes[1], &cluster.nodes[2], &replica]).await;
    for (mut browser, cookie) in people {
        assert_eq!(status(&two.nodes[1], &cookie).await, 200, "nobody was signed out: {}", two.nodes[1].log());
        assert_eq!(browser.open(&two.site.app("/")).await.status, 200);
    }
    let (_, cookie) = ada(&two.site).await;
    assert_a_logout_is_heard(&two, &cookie).await;
    assert_no_secret_in_the_logs(&two, &cluster.url());
}
