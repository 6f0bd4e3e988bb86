//! What may be lost, in the memory of one process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::broadcast;

use super::{ANYONES, Ephemeral, EphemeralError, Published};
use crate::clock::Clock;

/// Keys with a life, in memory. It is counted by time that passes, not by the time of day: a clock that jumps ahead and is put right again would make what was
/// used once look unused. Expired keys are dropped by whoever writes next, asked for or not, so memory follows what is alive.
///
/// There are three rooms with a bound each, so that what anybody can cause takes no room from sessions: in the two that strangers fill, the oldest gives
/// way, because refusing more would hand the room to whoever fills it first. Not what ends soonest: whoever causes what lasts would have the rest.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    limit: Limit,
    state: Mutex<State>,
    published: broadcast::Sender<Published>,
}

/// What all but strangers' keys may take.
#[derive(Debug, Clone, Copy)]
struct Limit {
    entries: usize,
    bytes: usize,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// Sessions, and what comes after a login.
    Inside,
    /// [`ANYONES`].
    Anyones,
    /// Counters: one for each address that knocks.
    Counters,
}

impl Room {
    const ALL: [Self; 3] = [Self::Inside, Self::Anyones, Self::Counters];

    fn of(key: &str, kind: &Kind) -> Self {
        match kind {
            Kind::Counter(_) => Self::Counters,
            Kind::Value(_) | Kind::Set(_) => Self::of_key(key),
        }
    }

    fn of_key(key: &str) -> Self {
        if key.starts_with(ANYONES) { Self::Anyones } else { Self::Inside }
    }

    const fn limit(self, limit: Limit) -> Limit {
        match self {
            Self::Inside => limit,
            Self::Anyones | Self::Counters => Limit { entries: limit.entries / 4, bytes: limit.bytes / 4 },
        }
    }
}

/// Why a key was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// The limit is reached, and nothing has expired.
    #[error("the session store is full: it holds {0} entries")]
    Full(usize),
    /// The same for the bytes of all values.
    #[error("the session store is full: it holds {0} bytes")]
    FullOfBytes(usize),
    /// A value was used as a set or a counter, or the other way round: a fault of the caller.
    #[error("the key is in use for something else")]
    OtherKind,
}

impl From<MemoryError> for EphemeralError {
    fn from(error: MemoryError) -> Self {
        Self(Box::new(error))
    }
}

impl MemoryStore {
    /// Keys and members of sets that are kept at most, beside those that anybody can cause: a quarter of it for them, and a quarter for counters.
    pub const DEFAULT_LIMIT: usize = 1_000_000;

    /// The same for the bytes of values: a message that waits for its browser has up to half a MiB, and anyone may send one.
    pub const DEFAULT_LIMIT_BYTES: usize = 1024 * 1024 * 1024;

    /// An empty store that expires keys by [`Clock::elapsed`].
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_limit(clock, Self::DEFAULT_LIMIT)
    }

    /// The same with another limit on keys and members of sets, together.
    #[must_use]
    pub fn with_limit(clock: Arc<dyn Clock>, entries: usize) -> Self {
        let limit = Limit { entries, bytes: Self::DEFAULT_LIMIT_BYTES };
        Self { clock, limit, state: Mutex::default(), published: broadcast::Sender::new(256) }
    }

    /// The same store with another limit on the bytes of all values.
    #[must_use]
    pub const fn with_limit_bytes(mut self, bytes: usize) -> Self {
        self.limit.bytes = bytes;
        self
    }

    /// Keys and members of sets that are in memory now, expired ones included.
    #[must_use]
    pub fn count_entries(&self) -> usize {
        self.lock().rooms.iter().map(|stock| stock.size).sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at this moment, for reading: the key is gone if its time has come.
    fn state_for(&self, key: &str) -> MutexGuard<'_, State> {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        state.drop_if_expired(key, now);
        state
    }

    /// The state at this moment, for writing, and the moment at which a life of `ttl` ends.
    fn state_to_write(&self, key: &str, ttl: Duration) -> (MutexGuard<'_, State>, Duration) {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        state.drop_if_expired(key, now);
        state.sweep(now);
        (state, now.saturating_add(ttl))
    }
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Arc<str>, Entry>,
    rooms: [Stock; Room::ALL.len()],
}

/// What stands in one room.
#[derive(Debug, Default)]
struct Stock {
    /// When each key ends, soonest first.
    ends: BTreeSet<(Duration, Arc<str>)>,
    /// In the order in which they were written.
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
    /// Keys and members of sets.
    size: usize,
    /// Of all values.
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    ends_at: Duration,
    place: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Value(Bytes),
    Set(Set),
    Counter(u64),
}

