//! What every [`usher::store::ephemeral::Ephemeral`] does, and what memory does beside.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;
use usher::clock::Clock;
use usher::store::ephemeral::Ephemeral;
use usher::store::ephemeral::memory::MemoryStore;

/// A backend under test. Redis will be a second one, and will let the time pass by waiting.
#[async_trait]
trait Backend {
    fn store(&self) -> Arc<dyn Ephemeral>;
    async fn pass(&self, time: Duration);
}

const SHORT: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_mins(1);

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

mod suite {
    use super::*;

    pub(crate) async fn a_value_lives_until_its_time(backend: impl Backend) {
        let store = backend.store();
        store.put("a", bytes("1"), SHORT).await.unwrap();
        store.put("b", bytes("2"), LONG).await.unwrap();
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("1")));
        assert_eq!(store.find("c").await.unwrap(), None);
        backend.pass(SHORT).await;
        assert_eq!(store.find("a").await.unwrap(), None);
        assert_eq!(store.find("b").await.unwrap(), Some(bytes("2")));
    }

    pub(crate) async fn a_newer_value_has_a_life_of_its_own(backend: impl Backend) {
        let store = backend.store();
        store.put("a", bytes("1"), SHORT).await.unwrap();
        store.put("a", bytes("2"), LONG).await.unwrap();
        backend.pass(SHORT).await;
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("2")));
    }

    pub(crate) async fn replacing_never_brings_a_key_back(backend: impl Backend) {
        let store = backend.store();
        assert!(!store.replace("a", bytes("1"), LONG).await.unwrap());
        assert_eq!(store.find("a").await.unwrap(), None);
        store.put("a", bytes("1"), SHORT).await.unwrap();
        assert!(store.replace("a", bytes("2"), LONG).await.unwrap());
        backend.pass(SHORT).await;
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("2")));
        assert!(store.replace("a", bytes("3"), SHORT).await.unwrap());
        backend.pass(SHORT).await;
        assert!(!store.replace("a", bytes("4"), LONG).await.unwrap());
        store.put("a", bytes("1"), LONG).await.unwrap();
        assert!(store.delete("a").await.unwrap());
        assert!(!store.replace("a", bytes("5"), LONG).await.unwrap());
    }

    pub(crate) async fn of_many_who_take_one_gets_it(backend: impl Backend) {
        let store = backend.store();
        store.put("a", bytes("1"), LONG).await.unwrap();
        let takers = (0..50).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.take("a").await.unwrap() })
        });
        let got: Vec<_> = join_all(takers).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(got, [bytes("1")]);
        store.put("b", bytes("1"), SHORT).await.unwrap();
        backend.pass(SHORT).await;
        assert_eq!(store.take("b").await.unwrap(), None);
    }

    pub(crate) async fn of_many_who_claim_one_wins_until_the_time_has_passed(backend: impl Backend) {
        let store = backend.store();
        let claims = (0..50).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.claim("a", SHORT).await.unwrap() })
        });
        assert_eq!(join_all(claims).await.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
        assert!(!store.claim("a", LONG).await.unwrap());
        backend.pass(SHORT).await;
        assert!(store.claim("a", SHORT).await.unwrap(), "a refused claim does not make the first one longer");
    }

    pub(crate) async fn deleting_says_whether_it_was_there(backend: impl Backend) {
        let store = backend.store();
        store.put("a", bytes("1"), SHORT).await.unwrap();
        store.insert_into_set("s", "1", LONG).await.unwrap();
        assert!(store.delete("a").await.unwrap());
        assert!(!store.delete("a").await.unwrap());
        assert!(store.delete("s").await.unwrap());
        assert_eq!(store.list_set("s").await.unwrap(), Vec::<String>::new());
        store.put("a", bytes("1"), SHORT).await.unwrap();
        backend.pass(SHORT).await;
        assert!(!store.delete("a").await.unwrap());
    }

    pub(crate) async fn a_set_keeps_its_members_in_the_order_of_their_coming(backend: impl Backend) {
        let store = backend.store();
        for member in ["b", "a", "c", "b"] {
            store.insert_into_set("s", member, LONG).await.unwrap();
            backend.pass(Duration::from_millis(2)).await;
        }
        assert_eq!(store.list_set("s").await.unwrap(), ["b", "a", "c"]);
        store.remove_from_set("s", "b").await.unwrap();
        store.remove_from_set("s", "unknown").await.unwrap();
        store.remove_from_set("unknown", "b").await.unwrap();
        store.insert_into_set("s", "b", LONG).await.unwrap();
        assert_eq!(store.list_set("s").await.unwrap(), ["a", "c", "b"]);
        for member in ["a", "b", "c"] {
            store.remove_from_set("s", member).await.unwrap();
        }
        assert!(!store.delete("s").await.unwrap(), "an empty set is none");
    }

    pub(crate) async fn a_set_lives_from_its_last_insertion(backend: impl Backend) {
        let store = backend.store();
        store.insert_into_set("s", "a", SHORT).await.unwrap();
        store.insert_into_set("s", "b", LONG).await.unwrap();
        backend.pass(SHORT).await;
        assert_eq!(store.list_set("s").await.unwrap(), ["a", "b"]);
        store.insert_into_set("s", "c", SHORT).await.unwrap();
        backend.pass(SHORT).await;
        assert_eq!(store.list_set("s").await.unwrap(), Vec::<String>::new());
    }

    pub(crate) async fn a_counter_lives_from_its_first_count(backend: impl Backend) {
        let store = backend.store();
        assert_eq!(store.count("a", SHORT).await.unwrap(), 1);
        backend.pass(SHORT / 2).await;
        assert_eq!(store.count("a", SHORT).await.unwrap(), 2);
        assert_eq!(store.count("b", LONG).await.unwrap(), 1);
        backend.pass(SHORT / 2).await;
        assert_eq!(store.count("a", LONG).await.unwrap(), 1, "counting on does not make the window longer");
        let counts = (0..20).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.count("c", LONG).await.unwrap() })
        });
        let mut counts: Vec<_> = join_all(counts).await.into_iter().map(Result::unwrap).collect();
        counts.sort_unstable();
        assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    }

    pub(crate) async fn a_key_used_for_something_else_is_an_error(backend: impl Backend) {
        let store = backend.store();
        store.insert_into_set("s", "a", LONG).await.unwrap();
        store.put("v", bytes("x"), LONG).await.unwrap();
        assert!(store.find("s").await.is_err());
        assert!(store.take("s").await.is_err());
        assert!(store.count("s", LONG).await.is_err());
        assert!(store.list_set("v").await.is_err());
        assert!(store.insert_into_set("v", "a", LONG).await.is_err());
        assert_eq!(store.list_set("s").await.unwrap(), ["a"]);
        store.ping().await.unwrap();
    }
}

