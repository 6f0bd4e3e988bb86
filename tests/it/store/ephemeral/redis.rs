//! The store of many nodes, on real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use usher::core::RedisAddress;
use usher::store::ephemeral::redis::RedisStore;
use usher::store::ephemeral::{Ephemeral, Published};

use super::{Backend, LONG, bytes, every_ephemeral_store_does_this};
use crate::support::redis::{Cluster, Lock, Redis, Watched};

struct InRedis(Arc<RedisStore>);

static STORES: AtomicU32 = AtomicU32::new(0);

/// A store of its own on servers that several share.
fn open(url: &str) -> InRedis {
    let sign = if url.contains('?') { '&' } else { '?' };
    let number = STORES.fetch_add(1, Ordering::Relaxed);
    InRedis(Arc::new(node(&format!("{url}{sign}prefix=test{number}:"))))
}

fn node(url: &str) -> RedisStore {
    RedisStore::new(&RedisAddress::parse(url).unwrap()).unwrap()
}

#[async_trait]
impl Backend for InRedis {
    const SHORT: Duration = Duration::from_millis(400);

    fn store(&self) -> Arc<dyn Ephemeral> {
        self.0.clone()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time + Duration::from_millis(2)).await;
    }
}

/// How long an operation may take, whatever the servers do.
const BOUND: Duration = Duration::from_secs(4);
/// How long servers may take to find together again.
const PATIENCE: Duration = Duration::from_mins(1);

