//! The store of one node.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use usher::store::ephemeral::Ephemeral;
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::ephemeral::sealed::{SealedStore, SealingKeys};

use super::{Backend, LONG, bytes, every_ephemeral_store_does_this};
use crate::store::fixtures::at;
use crate::support::gateway::TurnedClock;

const SHORT: Duration = Duration::from_millis(40);

#[tokio::test]
async fn memory_does_what_every_store_does() {
    every_ephemeral_store_does_this!(InMemory::new(MemoryStore::DEFAULT_LIMIT));
}

/// What seals values changes nothing else.
#[tokio::test]
async fn a_sealed_store_does_what_every_store_does() {
    every_ephemeral_store_does_this!(Sealed(InMemory::new(MemoryStore::DEFAULT_LIMIT)));
}

struct Sealed(InMemory);

#[async_trait]
impl Backend for Sealed {
    const SHORT: Duration = SHORT;

    fn store(&self) -> Arc<dyn Ephemeral> {
        Arc::new(SealedStore::new(self.0.store(), SealingKeys::new(std::iter::once(&b"a secret"[..]))))
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }
}

struct InMemory {
    store: Arc<MemoryStore>,
    clock: Arc<TurnedClock>,
}

impl InMemory {
    fn new(limit: usize) -> Self {
        let clock = Arc::new(TurnedClock::standing_at(at(0)));
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
        self.clock.pass(time);
    }
}

/// A message that was used must not be good again because a clock that was wrong for a moment was put right.
#[tokio::test]
async fn what_was_used_once_stays_used_when_the_clock_jumps_and_is_put_right() {
    let memory = InMemory::new(1000);
    assert!(memory.store.claim("assertion", LONG).await.unwrap());
    memory.clock.set_forward(LONG * 2);
    memory.store.find("assertion").await.unwrap();
    memory.store.put("anything", bytes("written meanwhile"), LONG).await.unwrap();
    memory.clock.set_back(LONG * 2);
    assert!(!memory.store.claim("assertion", LONG).await.unwrap(), "used before");
    memory.clock.pass(LONG);
    assert!(memory.store.claim("assertion", LONG).await.unwrap(), "its time has passed");
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

/// A login that was started costs a few keys, and whoever has a network can start them from more addresses than there are limits for. What they take is
/// taken from each other: the oldest give way, and who is inside, or comes in, notices nothing.
#[tokio::test]
async fn what_strangers_cause_takes_no_room_from_those_inside() {
    let memory = InMemory::new(40);
    let store = &memory.store;
    store.insert_into_set("sessions:person:ada", "1", LONG).await.unwrap();
    for number in 0..1000 {
        store.put(&format!("anyone:pending:{number}"), bytes("login"), LONG).await.unwrap();
        store.insert_into_set(&format!("anyone:browser-logins:{number}"), &number.to_string(), LONG).await.unwrap();
        store.count(&format!("limit:sign-in:{number}"), LONG).await.unwrap();
    }
    let entries = store.count_entries();
    assert!((2 + 9 + 10..=2 + 10 + 10).contains(&entries), "a quarter for each of the two, not {entries}");
    for number in 0..38 {
        store.put(&format!("session:{number}"), bytes("session"), LONG).await.unwrap();
    }
    assert!(store.put("session:38", bytes("session"), LONG).await.is_err(), "nobody is put out to make room");
    assert_eq!(store.list_set("sessions:person:ada").await.unwrap(), ["1"]);
    store.put("anyone:pending:mine", bytes("login"), LONG).await.unwrap();
    assert_eq!(store.take("anyone:pending:mine").await.unwrap(), Some(bytes("login")));
    assert_eq!(store.count("limit:sign-in:999", LONG).await.unwrap(), 2, "a counter of a moment ago counts on");
    // Nor does what lasts keep out what does not: a limit of a minute counts beside any number of those of an hour.
    for number in 0..9 {
        store.count(&format!("saml-openings:{number}"), LONG * 60).await.unwrap();
        assert_eq!(store.count("limit:sign-in:999", LONG).await.unwrap(), 3 + number, "beside {number}");
    }
}

#[tokio::test]
async fn a_message_that_waits_for_its_browser_gives_way_to_newer_ones_and_not_to_a_larger_one_than_fits() {
    let clock = Arc::new(TurnedClock::standing_at(at(0)));
    let store = MemoryStore::new(clock).with_limit_bytes(400);
    let value = |length| bytes::Bytes::from(vec![0; length]);
    store.put("session:ada", value(400), LONG).await.unwrap();
    store.put("anyone:parked:old", value(60), SHORT).await.unwrap();
    store.put("anyone:parked:new", value(40), LONG).await.unwrap();
    store.put("anyone:parked:newer", value(60), LONG).await.unwrap();
    assert_eq!(store.find("anyone:parked:old").await.unwrap(), None);
    assert!(store.find("anyone:parked:new").await.unwrap().is_some());
    assert!(store.put("anyone:parked:huge", value(101), LONG).await.is_err());
    assert!(store.find("session:ada").await.unwrap().is_some());
}
