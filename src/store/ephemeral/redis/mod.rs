//! What may be lost, in Redis: shared by all nodes. Redis 6.2 or newer, or what speaks like it.
//!
//! - `connect`: from an address to a connection, for one server, Sentinel and Cluster
//! - `link`: the connection of this node, made anew when it breaks, and never waited for long
//! - `news`: what the nodes tell each other
//! - [`RedisStore`]: the operations
//!
//! The one rule of this folder: each operation is one command or one script on one key, so it is whole or not at all, also in a cluster.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Cmd, FromRedisValue, cmd};
use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use super::{Ephemeral, EphemeralError, Published};
use crate::core::RedisAddress;
use crate::metrics::Latency;
use link::Link;

mod connect;
mod link;
mod news;

/// Keys with a life, in Redis. Usable from any number of Tokio runtimes at once.
#[derive(Debug)]
pub struct RedisStore {
    link: Link,
    prefix: String,
    published: broadcast::Sender<Published>,
    _listener: AbortOnDropHandle<()>,
}

/// The window starts with the first count.
const COUNT: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count";

/// A set in the order of coming: scores count up, and whoever is in keeps the place.
const INSERT: &str = "
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
    redis.call('ZADD', KEYS[1], (tonumber(last[2]) or 0) + 1, ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])";

impl RedisStore {
    /// A store on the servers at `address`. They need not answer yet: every operation tries by itself. Must be called on a runtime that lives as long as the
    /// store; what the nodes tell each other is listened to there.
    ///
    /// # Errors
    /// [`EphemeralError`] when a file that the address names cannot be read.
    pub fn new(address: &RedisAddress) -> Result<Self, EphemeralError> {
        let servers = connect::Servers::new(address)?;
        let published = broadcast::Sender::new(news::WAITING);
        let listener = news::listen(servers.clone(), news::channel(&address.prefix), published.clone());
        Ok(Self {
            link: Link::new(servers),
            prefix: address.prefix.clone(),
            published,
            _listener: AbortOnDropHandle::new(tokio::spawn(listener)),
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, EphemeralError> {
        redis::from_redis_value(self.link.run(command).await?).map_err(|error| EphemeralError(error.into()))
    }

    /// A script on one key. The server keeps it by its hash, so sending the text costs its bytes and no more.
    fn script(&self, text: &str, key: &str) -> Cmd {
        let mut call = cmd("EVAL");
        call.arg(text).arg(1).arg(self.key(key));
        call
    }
}

/// Redis refuses a life of nothing; a key of one millisecond is as good as none.
fn life(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 4)
}

#[async_trait]
impl Ephemeral for RedisStore {
    /// A write, because a server whose disk is full or that has become a replica still reads.
    async fn ping(&self) -> Result<(), EphemeralError> {
        self.ask(cmd("SET").arg(self.key("ping")).arg("").arg("PX").arg(1)).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), EphemeralError> {
        self.ask(cmd("SET").arg(self.key(key)).arg(value.as_ref()).arg("PX").arg(life(ttl))).await
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, EphemeralError> {
        self.ask(cmd("SET").arg(self.key(key)).arg(value.as_ref()).arg("XX").arg("PX").arg(life(ttl))).await
    }

    async fn find(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        self.ask(cmd("GET").arg(self.key(key))).await
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        self.ask(cmd("GETDEL").arg(self.key(key))).await
    }

    async fn claim(&self, key: &str, ttl: Duration) -> Result<bool, EphemeralError> {
        self.ask(cmd("SET").arg(self.key(key)).arg("").arg("NX").arg("PX").arg(life(ttl))).await
    }

    async fn delete(&self, key: &str) -> Result<bool, EphemeralError> {
        self.ask(cmd("DEL").arg(self.key(key))).await
    }

    async fn insert_into_set(&self, set: &str, member: &str, ttl: Duration) -> Result<(), EphemeralError> {
        self.ask(self.script(INSERT, set).arg(member).arg(life(ttl))).await
    }

    async fn remove_from_set(&self, set: &str, member: &str) -> Result<(), EphemeralError> {
        self.ask(cmd("ZREM").arg(self.key(set)).arg(member)).await
    }

    async fn list_set(&self, set: &str) -> Result<Vec<String>, EphemeralError> {
        self.ask(cmd("ZRANGE").arg(self.key(set)).arg(0).arg(-1)).await
    }

    async fn list_oldest(&self, set: &str, at_most: u32) -> Result<Vec<String>, EphemeralError> {
        match at_most.checked_sub(1) {
            Some(last) => self.ask(cmd("ZRANGE").arg(self.key(set)).arg(0).arg(last)).await,
            None => Ok(Vec::new()),
        }
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, EphemeralError> {
        self.ask(self.script(COUNT, key).arg(life(window))).await
    }

    async fn publish(&self, message: Bytes) -> Result<(), EphemeralError> {
        self.ask(cmd("PUBLISH").arg(news::channel(&self.prefix)).arg(message.as_ref())).await
    }

    fn took(&self) -> Option<&Latency> {
        Some(self.link.took())
    }

    fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.published.subscribe()
    }
}
