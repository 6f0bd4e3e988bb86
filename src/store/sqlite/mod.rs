//! The embedded store: one `SQLite` file.
//!
//! - `open`: rights, pragmas, migrations
//! - `writer`: the one writer and its group commit
//! - [`SqliteStore`]: readers beside it; the statements themselves are in `store::sql`
//!
//! The one rule of this folder: everything that only `SQLite` understands stays here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::sql::{self, LoginWrite, RelinkWindow, SettingsCache, SettingsWrite, Stop, unavailable};
use super::{
    Attempt, AuditLine, CommitOutcome, DecisionRecord, FactsQuery, LoginCommit, MemberQuery, MemberRow, NewAuditLine, Store, StoreError,
    StoredSettings,
};
use crate::core::provision::{Facts, SeatCount};
use crate::core::{AuditId, ConnectionId, EmailAddress, IncidentId, OrganizationId, PersonId, Settings};
use crate::random;
use writer::Writer;

mod open;
mod writer;

/// Connections that read beside the writer.
const READERS: u32 = 4;
/// How long a read may wait for a connection before the store counts as unavailable.
const READER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a write may take, with its wait in the queue, before the store counts as unavailable.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Durable facts in one `SQLite` file. Usable from any number of Tokio runtimes at once.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
    settings: Arc<SettingsCache>,
    _scratch: Option<Scratch>,
}

impl SqliteStore {
    /// Opens the file, creates it (readable for its owner only) when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be opened or created; [`StoreError::Corrupt`] when a newer version of Usher wrote it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteSynchronous::Full, None).await
    }

    /// A store that is gone with this value: for the demo and for tests. It is a file in the system's temporary directory, because an in-memory
    /// database of `SQLite` knows no readers beside a writer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the temporary directory cannot be written.
    pub async fn open_in_memory() -> Result<Self, StoreError> {
        let scratch = Scratch::create()?;
        Self::open_with(&scratch.0.join("usher.db"), SqliteSynchronous::Off, Some(scratch)).await
    }

    async fn open_with(path: &Path, synchronous: SqliteSynchronous, scratch: Option<Scratch>) -> Result<Self, StoreError> {
        open::create_file(path)?;
        let options = open::options(path, synchronous);
        let connection = open::connect(&options).await?;
        // No task of the pool's own (idle and life limits would start one): it would live on one caller's runtime.
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(READER_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().pragma("query_only", "ON"));
        Ok(Self { readers, writer: Writer::start(options, connection)?, settings: Arc::default(), _scratch: scratch })
    }

    /// A connection for a use case of one statement, which is a transaction by itself.
    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// One view of the facts for all statements of a use case.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.readers.begin().await?)
    }

    async fn write<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut sql::Connection) -> futures_util::future::BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        match tokio::time::timeout(WRITE_TIMEOUT, self.writer.write(work)).await {
            Ok(result) => result,
            Err(elapsed) => Err(Stop::Failed(unavailable(elapsed))),
        }
    }
}

/// Only a login can lose a race; for any other write a row that exists already is a fault.
fn never_lost(stop: Stop) -> StoreError {
    match stop {
        Stop::Failed(error) => error,
        Stop::Lost => StoreError::Refused("another change was faster; try again".to_owned()),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&mut *self.reader().await?).await?;
        self.write(|_| Box::pin(async { Ok(()) })).await.map_err(never_lost)
    }

    async fn find_settings(&self) -> Result<Option<StoredSettings>, StoreError> {
        sql::find_settings(&mut *self.read().await?).await
    }

    async fn save_settings(
        &self,
        settings: &Settings,
        expected: Option<i64>,
        actor: &str,
        now: Timestamp,
    ) -> Result<StoredSettings, StoreError> {
        let write = SettingsWrite { settings: settings.clone(), expected, actor: actor.to_owned(), now };
        self.write(|conn| Box::pin(async { Ok(sql::save_settings(conn, write).await?) })).await.map_err(never_lost)
    }

    async fn open_relink_window(&self, connection: &ConnectionId, until: Timestamp, actor: &str, now: Timestamp) -> Result<(), StoreError> {
        let window = RelinkWindow { connection: connection.clone(), until, actor: actor.to_owned(), now };
        self.write(|conn| Box::pin(async { Ok(sql::open_relink_window(conn, window).await?) })).await.map_err(never_lost)
    }

    async fn load_facts(&self, query: FactsQuery<'_>) -> Result<Facts, StoreError> {
        let mut reader = self.read().await?;
        let settings = self.settings.load(&mut reader, true).await?;
        sql::load_facts(&mut reader, &settings, &query).await
    }

    async fn commit_login(&self, commit: LoginCommit<'_>) -> Result<CommitOutcome, StoreError> {
        let (write, settings) = (LoginWrite::from(commit), Arc::clone(&self.settings));
        let committed = self.write(move |conn| Box::pin(async move { sql::commit_login(conn, &settings, &write).await })).await;
        match committed {
            Ok(committed) => Ok(CommitOutcome::Committed(committed)),
            Err(Stop::Lost) => Ok(CommitOutcome::LostRace),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    async fn find_member(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<MemberRow>, StoreError> {
        sql::find_member(&mut *self.reader().await?, organization, person).await
    }

    async fn find_members_by_email(&self, organization: &OrganizationId, email: &EmailAddress) -> Result<Vec<MemberRow>, StoreError> {
        sql::find_members_by_email(&mut *self.reader().await?, organization, email).await
    }

    async fn list_members(&self, query: MemberQuery<'_>) -> Result<Vec<MemberRow>, StoreError> {
        sql::list_members(&mut *self.read().await?, query.organization, query.search, query.after, query.limit).await
    }

    async fn find_last_decision(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<DecisionRecord>, StoreError> {
        sql::find_last_decision(&mut *self.reader().await?, organization, person).await
    }

    async fn find_decision_by_incident(&self, incident: IncidentId) -> Result<Option<DecisionRecord>, StoreError> {
        sql::find_decision_by_incident(&mut *self.reader().await?, incident).await
    }

    async fn count_seats(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<SeatCount>, StoreError> {
        let mut reader = self.read().await?;
        self.settings.load(&mut reader, true).await?.load_organization(organization)?;
        sql::count_seats(&mut reader, organization, now).await
    }

    async fn list_attempts(&self, organization: &OrganizationId) -> Result<Vec<Attempt>, StoreError> {
        sql::list_attempts(&mut *self.reader().await?, organization).await
    }

    async fn record(&self, event: NewAuditLine<'_>) -> Result<AuditId, StoreError> {
        let entry = sql::AuditEntry::from(event);
        self.write(|conn| Box::pin(async { Ok(sql::append_audit(conn, entry).await?.id) })).await.map_err(never_lost)
    }

    async fn list_audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        sql::list_audit(&mut *self.reader().await?, after, limit).await
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut reader = self.read().await?;
        let pages: Vec<String> = sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut *reader).await?;
        let mut faults: Vec<String> = pages.into_iter().filter(|answer| answer != "ok").collect();
        faults.extend(sql::check_integrity(&mut reader).await?);
        Ok(faults)
    }
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
