//! The audit log: one line more, and reading it.

use jiff::Timestamp;
use serde_json::Value;

use super::batch::Batch;
use super::codec::{micros, stored_time, to_json};
use super::statement::Statement;
use super::{Connection, find_last_line, never_lost, note_last_line, rows};
use crate::core::{AuditId, OrganizationId, Reason};
use crate::random;
use crate::store::{AuditLine, NewAuditLine, RequestOrigin, StoreError, audit_chain};

/// A line to be written, owned.
#[derive(Debug, Clone)]
pub(in crate::store) struct AuditEntry {
    pub(in crate::store) event: String,
    pub(in crate::store) actor: String,
    pub(in crate::store) organization: Option<OrganizationId>,
    pub(in crate::store) target: Option<String>,
    pub(in crate::store) reason: Option<Reason>,
    pub(in crate::store) detail: Value,
    pub(in crate::store) origin: RequestOrigin,
    pub(in crate::store) now: Timestamp,
}

impl From<NewAuditLine<'_>> for AuditEntry {
    fn from(line: NewAuditLine<'_>) -> Self {
        Self {
            event: line.event.to_owned(),
            actor: line.actor.to_owned(),
            organization: line.organization.cloned(),
            target: line.target.map(ToOwned::to_owned),
            reason: line.reason,
            detail: line.detail,
            origin: line.origin.clone(),
            now: line.now,
        }
    }
}

/// Writes the next line of the chain. From here to the commit nobody else writes one, so a use case does this as late as it can.
pub(in crate::store) async fn append_audit(conn: &mut Connection, entry: AuditEntry) -> Result<AuditId, StoreError> {
    let next = next_line(conn, entry).await?;
    let mut batch = Batch::default();
    batch.any(insert_line(&next.line, next.around)?);
    batch.write(conn).await.map_err(never_lost)?;
    Ok(next.line.id)
}

/// A line that is still to be written, and what its hash covers around its number. With `PostgreSQL` the statement that writes it finds the line before, and
/// works out number and hash itself: the ones of `line` are not the ones that are written.
#[derive(Debug)]
pub(super) struct NextLine {
    pub(super) line: AuditLine,
    pub(super) around: [String; 2],
}

/// The next line of the chain. From here, or from when it is written, to the commit nobody else makes one.
pub(super) async fn next_line(conn: &mut Connection, entry: AuditEntry) -> Result<NextLine, StoreError> {
    let (sequence, previous) = find_last_line(conn).await?.unwrap_or_else(|| (0, audit_chain::FIRST.to_owned()));
    let mut line = AuditLine {
        id: AuditId::from_uuid(random::uuid(entry.now)?),
        sequence: sequence + 1,
        at: stored_time(entry.now),
        event: entry.event,
        actor: entry.actor,
        organization: entry.organization,
        target: entry.target,
        reason: entry.reason,
        detail: entry.detail,
        origin: entry.origin,
        hash: String::new(),
    };
    let around = audit_chain::around_the_number(&line);
    line.hash = audit_chain::seal(&previous, &around, line.sequence);
    note_last_line(conn, &line);
    Ok(NextLine { line, around })
}

pub(super) fn insert_line(line: &AuditLine, [before, after]: [String; 2]) -> Result<Statement, StoreError> {
    let insert = Statement::new(concat!(
        "INSERT INTO audit (sequence, hash, id, at, event, actor, organization, target, reason, detail, origin) ",
        next_line!("$1, $2", "$12", "$13", "$3, $4, $5, $6, $7, $8, $9, $10, $11")
    ));
    Ok(insert
        .bind(line.sequence)
        .bind(line.hash.as_str())
        .bind(line.id.to_string())
        .bind(micros(line.at))
        .bind(line.event.as_str())
        .bind(line.actor.as_str())
        .bind(line.organization.as_ref().map(OrganizationId::as_str))
        .bind(line.target.as_deref())
        .bind(line.reason.map(Reason::code))
        .bind(to_json(&line.detail)?)
        .bind(to_json(&line.origin)?)
        .bind(before)
        .bind(after))
}

pub(in crate::store) async fn list_audit(conn: &mut Connection, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
    let rows = Statement::new("SELECT * FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2")
        .bind(after)
        .bind(i64::from(limit.clamp(1, 1000)))
        .fetch_all(conn)
        .await?;
    rows.iter().map(rows::audit_line).collect()
}
