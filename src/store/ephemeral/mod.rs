//! What may be lost or expires: pending logins, the replay guard, sessions, tickets, rate counters.
//!
//! - [`Ephemeral`]: keys with a life
//! - [`memory`]: the default of one node; [`redis`]: for many, and [`sealed`], because it is another machine
//!
//! The one rule of this folder: `take` and `claim` are atomic, so that a pending login, a ticket or an assertion is used once.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::broadcast;

use crate::metrics::Latency;

pub mod memory;
pub mod redis;
pub mod sealed;

/// What a node that listens gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// A message, as it was published.
    Message(Bytes),
    /// Messages may have been missed: whoever keeps something by them forgets it.
    Gap,
}

/// The store cannot be used right now: a denial, and 503 with every cookie kept.
#[derive(Debug, thiserror::Error)]
#[error("the session store cannot be used right now")]
pub struct EphemeralError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the keys of strangers begin with: of logins that were started and not finished, and whatever else anybody can cause without having signed in.
/// A store with bounds keeps them apart, so that nobody takes the room of those who are inside.
pub const ANYONES: &str = "anyone:";

/// Keys with a life. Keys are text that the caller prefixes with its kind (`pending:`, `session:`); values are opaque.
#[async_trait]
pub trait Ephemeral: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), EphemeralError>;

    /// Sets a value, replacing an older one, for `ttl`.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), EphemeralError>;

    /// Replaces the value of a key that is still there, with a new life; `false` when it is gone. Never brings a deleted key back.
    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, EphemeralError>;

    /// Reads a value.
    async fn find(&self, key: &str) -> Result<Option<Bytes>, EphemeralError>;

    /// Reads and deletes a value: of many callers at once, exactly one gets it.
    async fn take(&self, key: &str) -> Result<Option<Bytes>, EphemeralError>;

    /// Sets a key unless it is there: of many callers at once, exactly one gets `true` until `ttl` has passed.
    async fn claim(&self, key: &str, ttl: Duration) -> Result<bool, EphemeralError>;

    /// Deletes a key; `true` when it was there.
    async fn delete(&self, key: &str) -> Result<bool, EphemeralError>;

    /// Adds a member to a set (an index: the sessions of a person, the pending logins of a browser) and renews the set's life.
    async fn insert_into_set(&self, set: &str, member: &str, ttl: Duration) -> Result<(), EphemeralError>;

    /// Takes a member out of a set.
    async fn remove_from_set(&self, set: &str, member: &str) -> Result<(), EphemeralError>;

    /// The members of a set, oldest first.
    async fn list_set(&self, set: &str) -> Result<Vec<String>, EphemeralError>;

    /// The same, of the oldest that many.
    async fn list_oldest(&self, set: &str, at_most: u32) -> Result<Vec<String>, EphemeralError>;

    /// Counts up and answers the new count; the counter starts at 1 and is gone `window` after it started.
    async fn count(&self, key: &str, window: Duration) -> Result<u64, EphemeralError>;

    /// Tells every node that listens, this one included. Nothing is kept for those who do not, and nobody says whether anyone heard.
    async fn publish(&self, message: Bytes) -> Result<(), EphemeralError>;

    /// How long its answers took, if they come from elsewhere: memory takes no time.
    fn took(&self) -> Option<&Latency> {
        None
    }

    /// What is published from now on. A reader that is too slow misses some, and gets an error that says so.
    fn subscribe(&self) -> broadcast::Receiver<Published>;
}
