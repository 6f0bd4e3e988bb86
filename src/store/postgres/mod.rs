//! The store of many nodes: `PostgreSQL`.
//!
//! - `open`: addresses, limits, migrations; `pool`: connections, kept between use cases
//! - `driver`: statements to the server, rows back
//! - [`PostgresStore`]: who runs beside whom; the statements themselves are in `sql`, which is this folder's own copy of `store/sql`
//!
//! Whatever changes something runs alone, as with `SQLite`'s one writer, and so may rest on everything that it reads. Logins are the exception: they run
//! beside each other, and each locks what it rests on by name. The locks are advisory ones, and end with their transaction.
//!
//! The one rule of this folder: everything that only `PostgreSQL` understands stays here.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use super::breaker::{Asked, Breaker};
use super::reading::AsOf;
use super::unavailable::unavailable;
use super::{AuditLine, Ready, StoreError};
use driver::{Pages, change, change_all, fetch, is_conflict, no_row};
use pool::{Held, Lease, Pool};
use sql::{Batch, NotedGroups, SettingsCache, Statement, Stop};

/// A parameter's JSON array of texts as rows `given.value`.
macro_rules! each_text {
    ($parameter:literal) => {
        concat!("json_array_elements_text(", $parameter, "::json) AS given (value)")
    };
}
/// Rows as a JSON array of arrays.
macro_rules! json_list {
    ($columns:literal) => {
        concat!("COALESCE(json_agg(json_build_array(", $columns, ")), '[]'::json)::text")
    };
}

/// A line of the audit log as it is written: number and hash, by what its hash covers before and after the number, and the other values.
macro_rules! next_line {
    ($known:literal, $before:literal, $after:literal, $others:literal) => {
        concat!(
            "SELECT last.sequence + 1, encode(sha256(convert_to(last.hash || ",
            $before,
            " || (last.sequence + 1) || ",
            $after,
            ", 'UTF8')), 'hex'), ",
            $others,
            " FROM last"
        )
    };
}
/// The number of that line, for what is written with it.
macro_rules! line_number {
    ($known:literal) => {
        "(SELECT sequence + 1 FROM last)"
    };
}

mod driver;
mod open;
mod pool;
#[path = "../sql/mod.rs"]
mod sql;

type Backend = PostgresStore;
type Connection = Held;
type Row = sqlx::postgres::PgRow;
type Fault = sqlx::Error;

/// Connections of a node that read, and as many that write: a server has a hundred for all nodes, unless it is told otherwise.
const CONNECTIONS: usize = 8;
/// How long a read may take, with its wait for a connection, before the store counts as unavailable.
const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// The same for a write, with its wait for others.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends a transaction that does not wait for the disk, and waits for it.
const COMMIT_AND_FLUSH: &str = "COMMIT; SELECT pg_logical_emit_message(true, 'usher', '')";

/// Our advisory lock of fixed meaning, in the space of two numbers, where `usher_last_line` has one too; names of what logins rest on are in the space of one.
const WRITERS: (i32, i32) = (0x7573_6865, 1);

/// Durable facts in a `PostgreSQL` database that any number of nodes share.
#[derive(Debug)]
pub struct PostgresStore {
    /// Apart from the writers, which may all be waiting for one of them.
    readers: Pool,
    writers: Pool,
    settings: Arc<SettingsCache>,
    noted: NotedGroups,
    breaker: Breaker,
}

