//! The embedded store: one `SQLite` file.
//!
//! - `open`: rights, pragmas, migrations
//! - `driver`: statements to the file, rows back; `readers`: connections beside the writer; `lookups`: one for what every login and every request asks; `turn`: whether anybody still waits
//! - `writer`: the one writer and its group commit; `memory`: what it knows without asking the file; `copier`: what it wrote, from the log into the file
//! - [`SqliteStore`]: all of them together; the statements themselves are in `sql`, which is this folder's own copy of `store/sql`
//!
//! The one rule of this folder: everything that only `SQLite` understands stays here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::reading::AsOf;
use super::unavailable::unavailable;
use super::{AuditLine, Ready, Store as _, StoreError};
use crate::random;
use driver::{Connection, Fault, Pages, Row, change, change_all, fetch, is_conflict, no_row};
use lookups::Lookups;
use memory::Memory;
use open::{Opening, Synchronous};
use readers::{Reader, Readers};
use sql::{Batch, Columns as _, NotedGroups, SettingsCache, Statement, Stop};
use writer::Writer;

/// A parameter's JSON array of texts as rows `given.value`.
macro_rules! each_text {
    ($parameter:literal) => {
        concat!("json_each(", $parameter, ") AS given")
    };
}
/// Rows as a JSON array of arrays.
macro_rules! json_list {
    ($columns:literal) => {
        concat!("json_group_array(json_array(", $columns, "))")
    };
}

/// A line of the audit log as it is written: number and hash, and the other values.
macro_rules! next_line {
    ($known:literal, $before:literal, $after:literal, $others:literal) => {
        concat!("VALUES (", $known, ", ", $others, ")")
    };
}
/// The number of that line, for what is written with it.
macro_rules! line_number {
    ($known:literal) => {
        $known
    };
}

mod copier;
mod driver;
mod lookups;
mod memory;
mod open;
mod readers;
#[path = "../sql/mod.rs"]
mod sql;
mod turn;
mod writer;

type Backend = SqliteStore;

/// How long a read may take, with its wait for a connection.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a write may take, with its wait in the queue, before the store counts as unavailable.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Durable facts in one `SQLite` file. Usable from any number of Tokio runtimes at once.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Readers,
    lookups: Lookups,
    writer: Writer,
    settings: Arc<SettingsCache>,
    noted: NotedGroups,
    _scratch: Option<Scratch>,
}

impl SqliteStore {
    /// Opens the file, creates it (readable for its owner only) when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be opened or created; [`StoreError::Corrupt`] when a newer version of Usher wrote it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, Synchronous::Full, None).await
    }

    /// A store that is gone with this value: for the demo and for tests. It is a file in the system's temporary directory, because an in-memory
    /// database of `SQLite` knows no readers beside a writer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the temporary directory cannot be written.
    pub async fn open_in_memory() -> Result<Self, StoreError> {
        let scratch = Scratch::create()?;
        Self::open_with(&scratch.0.join("usher.db"), Synchronous::Off, Some(scratch)).await
    }

    async fn open_with(path: &Path, synchronous: Synchronous, scratch: Option<Scratch>) -> Result<Self, StoreError> {
        open::create_file(path)?;
        let opening = Opening { path: path.to_owned(), synchronous };
        let migrating = opening.clone();
        tokio::task::spawn_blocking(move || migrating.migrate()).await.map_err(unavailable)??;
        Ok(Self {
            readers: Readers::new(opening.clone()),
            lookups: Lookups::start(opening.clone())?,
            writer: Writer::start(opening)?,
            settings: Arc::default(),
            noted: NotedGroups::default(),
            _scratch: scratch,
        })
    }

    /// A read that is not waited for for ever.
    async fn within<T>(&self, read: impl Future<Output = Result<T, StoreError>> + Send) -> Result<T, StoreError> {
        tokio::time::timeout(READ_TIMEOUT, read).await.map_err(unavailable)?
    }

    /// A connection for a use case of one statement, which is a transaction by itself.
    async fn reader(&self) -> Result<Reader, StoreError> {
        self.readers.one().await
    }

    /// The same for what finds a few rows by an index, and is asked at every login or request. Boxed, to be used as a reader is.
    fn lookup(&self) -> std::future::Ready<Result<Box<Connection>, StoreError>> {
        std::future::ready(Ok(Box::new(Connection::shared(self.lookups.clone()))))
    }

    /// One view of the facts for all statements of a use case.
    async fn read(&self) -> Result<Reader, StoreError> {
        self.readers.transaction().await
    }

    /// Runs `work` in a transaction; nothing else writes meanwhile.
    async fn write<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> futures_util::future::BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.bounded(self.writer.write(work)).await
    }

    /// The same for what may take its time; everyone else who writes waits.
    async fn write_at_leisure<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> futures_util::future::BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// The same, for what changes nothing but what it rests on, and can be done again: with one writer that needs no lock.
    async fn write_beside<T, F>(&self, rests_on: Vec<String>, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> futures_util::future::BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.bounded(self.writer.write_named(rests_on, work)).await
    }

    async fn bounded<T>(&self, write: impl Future<Output = Result<T, Stop>> + Send) -> Result<T, Stop> {
        match tokio::time::timeout(WRITE_TIMEOUT, write).await {
            Ok(result) => result,
            Err(elapsed) => Err(Stop::Failed(unavailable(elapsed))),
        }
    }

    /// Commits that whoever begins to read now sees at least.
    fn commits(&self) -> u64 {
        self.writer.commits().count()
    }
}

