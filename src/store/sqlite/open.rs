//! Opening the file: rights, pragmas, migrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// How long a statement waits for another process (a command beside the server) to finish its write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Every migration, in order. One that was released is never edited: a changed text is refused at opening.
fn migrator() -> Migrator {
    let migration = |version: i64, name: &'static str, text: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "facts", include_str!("../migrations/sqlite/0001_facts.sql")),
        migration(2, "people", include_str!("../migrations/sqlite/0002_people.sql")),
        migration(3, "reviews", include_str!("../migrations/sqlite/0003_reviews.sql")),
        migration(4, "tokens", include_str!("../migrations/sqlite/0004_tokens.sql")),
        migration(5, "activity", include_str!("../migrations/sqlite/0005_activity.sql")),
        migration(6, "console", include_str!("../migrations/sqlite/0006_console.sql")),
        migration(7, "roster", include_str!("../migrations/sqlite/0007_roster.sql")),
        migration(11, "large", include_str!("../migrations/sqlite/0011_large.sql")),
        migration(12, "fields", include_str!("../migrations/sqlite/0012_fields.sql")),
    ])
}

pub(super) fn options(path: &Path, synchronous: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Each job of a batch has a savepoint, and what it could be rolled back to was written to a file: five times as much as the database itself.
        .pragma("temp_store", "MEMORY")
        // Statements go to the log at trace level only: their values are people's.
        .disable_statement_logging()
}

/// The writer's own: 64 MiB of memory for pages, because what a login looks at and changes is all over the file (readers keep `SQLite`'s 2 MiB: each write of
/// another connection empties them), and 32 MiB of changes before they are copied from the log beside the file into it, because the same pages change at
/// each login and need to be copied once.
pub(super) fn for_writer(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.pragma("cache_size", "-65536").pragma("wal_autocheckpoint", "8192")
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

/// Brings the schema up to date.
pub(super) async fn migrate(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let path = options.get_filename().to_owned();
    let failed = |source: sqlx::Error| unavailable(OpenError { path: path.clone(), source: source.into() });
    let mut connection = options.connect().await.map_err(failed)?;
    migrator().run_direct(None, &mut connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::Corrupt(format!(
            "{} was written by a newer version of Usher (it has step {version} of the schema); start that version, or restore an older backup",
            path.display()
        )),
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
            StoreError::Corrupt(format!("{}: step {version} of the schema is not the one that this version of Usher knows", path.display()))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        other => unavailable(other),
    })
}

/// The file that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be opened as a database", path.display())]
struct OpenError {
    path: PathBuf,
    source: Box<dyn std::error::Error + Send + Sync>,
}
