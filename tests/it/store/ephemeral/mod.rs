//! What every [`usher::store::ephemeral::Ephemeral`] does; `memory` and `redis`: what each does beside.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use usher::store::ephemeral::{Ephemeral, Published};

mod memory;
mod redis;

/// A backend under test. Memory turns its clock; Redis waits.
#[async_trait]
trait Backend: Sync {
    /// A life that is over soon, and not before the next few questions are answered.
    const SHORT: Duration;

    fn store(&self) -> Arc<dyn Ephemeral>;
    async fn pass(&self, time: Duration);
}

const LONG: Duration = Duration::from_mins(1);

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

mod suite {
    use super::*;

    pub(super) async fn a_value_lives_until_its_time<B: Backend>(backend: &B) {
        let store = backend.store();
        store.put("a", bytes("1"), B::SHORT).await.unwrap();
        store.put("b", bytes("2"), LONG).await.unwrap();
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("1")));
        assert_eq!(store.find("c").await.unwrap(), None);
        backend.pass(B::SHORT).await;
        assert_eq!(store.find("a").await.unwrap(), None);
        assert_eq!(store.find("b").await.unwrap(), Some(bytes("2")));
    }

    pub(super) async fn a_newer_value_has_a_life_of_its_own<B: Backend>(backend: &B) {
        let store = backend.store();
        store.put("a", bytes("1"), B::SHORT).await.unwrap();
        store.put("a", bytes("2"), LONG).await.unwrap();
        backend.pass(B::SHORT).await;
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("2")));
    }

    pub(super) async fn replacing_never_brings_a_key_back<B: Backend>(backend: &B) {
        let store = backend.store();
        assert!(!store.replace("a", bytes("1"), LONG).await.unwrap());
        assert_eq!(store.find("a").await.unwrap(), None);
        store.put("a", bytes("1"), B::SHORT).await.unwrap();
        assert!(store.replace("a", bytes("2"), LONG).await.unwrap());
        backend.pass(B::SHORT).await;
        assert_eq!(store.find("a").await.unwrap(), Some(bytes("2")));
        assert!(store.replace("a", bytes("3"), B::SHORT).await.unwrap());
        backend.pass(B::SHORT).await;
        assert!(!store.replace("a", bytes("4"), LONG).await.unwrap());
        store.put("a", bytes("1"), LONG).await.unwrap();
        assert!(store.delete("a").await.unwrap());
        assert!(!store.replace("a", bytes("5"), LONG).await.unwrap());
    }

    pub(super) async fn of_many_who_take_one_gets_it<B: Backend>(backend: &B) {
        let store = backend.store();
        store.put("a", bytes("1"), LONG).await.unwrap();
        let takers = (0..50).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.take("a").await.unwrap() })
        });
        let got: Vec<_> = join_all(takers).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(got, [bytes("1")]);
        store.put("b", bytes("1"), B::SHORT).await.unwrap();
        backend.pass(B::SHORT).await;
        assert_eq!(store.take("b").await.unwrap(), None);
    }

    pub(super) async fn of_many_who_claim_one_wins_until_the_time_has_passed<B: Backend>(backend: &B) {
        let store = backend.store();
        let claims = (0..50).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.claim("a", B::SHORT).await.unwrap() })
        });
        assert_eq!(join_all(claims).await.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
        assert!(!store.claim("a", LONG).await.unwrap());
        backend.pass(B::SHORT).await;
        assert!(store.claim("a", B::SHORT).await.unwrap(), "a refused claim does not make the first one longer");
    }

    pub(super) async fn deleting_says_whether_it_was_there<B: Backend>(backend: &B) {
        let store = backend.store();
        store.put("a", bytes("1"), B::SHORT).await.unwrap();
        store.insert_into_set("s", "1", LONG).await.unwrap();
        assert!(store.delete("a").await.unwrap());
        assert!(!store.delete("a").await.unwrap());
        assert!(store.delete("s").await.unwrap());
        assert_eq!(store.list_set("s").await.unwrap(), Vec::<String>::new());
        store.put("a", bytes("1"), B::SHORT).await.unwrap();
        backend.pass(B::SHORT).await;
        assert!(!store.delete("a").await.unwrap());
    }

    pub(super) async fn a_set_keeps_its_members_in_the_order_of_their_coming<B: Backend>(backend: &B) {
        let store = backend.store();
        for member in ["b", "a", "c", "b"] {
            store.insert_into_set("s", member, LONG).await.unwrap();
            backend.pass(Duration::from_millis(2)).await;
        }
        assert_eq!(store.list_set("s").await.unwrap(), ["b", "a", "c"]);
        assert_eq!(store.list_oldest("s", 2).await.unwrap(), ["b", "a"]);
        assert_eq!(store.list_oldest("s", 0).await.unwrap(), Vec::<String>::new());
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

    pub(super) async fn a_set_lives_from_its_last_insertion<B: Backend>(backend: &B) {
        let store = backend.store();
        store.insert_into_set("s", "a", B::SHORT).await.unwrap();
        store.insert_into_set("s", "b", LONG).await.unwrap();
        backend.pass(B::SHORT).await;
        assert_eq!(store.list_set("s").await.unwrap(), ["a", "b"]);
        store.insert_into_set("s", "c", B::SHORT).await.unwrap();
        backend.pass(B::SHORT).await;
        assert_eq!(store.list_set("s").await.unwrap(), Vec::<String>::new());
    }

    pub(super) async fn a_counter_lives_from_its_first_count<B: Backend>(backend: &B) {
        let store = backend.store();
        assert_eq!(store.count("a", B::SHORT).await.unwrap(), 1);
        backend.pass(B::SHORT / 2).await;
        assert_eq!(store.count("a", B::SHORT).await.unwrap(), 2);
        assert_eq!(store.count("b", LONG).await.unwrap(), 1);
        backend.pass(B::SHORT / 2).await;
        assert_eq!(store.count("a", LONG).await.unwrap(), 1, "counting on does not make the window longer");
        let counts = (0..20).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.count("c", LONG).await.unwrap() })
        });
        let mut counts: Vec<_> = join_all(counts).await.into_iter().map(Result::unwrap).collect();
        counts.sort_unstable();
        assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    }

    pub(super) async fn a_key_used_for_something_else_is_an_error<B: Backend>(backend: &B) {
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

    pub(super) async fn what_is_published_reaches_all_who_listen<B: Backend>(backend: &B) {
        let store = backend.store();
        let listeners = [store.subscribe(), store.subscribe()];
        // Who listens over a network is there a moment later.
        let heard =
            join_all(listeners.map(async |mut listener| while listener.recv().await.unwrap() != Published::Message(bytes("hello")) {}));
        let say = async {
            loop {
                store.publish(bytes("hello")).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            _ = heard => {}
            () = say => {}
            () = tokio::time::sleep(Duration::from_secs(30)) => panic!("nobody heard it"),
        }
    }
}

/// The whole suite, with a store that has nothing in it for each part.
macro_rules! every_ephemeral_store_does_this {
    ($open:expr) => {
        crate::store::ephemeral::each! { $open;
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
            what_is_published_reaches_all_who_listen,
        }
    };
}

macro_rules! each {
    ($open:expr; $($name:ident),* $(,)?) => {
        $(println!("{}", stringify!($name));
        crate::store::ephemeral::suite::$name(&$open).await;)*
    };
}
use {each, every_ephemeral_store_does_this};
