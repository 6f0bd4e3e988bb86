//! Connections that read beside the writer: a few, opened when they are needed.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::driver::{Connection, Fault};
use super::open::Opening;
use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// How many there are at most.
pub(super) const READERS: usize = 4;
/// How long a read may wait for one before the store counts as unavailable.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// All of them.
#[derive(Debug)]
pub(super) struct Readers {
    opening: Opening,
    places: Arc<Semaphore>,
    free: Arc<Mutex<Vec<rusqlite::Connection>>>,
}

impl Readers {
    pub(super) fn new(opening: Opening) -> Self {
        Self { opening, places: Arc::new(Semaphore::new(READERS)), free: Arc::default() }
    }

    /// A connection for one statement, which is a transaction by itself.
    pub(super) async fn one(&self) -> Result<Reader, StoreError> {
        let place = tokio::time::timeout(READER_TIMEOUT, Arc::clone(&self.places).acquire_owned());
        let place = place.await.map_err(unavailable)?.map_err(unavailable)?;
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let sqlite = if let Some(sqlite) = free {
            sqlite
        } else {
            let opening = self.opening.clone();
            tokio::task::spawn_blocking(move || opening.reader()).await.map_err(unavailable)?.map_err(Fault::from)?
        };
        Ok(Reader { connection: Connection::elsewhere(sqlite, place), free: Arc::clone(&self.free), in_transaction: false })
    }

    /// A connection whose statements all see the same.
    pub(super) async fn transaction(&self) -> Result<Reader, StoreError> {
        let mut reader = self.one().await?;
        // Looks at nothing yet, and so waits for nothing.
        reader.step("BEGIN")?;
        reader.in_transaction = true;
        Ok(reader)
    }
}

/// A connection, until it is given back.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Connection,
    free: Arc<Mutex<Vec<rusqlite::Connection>>>,
    in_transaction: bool,
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Reader {
    /// One that works for somebody who no longer waits is closed when it is done.
    fn drop(&mut self) {
        let ended = !self.in_transaction || self.connection.step("ROLLBACK").is_ok();
        if let Some((sqlite, place)) = self.connection.take().filter(|_| ended) {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(sqlite);
            // Only now may the next come and find it.
            drop(place);
        }
    }
}