impl Kind {
    fn size(&self) -> usize {
        match self {
            Self::Set(set) => 1 + set.places.len(),
            Self::Value(_) | Self::Counter(_) => 1,
        }
    }

    /// Sets and counters are made of our own short texts; only values have a length that others choose.
    fn bytes(&self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::Set(_) | Self::Counter(_) => 0,
        }
    }
}

/// Members in the order in which they first came.
#[derive(Debug, Default)]
struct Set {
    places: HashMap<Arc<str>, u64>,
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
}

impl State {
    /// Expired keys that one write drops: more than it adds, and few enough that no write waits for a million of them.
    const SWEEP: usize = 64;

    fn sweep(&mut self, now: Duration) {
        for room in Room::ALL {
            for _ in 0..Self::SWEEP {
                match self.stock(room).ends.first().cloned() {
                    Some((ends_at, key)) if ends_at <= now => drop(self.remove(&key)),
                    _ => break,
                }
            }
        }
    }

    #[expect(clippy::indexing_slicing, reason = "there is a stock for each room")]
    const fn stock(&mut self, room: Room) -> &mut Stock {
        &mut self.rooms[room as usize]
    }

    fn drop_if_expired(&mut self, key: &str, now: Duration) {
        if self.entries.get(key).is_some_and(|entry| entry.ends_at <= now) {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: &str) -> Option<Kind> {
        let (key, entry) = self.entries.remove_entry(key)?;
        let stock = self.stock(Room::of(&key, &entry.kind));
        stock.ends.remove(&(entry.ends_at, key));
        stock.order.remove(&entry.place);
        stock.size = stock.size.saturating_sub(entry.kind.size());
        stock.bytes = stock.bytes.saturating_sub(entry.kind.bytes());
        Some(entry.kind)
    }

    fn insert(&mut self, key: &str, kind: Kind, ends_at: Duration) {
        self.remove(key);
        let key: Arc<str> = key.into();
        let stock = self.stock(Room::of(&key, &kind));
        stock.size += kind.size();
        stock.bytes += kind.bytes();
        stock.ends.insert((ends_at, Arc::clone(&key)));
        let place = stock.next;
        stock.next += 1;
        stock.order.insert(place, Arc::clone(&key));
        self.entries.insert(key, Entry { ends_at, place, kind });
    }

    /// Sees to it that what stands under `key` may have this size and so many bytes.
    fn make_room(&mut self, room: Room, key: &str, size: usize, bytes: usize, limit: Limit) -> Result<(), MemoryError> {
        let limit = room.limit(limit);
        loop {
            let before = self.entries.get(key).filter(|entry| Room::of(key, &entry.kind) == room);
            let (old_size, old_bytes) = before.map_or((0, 0), |entry| (entry.kind.size(), entry.kind.bytes()));
            let stock = self.stock(room);
            let full = if size > old_size && stock.size - old_size + size > limit.entries {
                MemoryError::Full(stock.size)
            } else if bytes > old_bytes && stock.bytes - old_bytes + bytes > limit.bytes {
                MemoryError::FullOfBytes(stock.bytes)
            } else {
                return Ok(());
            };
            match (room, stock.order.first_key_value()) {
                (Room::Anyones | Room::Counters, Some((_, oldest))) => {
                    let oldest = Arc::clone(oldest);
                    self.remove(&oldest);
                }
                _ => return Err(full),
            }
        }
    }

    /// Puts a value in its place, if there is room.
    fn put(&mut self, key: &str, value: Bytes, ends_at: Duration, limit: Limit) -> Result<(), MemoryError> {
        self.make_room(Room::of_key(key), key, 1, value.len(), limit)?;
        self.insert(key, Kind::Value(value), ends_at);
        Ok(())
    }
}

#[async_trait]
impl Ephemeral for MemoryStore {
    async fn ping(&self) -> Result<(), EphemeralError> {
        Ok(())
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), EphemeralError> {
        let (mut state, ends_at) = self.state_to_write(key, ttl);
        Ok(state.put(key, value, ends_at, self.limit)?)
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, EphemeralError> {
        let (mut state, ends_at) = self.state_to_write(key, ttl);
        if !state.entries.contains_key(key) {
            return Ok(false);
        }
        state.put(key, value, ends_at, self.limit)?;
        Ok(true)
    }

    async fn find(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        match self.state_for(key).entries.get(key).map(|entry| &entry.kind) {
            None => Ok(None),
            Some(Kind::Value(value)) => Ok(Some(value.clone())),
            Some(_) => Err(MemoryError::OtherKind.into()),
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        let mut state = self.state_for(key);
        if state.entries.get(key).is_some_and(|entry| !matches!(entry.kind, Kind::Value(_))) {
            return Err(MemoryError::OtherKind.into());
        }
        match state.remove(key) {
            Some(Kind::Value(value)) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    async fn claim(&self, key: &str, ttl: Duration) -> Result<bool, EphemeralError> {
        let (mut state, ends_at) = self.state_to_write(key, ttl);
        if state.entries.contains_key(key) {
            return Ok(false);
        }
        state.put(key, Bytes::new(), ends_at, self.limit)?;
        Ok(true)
    }

    async fn delete(&self, key: &str) -> Result<bool, EphemeralError> {
        Ok(self.state_for(key).remove(key).is_some())
    }

    async fn insert_into_set(&self, set: &str, member: &str, ttl: Duration) -> Result<(), EphemeralError> {
        let (mut state, ends_at) = self.state_to_write(set, ttl);
        let size = match state.entries.get(set).map(|entry| &entry.kind) {
            None => 2,
            Some(kind @ Kind::Set(found)) => kind.size() + usize::from(!found.places.contains_key(member)),
            Some(_) => return Err(MemoryError::OtherKind.into()),
        };
        state.make_room(Room::of_key(set), set, size, 0, self.limit)?;
        let mut found = match state.remove(set) {
            Some(Kind::Set(found)) => found,
            _ => Set::default(),
        };
        if !found.places.contains_key(member) {
            let member: Arc<str> = member.into();
            found.places.insert(Arc::clone(&member), found.next);
            found.order.insert(found.next, member);
            found.next += 1;
        }
        state.insert(set, Kind::Set(found), ends_at);
        Ok(())
    }

    async fn remove_from_set(&self, set: &str, member: &str) -> Result<(), EphemeralError> {
        let mut state = self.state_for(set);
        let found = match state.entries.get_mut(set).map(|entry| &mut entry.kind) {
            None => return Ok(()),
            Some(Kind::Set(found)) => found,
            Some(_) => return Err(MemoryError::OtherKind.into()),
        };
        let Some(place) = found.places.remove(member) else { return Ok(()) };
        found.order.remove(&place);
        let is_empty = found.places.is_empty();
        let stock = state.stock(Room::of_key(set));
        stock.size = stock.size.saturating_sub(1);
        if is_empty {
            state.remove(set);
        }
        Ok(())
    }

    async fn list_set(&self, set: &str) -> Result<Vec<String>, EphemeralError> {
        self.list_oldest(set, u32::MAX).await
    }

    async fn list_oldest(&self, set: &str, at_most: u32) -> Result<Vec<String>, EphemeralError> {
        let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
        match self.state_for(set).entries.get(set).map(|entry| &entry.kind) {
            None => Ok(Vec::new()),
            Some(Kind::Set(found)) => Ok(found.order.values().take(at_most).map(|member| member.as_ref().to_owned()).collect()),
            Some(_) => Err(MemoryError::OtherKind.into()),
        }
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, EphemeralError> {
        let (mut state, ends_at) = self.state_to_write(key, window);
        match state.entries.get_mut(key).map(|entry| &mut entry.kind) {
            Some(Kind::Counter(count)) => {
                *count = count.saturating_add(1);
                Ok(*count)
            }
            Some(_) => Err(MemoryError::OtherKind.into()),
            None => {
                state.make_room(Room::Counters, key, 1, 0, self.limit)?;
                state.insert(key, Kind::Counter(1), ends_at);
                Ok(1)
            }
        }
    }

    async fn publish(&self, message: Bytes) -> Result<(), EphemeralError> {
        // An error says that nobody listens.
        self.published.send(Published::Message(message)).ok();
        Ok(())
    }

    fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.published.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn values_are_kept_up_to_the_limit_in_bytes_and_their_room_comes_back() {
        let store = MemoryStore::new(Arc::new(SystemClock)).with_limit_bytes(100);
        let value = |length| Bytes::from(vec![0; length]);
        store.put("a", value(60), LONG).await.unwrap();
        assert!(store.put("b", value(41), LONG).await.is_err());
        assert!(store.replace("a", value(101), LONG).await.is_err());
        assert!(store.claim("claimed", LONG).await.unwrap(), "what has no length fits");
        store.put("a", value(50), LONG).await.unwrap();
        store.put("b", value(50), LONG).await.unwrap();
        store.take("a").await.unwrap();
        store.put("c", value(50), LONG).await.unwrap();
    }
}