macro_rules! every_ephemeral_store_does_this {
    ($open:expr; $($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            suite::$name($open).await;
        })*
    };
}

every_ephemeral_store_does_this! { InMemory::new(MemoryStore::DEFAULT_LIMIT);
    a_value_lives_until_its_time,
    a_newer_value_has_a_life_of_its_own,
    replacing_never_brings_a_key_back,
    of_many_who_take_one_gets_it,
    of_many_who_claim_one_wins_until_the_time_has_passed,
    deleting_says_whether_it_was_there,
    a_set_keeps_its_members_in_the_order_of_their_coming,
    a_set_lives_from_its_last_insertion,
    a_counter_lives_from_its_first_count,
    a_key_used_for_something_else_is_an_error,
}

#[derive(Debug)]
struct TurnedClock(AtomicI64);

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct InMemory {
    store: Arc<MemoryStore>,
    clock: Arc<TurnedClock>,
}

impl InMemory {
    fn new(limit: usize) -> Self {
        let clock = Arc::new(TurnedClock(AtomicI64::new(1_780_000_000_000_000)));
        Self { store: Arc::new(MemoryStore::with_limit(clock.clone(), limit)), clock }
    }
}

#[async_trait]
impl Backend for InMemory {
    fn store(&self) -> Arc<dyn Ephemeral> {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn expired_keys_go_without_anyone_asking_for_them() {
    let memory = InMemory::new(1000);
    for number in 0..500 {
        memory.store.put(&format!("a{number}"), bytes("x"), SHORT).await.unwrap();
        memory.store.insert_into_set("set", &number.to_string(), SHORT).await.unwrap_or(());
    }
    memory.pass(SHORT).await;
    for number in 0..10 {
        memory.store.count(&format!("b{number}"), LONG).await.unwrap();
    }
    assert_eq!(memory.store.count_entries(), 10);
}

#[tokio::test]
async fn a_flood_ends_in_an_error_and_what_is_there_still_works() {
    let memory = InMemory::new(4);
    let store = &memory.store;
    store.put("a", bytes("1"), LONG).await.unwrap();
    store.put("b", bytes("1"), SHORT).await.unwrap();
    store.insert_into_set("s", "1", LONG).await.unwrap();
    assert_eq!(store.count_entries(), 4);
    assert!(store.put("c", bytes("1"), LONG).await.is_err());
    assert!(store.claim("c", LONG).await.is_err());
    assert!(store.count("c", LONG).await.is_err());
    assert!(store.insert_into_set("s", "2", LONG).await.is_err());
    assert!(store.insert_into_set("t", "1", LONG).await.is_err());
    store.put("a", bytes("2"), LONG).await.unwrap();
    assert!(store.replace("a", bytes("3"), LONG).await.unwrap());
    store.insert_into_set("s", "1", LONG).await.unwrap();
    assert_eq!(store.list_set("s").await.unwrap(), ["1"]);
    memory.pass(SHORT).await;
    store.put("c", bytes("1"), LONG).await.unwrap();
    store.take("a").await.unwrap();
    assert!(store.claim("d", LONG).await.unwrap());
    assert_eq!(store.count_entries(), 4);
}
