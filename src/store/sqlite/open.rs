//! Opening the file: rights, pragmas, migrations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType};

use super::copier::{LOGGED_PAGE, LONGEST_LOG};
use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// How long a statement waits for another process (a command beside the server) to finish its write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The first `SQLite` with which one connection may copy from the log while another begins it anew: from 3.7.0 to 3.51.2 that could lose a commit.
/// `bundled` brings a newer one, unless whoever builds has another one linked.
const OLDEST: i32 = 3_051_003;
/// Statements that a connection keeps prepared: about as many as there are.
const PREPARED: usize = 256;

/// Every migration, in order. One that was released is never edited: a changed text is refused at opening.
fn migrations() -> [Migration; 10] {
    let migration = |version: i64, name: &'static str, text: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    [
        migration(1, "facts", include_str!("../migrations/sqlite/0001_facts.sql")),
        migration(2, "people", include_str!("../migrations/sqlite/0002_people.sql")),
        migration(3, "reviews", include_str!("../migrations/sqlite/0003_reviews.sql")),
        migration(4, "tokens", include_str!("../migrations/sqlite/0004_tokens.sql")),
        migration(5, "activity", include_str!("../migrations/sqlite/0005_activity.sql")),
        migration(6, "console", include_str!("../migrations/sqlite/0006_console.sql")),
        migration(7, "roster", include_str!("../migrations/sqlite/0007_roster.sql")),
        migration(11, "large", include_str!("../migrations/sqlite/0011_large.sql")),
        migration(12, "fields", include_str!("../migrations/sqlite/0012_fields.sql")),
        migration(13, "lighter", include_str!("../migrations/sqlite/0013_lighter.sql")),
    ]
}

/// How durable a commit is.
#[derive(Debug, Clone, Copy, strum::Display)]
#[strum(serialize_all = "UPPERCASE")]
pub(super) enum Synchronous {
    /// On the disk when it is answered.
    Full,
    /// For stores that nobody misses.
    Off,
}

/// How the file is opened.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) path: PathBuf,
    pub(super) synchronous: Synchronous,
}

impl Opening {
    fn open(&self) -> rusqlite::Result<Connection> {
        let sqlite = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        sqlite.set_prepared_statement_cache_capacity(PREPARED);
        // Where each job of a batch has a savepoint, what it could be rolled back to would be written to a file: five times as much as the database itself.
        let synchronous = self.synchronous;
        sqlite.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY"
        ))?;
        Ok(sqlite)
    }

    /// A connection that can change nothing.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let sqlite = self.open()?;
        sqlite.execute_batch("PRAGMA query_only = ON")?;
        Ok(sqlite)
    }

    /// The writer's own: 64 MiB of memory for pages, because what a login looks at and changes is all over the file. Readers keep `SQLite`'s 2 MiB: each
    /// write of another connection empties them.
    pub(super) fn writer(&self) -> rusqlite::Result<Connection> {
        let sqlite = self.open()?;
        let cut_back_to = u64::from(LONGEST_LOG) * u64::from(LOGGED_PAGE);
        sqlite.execute_batch(&format!(
            "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = {LONGEST_LOG}; PRAGMA journal_size_limit = {cut_back_to}"
        ))?;
        Ok(sqlite)
    }

    /// The copier's own.
    pub(super) fn copier(&self) -> rusqlite::Result<Connection> {
        self.open()
    }

    /// Brings the schema up to date, whole or not at all; whoever else starts now waits.
    pub(super) fn migrate(&self) -> Result<(), StoreError> {
        if rusqlite::version_number() < OLDEST {
            return Err(unavailable(format!("SQLite {} was linked, which is too old to be safe here", rusqlite::version())));
        }
        let failed = |source: rusqlite::Error| unavailable(OpenError { path: self.path.clone(), source: source.into() });
        let mut sqlite = self.open().map_err(failed)?;
        // Mostly there is nothing to do, and to look waits for nobody: a server that writes without a pause would keep commands beside it waiting.
        if is_up_to_date(&sqlite).map_err(failed)? {
            return Ok(());
        }
        let transaction = sqlite.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction.execute_batch(APPLIED).map_err(failed)?;
        let mut applied = list_applied(&transaction).map_err(failed)?;
        for step in migrations() {
            let version = step.version;
            match applied.remove(&version) {
                Some(applied) if applied.is(&step) => {}
                Some(_) => {
                    let path = self.path.display();
                    let sentence = format!("{path}: step {version} of the schema is not the one that this version of Usher knows");
                    return Err(StoreError::Corrupt(sentence));
                }
                None => {
                    transaction.execute_batch(step.sql.as_str()).map_err(failed)?;
                    transaction.execute(NOTE_APPLIED, (version, &*step.description, &*step.checksum)).map_err(failed)?;
                }
            }
        }
        if let Some(version) = applied.keys().next() {
            return Err(StoreError::Corrupt(format!(
                "{} was written by a newer version of Usher (it has step {version} of the schema); start that version, or restore an older backup",
                self.path.display()
            )));
        }
        transaction.commit().map_err(failed)
    }
}

/// Steps that were made, in the table that both databases keep.
const APPLIED: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
const NOTE_APPLIED: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?1, ?2, TRUE, ?3, 0)";

/// A step that was made, or begun.
struct Applied {
    whole: bool,
    checksum: Vec<u8>,
}

impl Applied {
    fn is(&self, step: &Migration) -> bool {
        self.whole && self.checksum == *step.checksum
    }
}

fn is_up_to_date(sqlite: &Connection) -> rusqlite::Result<bool> {
    if !sqlite.table_exists(None, "_sqlx_migrations")? {
        return Ok(false);
    }
    let (applied, steps) = (list_applied(sqlite)?, migrations());
    let is_applied = |step: &Migration| applied.get(&step.version).is_some_and(|applied| applied.is(step));
    Ok(applied.len() == steps.len() && steps.iter().all(is_applied))
}

fn list_applied(sqlite: &Connection) -> rusqlite::Result<BTreeMap<i64, Applied>> {
    let mut ready = sqlite.prepare("SELECT version, success, checksum FROM _sqlx_migrations")?;
    let found = ready.query_map((), |row| Ok((row.get(0)?, Applied { whole: row.get(1)?, checksum: row.get(2)? })))?;
    found.collect()
}

/// Creates the file with rights for its owner only; `SQLite` gives the files beside it the same.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|source| unavailable(OpenError { path: path.to_owned(), source: source.into() }))
}

/// The file that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be opened as a database", path.display())]
struct OpenError {
    path: PathBuf,
    source: Box<dyn std::error::Error + Send + Sync>,
}
