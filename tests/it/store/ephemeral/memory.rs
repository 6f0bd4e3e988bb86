//! The store of one node.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use usher::clock::Clock;
use usher::store::ephemeral::Ephemeral;
use usher::store::ephemeral::memory::MemoryStore;

use super::{Backend, LONG, bytes, every_ephemeral_store_does_this};

const SHORT: Duration = Duration::from_millis(40);

#[tokio::test]
async fn memory_does_what_every_store_does() {
    every_ephemeral_store_does_this!(InMemory::new(MemoryStore::DEFAULT_LIMIT));
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
    const SHORT: Duration = SHORT;

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