#[async_trait]
impl Ready for SqliteStore {
    /// In its turn: one writer takes everybody's changes together.
    async fn probe(&self) -> Result<(), StoreError> {
        self.ping().await
    }
}

/// Writes one page, and says nothing.
const TOUCH: &str = "PRAGMA user_version = 0";
/// A text with a pattern in it, whatever the case of its ASCII letters.
const LIKE_IN_ANY_CASE: &str = "LIKE";
/// The index of who did it leaves out what people did to themselves, as logins are.
const ACTOR_IS_ANOTHER: bool = true;
/// Nothing: every statement is planned the same, however full the tables are.
const SETTLE: Option<&str> = None;
/// Names and types of the columns of a table that are stored.
const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1) ORDER BY name";
/// Our tables.
const TABLE_NAMES: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name <> '_sqlx_migrations'";

/// The last line of the audit log. The one writer is the lock.
async fn find_last_line(conn: &mut Connection) -> Result<Option<(i64, String)>, StoreError> {
    if let Some(line) = conn.memory().and_then(Memory::last_line) {
        return Ok(Some(line));
    }
    let last = Statement::new("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetch_optional(conn).await?;
    last.map(|row| Ok((row.number("sequence")?, row.text("hash")?))).transpose()
}

fn note_last_line(conn: &mut Connection, line: &AuditLine) {
    conn.remember(|memory| memory.note_last_line(line));
}

/// Whether what was read then would be read now, as far as it has these names.
fn is_unchanged(conn: &Connection, as_of: AsOf, names: &[String]) -> bool {
    conn.memory().is_some_and(|memory| memory.is_unchanged(as_of, names))
}

/// Nobody waits for the chain but for the whole transaction, so everything goes in one step.
fn before_the_chain(_: &mut Connection, batch: Batch) -> std::future::Ready<Result<Batch, Stop>> {
    std::future::ready(Ok(batch))
}

/// Faults of the file itself.
async fn check_files(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    let rows = Statement::new("PRAGMA quick_check").fetch_all(conn).await?;
    let answers = rows.iter().map(|row| row.text("quick_check")).collect::<Result<Vec<_>, _>>()?;
    Ok(answers.into_iter().filter(|answer| answer != "ok").collect())
}

/// A directory that is deleted with this value.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self, StoreError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("usher-{}", random::token()?));
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(unavailable)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the system clears its temporary directory.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_any_more_ends_and_gives_its_place_back() {
        let store = SqliteStore::open_in_memory().await.unwrap();
        for _ in 0..2 * readers::READERS {
            let endless = Statement::new("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n");
            let mut reader = store.reader().await.unwrap();
            let read = tokio::time::timeout(Duration::from_millis(20), endless.fetch_all(&mut reader));
            assert!(read.await.is_err());
        }
        store.reader().await.unwrap();
    }

    #[tokio::test]
    async fn what_every_login_asks_is_found_by_indexes_however_many_members_there_are() {
        let store = SqliteStore::open_in_memory().await.unwrap();
        let explain = Statement::new(format!("EXPLAIN QUERY PLAN {}", sql::facts::FACTS));
        let rows = explain.fetch_all(&mut store.reader().await.unwrap()).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.text("detail").unwrap()).collect();
        assert!(plan.iter().any(|step| step.starts_with("SEARCH member")), "{plan:?}");
        // Walked through: who is concerned, one or two people, and the rows that were made of one organization's seats.
        let few = ["SCAN concerned", "SCAN counted", "SCAN CONSTANT ROW"];
        for step in plan.iter().filter(|step| step.starts_with("SCAN")) {
            assert!(few.iter().any(|few| step.starts_with(few)), "{step}: {plan:?}");
        }
    }

    #[tokio::test]
    async fn the_last_decision_about_somebody_is_found_without_sorting_all_of_them() {
        let store = SqliteStore::open_in_memory().await.unwrap();
        let explain = Statement::new(format!("EXPLAIN QUERY PLAN {}", sql::queries::LAST_DECISION));
        let rows = explain.fetch_all(&mut store.reader().await.unwrap()).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.text("detail").unwrap()).collect();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{plan:?}");
    }

    #[tokio::test]
    async fn sqlite_is_compiled_as_the_settings_of_cargo_say() {
        let store = SqliteStore::open_in_memory().await.unwrap();
        let rows = Statement::new("PRAGMA compile_options").fetch_all(&mut store.reader().await.unwrap()).await.unwrap();
        let options: Vec<String> = rows.iter().map(|row| row.text("compile_options").unwrap()).collect();
        assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
        assert!(options.iter().all(|option| option != "ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
    }
}
