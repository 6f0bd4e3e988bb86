//! The relink window of a connection (rows 50, 51).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Connection;
use super::audit::{AuditEntry, append_audit};
use super::codec::{micros, stored_time};
use crate::core::ConnectionId;
use crate::store::{RequestOrigin, StoreError};

/// The longest window: long enough for a weekend's move, too short to be forgotten.
const LONGEST: SignedDuration = SignedDuration::from_hours(72);

/// What [`crate::store::Store::open_relink_window`] was asked, owned.
#[derive(Debug)]
pub(in crate::store) struct RelinkWindow {
    pub(in crate::store) connection: ConnectionId,
    pub(in crate::store) until: Timestamp,
    pub(in crate::store) actor: String,
    pub(in crate::store) now: Timestamp,
}

pub(in crate::store) async fn open_relink_window(conn: &mut Connection, window: RelinkWindow) -> Result<(), StoreError> {
    let RelinkWindow { connection, until, actor, now } = window;
    if until <= now || until.duration_since(now) > LONGEST {
        return Err(StoreError::Refused("a relink window ends within the next 72 hours".to_owned()));
    }
    let opened = sqlx::query("UPDATE connection SET relink_open_until = $2 WHERE id = $1 AND removed_at IS NULL")
        .bind(connection.as_str())
        .bind(micros(stored_time(until)))
        .execute(&mut *conn)
        .await?;
    if opened.rows_affected() == 0 {
        return Err(StoreError::Missing(format!("connection {connection}")));
    }
    let entry = AuditEntry {
        event: "connection.relink_window_opened".to_owned(),
        actor,
        organization: None,
        target: Some(connection.to_string()),
        reason: None,
        detail: json!({ "until": until }),
        origin: RequestOrigin::default(),
        now,
    };
    append_audit(conn, entry).await?;
    Ok(())
}