impl PostgresStore {
    /// Connects to the database at `url` (`postgres://user:password@host/database`) and brings its schema up to date. Nodes of the version before may be
    /// running on it. Unless `sslmode` says otherwise, the server must show a certificate for its name (`verify-full`), except on a loopback address.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached or refuses us; [`StoreError::Corrupt`] when a newer version of Usher wrote it.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = open::options(url)?;
        open::check_files(url)?;
        open::migrate(&options).await?;
        let pool = || Pool::new(options.clone(), CONNECTIONS);
        let [readers, writers] = [pool(), pool()];
        Ok(Self { readers, writers, settings: Arc::default(), noted: NotedGroups::default(), breaker: Breaker::default() })
    }

    /// A read that is not waited for for ever: a server that has stopped answers nothing, not even an error.
    async fn within<T>(&self, read: impl Future<Output = Result<T, StoreError>> + Send) -> Result<T, StoreError> {
        let asked = self.breaker.check().map_err(unavailable)?;
        let result = tokio::time::timeout(READ_TIMEOUT, read).await.unwrap_or_else(|elapsed| Err(unavailable(elapsed)));
        self.note(asked, result.as_ref().err());
        result
    }

    /// Whether the server is there; what it answered does not matter.
    fn note(&self, asked: Asked, error: Option<&StoreError>) {
        match is_there(error) {
            Some(true) => self.breaker.works(),
            Some(false) => self.breaker.failed(asked),
            None => {}
        }
    }

    /// A connection for a use case of one statement, which is a transaction by itself.
    async fn reader(&self) -> Result<Lease, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// The same; the server makes no difference.
    async fn lookup(&self) -> Result<Lease, StoreError> {
        self.reader().await
    }

    /// One view of the facts for all statements of a use case.
    async fn read(&self) -> Result<Lease, StoreError> {
        Ok(self.readers.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned()).await?)
    }

    /// Runs `work` in a transaction; nothing else writes meanwhile, on whatever node.
    async fn write<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.bounded(self.write_at_leisure(work)).await
    }

    /// The same for what may take its time; everyone else who writes waits.
    async fn write_at_leisure<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({}, {})", WRITERS.0, WRITERS.1);
        let mut transaction = self.writers.begin(begin).await?;
        let done = work(&mut transaction).await?;
        transaction.commit("COMMIT").await?;
        Ok(done)
    }

    /// Runs `work` in a transaction beside others that do not rest on the same.
    ///
    /// The commit does not wait for the disk, because whoever comes next waits for our locks on the chain and on the seats until then. The answer waits: a
    /// record that is written and flushed afterwards means that everything before it is flushed as well, and many callers share one flush.
    async fn write_beside<T, F>(&self, rests_on: Vec<String>, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.bounded(async {
            let mut transaction = self.writers.begin(begin_beside(&rests_on)).await?;
            let done = work(&mut transaction).await?;
            transaction.commit(COMMIT_AND_FLUSH).await?;
            Ok(done)
        })
        .await
    }

    /// Nobody counts what all nodes commit, and nobody asks ([`is_unchanged`]).
    #[expect(clippy::unused_self, reason = "the store of one node counts")]
    const fn commits(&self) -> u64 {
        0
    }

    async fn bounded<T>(&self, write: impl Future<Output = Result<T, Stop>> + Send) -> Result<T, Stop> {
        let asked = self.breaker.check().map_err(|open| Stop::Failed(unavailable(open)))?;
        let result = tokio::time::timeout(WRITE_TIMEOUT, write).await.unwrap_or_else(|elapsed| Err(Stop::Failed(unavailable(elapsed))));
        let error = match &result {
            Err(Stop::Failed(error)) => Some(error),
            _ => None,
        };
        self.note(asked, error);
        result
    }
}

#[async_trait]
impl Ready for PostgresStore {
    /// A read, and a change that changes nothing, and so needs no lock. Where those who write wait for each other with all their connections, it is made on
    /// one of those who read.
    async fn probe(&self) -> Result<(), StoreError> {
        let touched = async {
            Statement::new("SELECT 1").fetch_all(&mut *self.lookup().await?).await?;
            let pool = if self.writers.has_place() { &self.writers } else { &self.readers };
            let mut transaction = pool.begin("BEGIN; SET LOCAL synchronous_commit = off".to_owned()).await?;
            Statement::new(TOUCH).fetch_all(&mut transaction).await?;
            Ok(transaction.commit(COMMIT_AND_FLUSH).await?)
        };
        self.within(touched).await
    }
}

