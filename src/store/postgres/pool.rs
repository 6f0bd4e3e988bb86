//! Connections of a node, kept from one use case to the next.
//!
//! A connection knows what it was left in the middle of. One that answered to the end, outside of any transaction, is ready for the next use case without a
//! word; the server is asked only about one that was given up on.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a use case waits for a connection. Use cases have limits of their own, which tell a crowd from a server that is gone.
const ACQUIRE_TIMEOUT: Duration = super::WRITE_TIMEOUT;
/// How long a connection that was given up on may take to be ready for the next use case.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection is not used after this time, so that addresses and certificates that changed come into use.
const CONNECTION_LIFE: Duration = Duration::from_mins(30);

/// So many connections at most, made when they are needed.
pub(super) struct Pool {
    options: PgConnectOptions,
    places: Arc<Semaphore>,
    idle: Arc<Idle>,
}

/// Connections that nobody uses at the moment; the one that was used last comes first.
#[derive(Debug, Default)]
struct Idle(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    connection: PgConnection,
    until: Instant,
}

/// A connection as long as a use case has it.
#[derive(Debug)]
pub(in crate::store) struct Lease {
    held: Held,
    idle: Arc<Idle>,
    place: Option<OwnedSemaphorePermit>,
}

/// A connection, and what it is in the middle of.
#[derive(Debug, Default)]
pub(in crate::store) struct Held {
    /// None only while it is given back.
    kept: Option<Kept>,
    is_asked: bool,
    is_in_transaction: bool,
}

/// Without the options, which hold a password.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("places", &self.places.available_permits()).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, connections: usize) -> Self {
        Self { options, places: Arc::new(Semaphore::new(connections)), idle: Arc::default() }
    }

    /// Whether nobody would have to wait now.
    pub(super) fn has_place(&self) -> bool {
        self.places.available_permits() > 0
    }

    pub(super) async fn acquire(&self) -> Result<Lease, sqlx::Error> {
        tokio::time::timeout(ACQUIRE_TIMEOUT, self.wait()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// The same, in a transaction that `begin` begins.
    pub(super) async fn begin(&self, begin: String) -> Result<Lease, sqlx::Error> {
        let mut lease = self.acquire().await?;
        // From here on: it may have begun also when nobody waits for the answer any more.
        lease.is_in_transaction = true;
        lease.say(begin).await?;
        Ok(lease)
    }

    async fn wait(&self) -> Result<Lease, sqlx::Error> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = match self.idle.take() {
            Some(kept) => kept,
            None => Kept { connection: self.options.connect().await?, until: Instant::now() + CONNECTION_LIFE },
        };
        let held = Held { kept: Some(kept), ..Held::default() };
        Ok(Lease { held, idle: Arc::clone(&self.idle), place: Some(place) })
    }
}

impl Idle {
    fn take(&self) -> Option<Kept> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        for old in kept.extract_if(.., |kept| kept.until <= now) {
            tokio::spawn(tokio::time::timeout(RELEASE_TIMEOUT, old.connection.close()));
        }
        kept.pop()
    }

    /// What was used before a connection turned out to be dead is as old, and probably as dead.
    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn keep(&self, kept: Kept) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }
}

impl Held {
    /// The connection for one question, which [`Self::answered`] ends.
    pub(super) fn ask(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.is_asked = true;
        self.kept.as_mut().map(|kept| &mut kept.connection).ok_or(sqlx::Error::PoolClosed)
    }

    /// The answer was read to its end.
    pub(super) fn answered(&mut self) {
        self.is_asked = false;
    }

    /// Statements without values, in one message.
    async fn say(&mut self, text: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(self.ask()?).await?;
        self.answered();
        Ok(())
    }
}

impl Lease {
    /// Ends the transaction with `commit`. The connection is ready for the next use case from here on.
    pub(super) async fn commit(mut self, commit: &str) -> Result<(), sqlx::Error> {
        self.say(commit.to_owned()).await?;
        self.is_in_transaction = false;
        Ok(())
    }
}

impl Deref for Lease {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Held {
        &mut self.held
    }
}

impl Drop for Lease {
    /// What was left in the middle comes back when the server has answered, or never: a server that was replaced must not keep our places.
    fn drop(&mut self) {
        let Held { kept: Some(mut kept), is_asked, is_in_transaction } = std::mem::take(&mut self.held) else { return };
        if !is_asked && !is_in_transaction {
            return self.idle.keep(kept);
        }
        let (idle, place) = (Arc::clone(&self.idle), self.place.take());
        // Without a runtime there is no next use case either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            match tokio::time::timeout(RELEASE_TIMEOUT, clear(&mut kept.connection, is_in_transaction)).await {
                Ok(Ok(())) => idle.keep(kept),
                Ok(Err(_)) => idle.clear(),
                Err(_elapsed) => {}
            }
            drop(place);
        });
    }
}

/// Waits until the server has answered what it was asked, and ends what was begun. One that writes no longer, because another one was made the first, still
/// answers: whoever kept connections to it would go on failing.
async fn clear(connection: &mut PgConnection, is_in_transaction: bool) -> Result<(), sqlx::Error> {
    if is_in_transaction {
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
    }
    let read_only: String = sqlx::query_scalar("SHOW transaction_read_only").fetch_one(connection).await?;
    if read_only == "off" { Ok(()) } else { Err(sqlx::Error::Protocol("the server takes no writes".to_owned())) }
}
