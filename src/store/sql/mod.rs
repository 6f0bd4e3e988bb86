//! The use cases as SQL that `SQLite` and `PostgreSQL` both understand: `$1`, `RETURNING`, `TEXT` and `BIGINT`.
//!
//! - `codec`: ids, times, JSON and errors on their way in and out of columns; `rows`: whole rows
//! - `settings`, `save`, `owner`: the settings, their change, and the seat that waits for a Primary Owner
//! - `facts`: what a decision may know; `login`, `changes`: what it writes
//! - `relink`: the relink window of a connection
//! - `seats`: the seat gate
//! - `audit`: the hash chain
//! - `queries`: what lists and pages ask
//! - `integrity`: whether counters, chain and rows agree
//!
//! The one rule of this folder: a function gets a connection inside a transaction, and neither begins nor ends one.

mod audit;
mod changes;
mod codec;
mod facts;
mod integrity;
mod login;
mod owner;
mod queries;
mod relink;
mod rows;
mod save;
mod seats;
mod settings;

pub(super) use audit::{AuditEntry, append_audit, list_audit};
pub(super) use codec::unavailable;
pub(super) use facts::load_facts;
pub(super) use integrity::check_integrity;
pub(super) use login::{LoginWrite, commit_login};
pub(super) use queries::{find_decision_by_incident, find_last_decision, find_member, find_members_by_email, list_attempts, list_members};
pub(super) use relink::{RelinkWindow, open_relink_window};
pub(super) use save::{SettingsWrite, save_settings};
pub(super) use seats::count_seats;
pub(super) use settings::{SettingsCache, find_settings};

/// The database that the statements run on. The second database compiles this folder once more with another alias.
pub(super) type Database = sqlx::Sqlite;
/// Its connection.
pub(super) type Connection = sqlx::SqliteConnection;
/// One of its rows.
pub(super) type Row = sqlx::sqlite::SqliteRow;

/// The one parent organization of this installation.
const PARENT: &str = "parent";

/// Why a write is not kept.
#[derive(Debug)]
pub(super) enum Stop {
    /// Someone else was faster; the caller decides again.
    Lost,
    /// It went wrong, or is refused.
    Failed(super::StoreError),
}

impl From<super::StoreError> for Stop {
    fn from(error: super::StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<sqlx::Error> for Stop {
    /// A row that may exist only once exists already: someone else wrote it since the facts were loaded.
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
            return Self::Lost;
        }
        Self::Failed(error.into())
    }
}
