//! Open WebSocket and event streams, by session and by person.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Session, SessionError, SessionKey, Sessions};
use crate::core::PersonId;

/// What a stream is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Something about the person changed: judge again whether it may go on.
    LookAgain,
    /// The session is over: close.
    Ended,
}

#[derive(Debug)]
struct Open {
    person: PersonId,
    count: usize,
    signal: watch::Sender<Option<Signal>>,
}

/// The streams of this node.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<SessionKey, Open>,
    persons: HashMap<PersonId, HashSet<SessionKey>>,
}

impl Streams {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(self: &Arc<Self>, session: &Session) -> StreamGuard {
        let (key, person) = (session.key(), session.person());
        let mut table = self.table();
        table.persons.entry(person).or_default().insert(key);
        let open = table.sessions.entry(key);
        let open = open.or_insert_with(|| Open { person, count: 0, signal: watch::Sender::new(None) });
        open.count += 1;
        StreamGuard { streams: Arc::clone(self), key, signal: open.signal.subscribe() }
    }

    fn unregister(&self, key: SessionKey) {
        let mut table = self.table();
        let Some(open) = table.sessions.get_mut(&key) else { return };
        open.count -= 1;
        if open.count == 0 {
            let person = open.person;
            table.sessions.remove(&key);
            if let Some(keys) = table.persons.get_mut(&person) {
                keys.remove(&key);
                if keys.is_empty() {
                    table.persons.remove(&person);
                }
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.table().sessions.values().map(|open| open.count).sum()
    }

    /// Tells the streams of a session to close; how many.
    pub(super) fn end(&self, key: SessionKey) -> usize {
        let table = self.table();
        let Some(open) = table.sessions.get(&key) else { return 0 };
        open.signal.send_replace(Some(Signal::Ended));
        open.count
    }

    pub(super) fn look_again(&self, person: PersonId) {
        let table = self.table();
        let sessions = table.persons.get(&person).into_iter().flatten();
        for open in sessions.filter_map(|key| table.sessions.get(key)) {
            open.look_again();
        }
    }

    pub(super) fn look_again_all(&self) {
        self.table().sessions.values().for_each(Open::look_again);
    }
}

impl Open {
    fn look_again(&self) {
        self.signal.send_modify(|signal| {
            if *signal != Some(Signal::Ended) {
                *signal = Some(Signal::LookAgain);
            }
        });
    }
}

/// One registered stream; dropping it takes it off the list.
#[derive(Debug)]
pub struct StreamGuard {
    streams: Arc<Streams>,
    key: SessionKey,
    signal: watch::Receiver<Option<Signal>>,
}

impl StreamGuard {
    /// Waits for the next signal.
    pub async fn signal(&mut self) -> Signal {
        loop {
            if self.signal.changed().await.is_err() {
                return Signal::Ended;
            }
            if let Some(signal) = *self.signal.borrow_and_update() {
                return signal;
            }
        }
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.streams.unregister(self.key);
    }
}

impl Sessions {
    /// Registers a stream with its session; `None` when the session ended while the stream was being opened.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn register_stream(&self, session: &Session) -> Result<Option<StreamGuard>, SessionError> {
        let guard = self.streams.register(session);
        // Asked after registering: an end before this is seen here, an end after this is signalled.
        let alive = match self.ephemeral.find(&session.key().entry()).await {
            Ok(found) => found.is_some(),
            // What the request was let through by, a stream is let through by as well.
            Err(error) => {
                let cached = self.cache.get(&session.key());
                self.go_on_unasked(cached, error.into(), self.now()).map(|_| true)?
            }
        };
        Ok(alive.then_some(guard))
    }
}