/// Whether the server is there, as far as the outcome of a use case tells.
fn is_there(error: Option<&StoreError>) -> Option<bool> {
    let Some(StoreError::Unavailable(source)) = error else { return Some(true) };
    match source.downcast_ref() {
        // The server was not asked: a crowd waits for connections.
        Some(sqlx::Error::PoolTimedOut) => None,
        Some(sqlx::Error::Database(_)) => Some(true),
        Some(_) => Some(false),
        None => Some(!source.is::<tokio::time::error::Elapsed>()),
    }
}

/// One message to the server: begin, do not wait for the disk at the commit, let no lone writer in, and lock what the work rests on, in one order.
fn begin_beside(rests_on: &[String]) -> String {
    let mut begin = "BEGIN; SET LOCAL synchronous_commit = off".to_owned();
    // Writing to a String cannot fail.
    let _ = write!(begin, "; SELECT pg_advisory_xact_lock_shared({}, {})", WRITERS.0, WRITERS.1);
    let mut keys: Vec<i64> = rests_on.iter().map(|name| lock_key(name)).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let _ = write!(begin, "; SELECT pg_advisory_xact_lock({key})");
    }
    begin
}

/// Two names under one key would only wait for each other.
fn lock_key(name: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    digest.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte))
}

/// A text with a pattern in it, whatever the case of its ASCII letters.
const LIKE_IN_ANY_CASE: &str = "ILIKE";
/// The index of who did it has all lines.
const ACTOR_IS_ANOTHER: bool = false;
/// Takes a number, as every change does, which a second server refuses; and fails in words on one whose transactions are to change nothing.
const TOUCH: &str = "SELECT pg_current_xact_id(),
    CAST(CASE current_setting('transaction_read_only') WHEN 'off' THEN '0' ELSE 'the server takes no writes' END AS integer)";
/// What is done with tables that were filled by a copy: until the server has looked at them it plans as if they were empty, and a look at many members takes
/// longer than it may.
const SETTLE: Option<&str> = Some("ANALYZE");
/// Names and types of the columns of a table that are stored.
const COLUMNS: &str = "SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER' ORDER BY column_name::text COLLATE \"C\"";
/// Our tables.
const TABLE_NAMES: &str = "SELECT table_name::text AS name FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'";

/// The statement that writes a line finds the last one ([`LAST_LINE`]): one trip to the server less while everybody waits for the chain.
fn find_last_line(_: &mut Connection) -> std::future::Ready<Result<Option<(i64, String)>, StoreError>> {
    std::future::ready(Ok(None))
}

/// The last line of the audit log for the changes of one statement, which stays the last until the commit. Nobody's lock is taken where no change asks.
const LAST_LINE: &str = "last AS MATERIALIZED (SELECT sequence, hash FROM usher_last_line())";

/// Other nodes write lines too.
const fn note_last_line(_: &mut Connection, _: &AuditLine) {}

/// Nobody knows what other nodes have changed, so it is read again.
const fn is_unchanged(_: &Connection, _: AsOf, _: &[String]) -> bool {
    false
}

/// Writes what need not wait for the chain before it is waited for.
async fn before_the_chain(conn: &mut Connection, batch: Batch) -> Result<Batch, Stop> {
    batch.write(conn).await?;
    Ok(Batch::default())
}

/// Faults of the files are the server's to find.
fn check_files(_: &mut Connection) -> std::future::Ready<Result<Vec<String>, StoreError>> {
    std::future::ready(Ok(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_that_waits_for_connections_says_nothing_about_the_server() {
        let told = |error: sqlx::Error| is_there(Some(&StoreError::from(error)));
        assert_eq!(told(sqlx::Error::PoolTimedOut), None);
        assert_eq!(told(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())), Some(false));
        assert_eq!(is_there(Some(&StoreError::Refused("no".to_owned()))), Some(true));
        assert_eq!(is_there(None), Some(true));
    }
}