/// Tries until it works; each try ends soon.
async fn until_it_works(store: &dyn Ephemeral) {
    let began = Instant::now();
    loop {
        let tried = Instant::now();
        let answer = store.put("back", bytes("1"), LONG).await;
        assert!(tried.elapsed() < BOUND, "{:?}", tried.elapsed());
        match answer {
            Ok(()) => return,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn one_server_does_what_every_store_does() {
    let redis = Redis::start().await;
    every_ephemeral_store_does_this!(open(&redis.url()));
}

#[tokio::test]
async fn a_cluster_does_what_every_store_does() {
    let cluster = Cluster::start().await;
    every_ephemeral_store_does_this!(open(&cluster.url()));
}

#[tokio::test]
async fn a_watched_master_does_what_every_store_does_before_and_after_it_fails() {
    let mut watched = Watched::start().await;
    every_ephemeral_store_does_this!(open(&watched.url()));

    let store = node(&watched.url());
    let mut heard = store.subscribe();
    store.put("kept", bytes("1"), LONG).await.unwrap();
    watched.until_replicated().await;
    watched.master.kill();
    until_it_works(&store).await;
    assert_eq!(store.find("kept").await.unwrap(), Some(bytes("1")));
    assert!(watched.replica.say(&["role"]).starts_with("master"));
    // Whoever listens is told that something may be missing, and hears again.
    tokio::time::timeout(PATIENCE, async {
        let say = async {
            loop {
                store.publish(bytes("again")).await.ok();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let hear = async { while heard.recv().await.unwrap() != Published::Message(bytes("again")) {} };
        tokio::select! { () = say => {}, () = hear => {} }
    })
    .await
    .unwrap();
    every_ephemeral_store_does_this!(open(&watched.url()));
}

#[tokio::test]
async fn a_master_that_became_a_replica_is_left() {
    let watched = Watched::start().await;
    let store = node(&watched.url());
    store.put("a", bytes("1"), LONG).await.unwrap();
    // Stopped for long enough to be replaced; when it goes on, it still thinks that it is the master.
    watched.master.signal("STOP");
    until_it_works(&store).await;
    watched.master.signal("CONT");
    until_it_works(&store).await;
    assert!(watched.replica.say(&["role"]).starts_with("master"));
}

/// It still answers us, and would take what its replica never hears of: so it was told not to.
#[tokio::test]
async fn a_master_that_is_cut_off_from_its_replica_and_the_sentinels_is_left_for_the_new_one() {
    let watched = Watched::start_behind(Some(Lock::make())).await;
    let store = node(&watched.url());
    store.put("a", bytes("1"), LONG).await.unwrap();
    watched.master.say(&["config", "set", "min-replicas-to-write", "1", "min-replicas-max-lag", "1"]);
    // The user as whom the replica and the Sentinels are connected; they are cut off with it.
    assert_eq!(watched.master.say(&["acl", "deluser", "operator"]).trim(), "1");
    wait_for("the replica is the master", async || watched.replica.say(&["role"]).starts_with("master")).await;
    until_it_works(&store).await;
    store.put("b", bytes("2"), LONG).await.unwrap();
    assert_eq!(watched.replica.say(&["exists", "usher:b"]).trim(), "1");
}

/// Whoever is signed in needs a look only. And whoever comes in meanwhile is refused by the master that is there: to look for it each time would keep
/// everybody waiting.
#[tokio::test]
async fn a_master_whose_only_replica_is_away_is_still_read_from() {
    let mut watched = Watched::start().await;
    let store = node(&watched.url());
    store.put("a", bytes("1"), LONG).await.unwrap();
    watched.master.say(&["config", "set", "min-replicas-to-write", "1", "min-replicas-max-lag", "1"]);
    watched.replica.kill();
    wait_for("the master takes no writes", async || store.put("b", bytes("2"), LONG).await.is_err()).await;
    let connections = || -> u64 {
        let stats = watched.master.say(&["info", "stats"]);
        stats.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap().trim().parse().unwrap()
    };
    // For long enough that the Sentinels are asked again in between.
    let (before, began) = (connections(), Instant::now());
    let mut refused = 0;
    while began.elapsed() < Duration::from_secs(3) {
        for _ in 0..20 {
            let error = store.put("b", bytes("2"), LONG).await.unwrap_err();
            assert!(format!("{error:?}").contains("NOREPLICAS"), "{error:?}");
            assert_eq!(store.find("a").await.unwrap(), Some(bytes("1")));
            refused += 1;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let made = connections() - before;
    assert!(made < refused / 4, "{made} connections for {refused} refusals");
    watched.replica.restart().await;
    until_it_works(&store).await;
}

async fn wait_for(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_at_once_and_needs_no_restart_of_ours() {
    let mut redis = Redis::start().await;
    let store = node(&redis.url());
    store.ping().await.unwrap();
    redis.kill();
    let asked = Instant::now();
    for _ in 0..20 {
        assert!(store.find("a").await.is_err());
        assert!(store.claim("a", LONG).await.is_err());
    }
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    redis.restart().await;
    until_it_works(&store).await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up() {
    let redis = Redis::start().await;
    let store = node(&redis.url());
    store.ping().await.unwrap();
    redis.signal("STOP");
    assert!(store.find("a").await.is_err());
    // It is known now: nobody waits for it.
    let asked = Instant::now();
    for _ in 0..1000 {
        assert!(store.find("a").await.is_err());
    }
    assert!(asked.elapsed() < Duration::from_secs(1) + BOUND, "{:?}", asked.elapsed());
    redis.signal("CONT");
    until_it_works(&store).await;
}

#[tokio::test]
async fn a_server_that_was_restarted_between_two_questions_is_found_again() {
    let mut redis = Redis::start().await;
    let store = node(&redis.url());
    store.put("a", bytes("1"), LONG).await.unwrap();
    redis.restart().await;
    assert_eq!(store.find("a").await.unwrap(), None, "a broken connection is no answer; the new one is asked");
}

/// Every core has a runtime of its own. What goes through the connection of another thread would wake both.
#[tokio::test]
async fn a_thread_asks_through_its_own_connection_and_may_end() {
    let redis = Redis::start().await;
    let store = node(&redis.url());
    let writers = || redis.say(&["client", "list"]).lines().filter(|client| client.contains(" cmd=set ")).count();
    store.put("a", bytes("1"), LONG).await.unwrap();
    assert_eq!(writers(), 1);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let elsewhere = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(store.put("a", bytes("2"), LONG)).unwrap();
            writers()
        };
        seen.push(std::thread::scope(|scope| scope.spawn(elsewhere).join().unwrap()));
        // The next thread is given what this one had, and that has ended with its runtime.
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("2")));
        store.put("a", bytes("1"), LONG).await.unwrap();
    }
    assert_eq!(seen[0], 2);
}

#[tokio::test]
async fn a_cluster_without_one_of_its_nodes_serves_no_slot_wrongly() {
    let mut cluster = Cluster::start().await;
    let store = node(&cluster.url());
    until_it_works(&store).await;
    cluster.nodes[0].kill();
    let asked = Instant::now();
    let mut failed = 0;
    for number in 0..30 {
        failed += u32::from(store.put(&format!("k{number}"), bytes("1"), LONG).await.is_err());
    }
    assert!(failed > 0, "a third of the keys had their home there");
    assert!(asked.elapsed() < BOUND * 10, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn the_first_question_after_a_failover_in_a_cluster_finds_the_new_master() {
    let mut cluster = Cluster::start().await;
    let store = node(&cluster.url());
    store.put("a", bytes("1"), LONG).await.unwrap();
    let place = cluster.place_of("usher:a");
    let replica = cluster.add_replica(place).await;
    cluster.until_replicated(place, &replica).await;
    cluster.nodes[place].kill();
    wait_for("the replica is the master", async || replica.say(&["role"]).starts_with("master")).await;
    cluster.until_whole().await;
    assert_eq!(store.find("a").await.unwrap(), Some(bytes("1")));
}

#[tokio::test]
async fn an_acl_user_with_the_rights_of_the_documentation_can_do_everything() {
    let redis = Redis::start().await;
    let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/running.md")).unwrap();
    let rule =
        documentation.lines().find_map(|line| line.trim().strip_prefix("ACL SETUSER usher ")).expect("docs/running.md shows the user");
    let rule = rule.replace("~usher:*", "~test*").replace("&usher:*", "&test*");
    let words: Vec<&str> = ["ACL", "SETUSER", "usher"].into_iter().chain(rule.split_whitespace()).collect();
    assert_eq!(redis.say(&words).trim(), "OK");
    redis.say(&["ACL", "SETUSER", "default", "off"]);
    let url = format!("redis://usher:a-long-password@127.0.0.1:{}", redis.port());
    every_ephemeral_store_does_this!(open(&url));
    assert!(node(&url.replace("a-long", "another")).ping().await.is_err());
    assert!(node(&redis.url()).ping().await.is_err());
}
