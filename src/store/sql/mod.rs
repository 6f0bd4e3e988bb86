//! The use cases as SQL that `SQLite` and `PostgreSQL` both understand: `$1`, `RETURNING`, `TEXT` and `BIGINT`.
//!
//! This folder is compiled twice: as `sqlite::sql` and as `postgres::sql`. What `super` names here (`Backend`, `Connection`, `Row`, `Fault`,
//! `fetch`, `change`, `LIKE_IN_ANY_CASE`, the macros for JSON) is that of the one database or of the other.
//!
//! - `use_cases`: the methods of [`crate::store::Store`], each one transaction around the statements
//! - `statement`: one statement with its values; `batch`: many changes in one step
//! - `codec`: ids, times, JSON and errors on their way in and out of columns; `rows`: whole rows
//! - `settings`, `save`, `owner`: the settings, their change, and the seat that waits for a Primary Owner
//! - `facts`: what a decision may know; `login`, `changes`: what it writes; `members`: a member's row; `noted`: groups that need not be
//!   noted again
//! - `relink`: the relink window of a connection; `recovery`: links for the day when no provider works; `requests`: who waits for a yes
//! - `seats`: the seat gate
//! - `tokens`: API tokens
//! - `audit`: the hash chain; `activity`: the log as people read it
//! - `people`: what administrators do to members; `removals`: how it is undone; `invites`
//! - `queries`: what lists and pages ask; `sign_ins`: the same about logins
//! - `roster`: the list of members
//! - `portable`: all tables, to and from another database
//! - `review`: everybody at once, for reviews of settings; `history`: settings that were replaced
//! - `integrity`: whether counters, chain and rows agree
//!
//! A subject's own trait is implemented in the subject's file. The one rule of this folder: outside of use cases a function gets a connection inside a transaction, and neither begins nor ends one.

use super::{
    ACTOR_IS_ANOTHER, Backend, Connection, Fault, LIKE_IN_ANY_CASE, Row, TOUCH, before_the_chain, change, change_all, fetch,
    find_last_line, is_conflict, is_unchanged, no_row, note_last_line,
};

mod activity;
mod audit;
mod batch;
mod changes;
mod codec;
pub(super) mod facts;
mod history;
mod integrity;
mod invites;
mod login;
mod members;
mod noted;
mod owner;
mod people;
mod portable;
pub(super) mod queries;
mod recovery;
mod relink;
mod removals;
mod requests;
mod review;
mod roster;
mod rows;
mod save;
mod seats;
mod settings;
mod sign_ins;
mod statement;
mod tokens;
mod use_cases;

use audit::{AuditEntry, append_audit, list_audit};
pub(super) use batch::Batch;
pub(super) use codec::Columns;
use facts::{find_facts, load_found};
use integrity::check_integrity;
use login::{LoginWrite, commit_login};
pub(super) use noted::NotedGroups;
use queries::{find_decision_by_incident, find_last_decision, find_member, find_members_by_email, list_attempts, list_members};
use relink::{RelinkWindow, open_relink_window};
use save::{SettingsWrite, save_settings};
use seats::count_seats;
pub(super) use settings::SettingsCache;
use settings::find_settings;
pub(super) use statement::{Statement, Value};
use use_cases::never_lost;

/// The one parent organization of this installation.
const PARENT: &str = "parent";

/// Why a write is not kept.
#[derive(Debug)]
pub(super) enum Stop {
    /// Someone else was faster; the caller decides again.
    Lost,
    /// It went wrong, or is refused.
    Failed(crate::store::StoreError),
}

impl From<crate::store::StoreError> for Stop {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for Stop {
    /// A row that may exist only once exists already, or two transactions stood in each other's way: someone else was faster since the facts were loaded.
    fn from(fault: Fault) -> Self {
        if is_conflict(&fault) { Self::Lost } else { Self::Failed(fault.into()) }
    }
}
