//! The settings that saves have replaced, for undoing them.

use jiff::{SignedDuration, Timestamp};

use super::codec::{Columns as _, micros, to_json};
use super::statement::Statement;
use super::{Connection, Row};
use crate::core::Settings;
use crate::store::{ReplacedSettings, StoreError};

/// How long a save can be undone.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Keeps what `revision` replaces, and drops what is too old to be undone.
pub(super) async fn keep(conn: &mut Connection, revision: i64, replaced: &Settings, actor: &str, now: Timestamp) -> Result<(), StoreError> {
    Statement::new("INSERT INTO settings_history (revision, replaced_at, actor, document) VALUES ($1, $2, $3, $4)")
        .bind(revision)
        .bind(micros(now))
        .bind(actor)
        .bind(to_json(replaced)?)
        .execute(&mut *conn)
        .await?;
    Statement::new("DELETE FROM settings_history WHERE replaced_at < $1")
        .bind(micros(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn find(conn: &mut Connection, revision: i64) -> Result<Option<ReplacedSettings>, StoreError> {
    let row = Statement::new("SELECT * FROM settings_history WHERE revision = $1").bind(revision).fetch_optional(conn).await?;
    row.as_ref().map(replaced).transpose()
}

pub(super) async fn list(conn: &mut Connection, limit: u32) -> Result<Vec<ReplacedSettings>, StoreError> {
    let rows = Statement::new("SELECT * FROM settings_history ORDER BY revision DESC LIMIT $1")
        .bind(i64::from(limit.clamp(1, 100)))
        .fetch_all(conn)
        .await?;
    rows.iter().map(replaced).collect()
}

fn replaced(row: &Row) -> Result<ReplacedSettings, StoreError> {
    Ok(ReplacedSettings {
        revision: row.number("revision")?,
        at: row.time("replaced_at")?,
        actor: row.text("actor")?,
        settings: row.json("document")?,
    })
}
