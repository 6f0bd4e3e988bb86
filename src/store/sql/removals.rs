//! What undoes a removal: the members as they were (row 45).

use jiff::Timestamp;

use super::batch::Batch;
use super::codec::{Columns as _, micros, to_json};
use super::statement::Statement;
use super::{Connection, Row, Stop};
use crate::core::{Member, OrganizationId, RemovalId};
use crate::random;
use crate::store::{Removal, StoreError};

/// Remembers members that are being removed; `None` when there are none.
pub(super) fn note(batch: &mut Batch, removed: &[&Member], actor: &str, now: Timestamp) -> Result<Option<RemovalId>, StoreError> {
    if removed.is_empty() {
        return Ok(None);
    }
    let id = RemovalId::from_uuid(random::uuid(now)?);
    for member in removed {
        batch.any(
            Statement::new("INSERT INTO removal (id, member, organization, at, actor, before) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(id.to_string())
                .bind(member.id.to_string())
                .bind(member.organization.as_str())
                .bind(micros(now))
                .bind(actor)
                .bind(to_json(member)?),
        );
    }
    Ok(Some(id))
}

/// A removal is undone once.
pub(super) async fn note_undone(
    conn: &mut Connection,
    organization: &OrganizationId,
    removal: RemovalId,
    now: Timestamp,
) -> Result<(), Stop> {
    let undone = Statement::new("UPDATE removal SET undone_at = $3 WHERE id = $1 AND organization = $2 AND undone_at IS NULL")
        .bind(removal.to_string())
        .bind(organization.as_str())
        .bind(micros(now))
        .execute(conn)
        .await?;
    if undone > 0 { Ok(()) } else { Err(Stop::Lost) }
}

pub(super) async fn find_removal(
    conn: &mut Connection,
    organization: &OrganizationId,
    removal: RemovalId,
) -> Result<Option<Removal>, StoreError> {
    let found = Statement::new("SELECT * FROM removal WHERE organization = $1 AND id = $2 ORDER BY member")
        .bind(organization.as_str())
        .bind(removal.to_string())
        .fetch_all(conn)
        .await?;
    Ok(gathered(&found)?.pop())
}

/// Removals since a time that were not undone, newest first.
pub(super) async fn list_removals(
    conn: &mut Connection,
    organization: &OrganizationId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Removal>, StoreError> {
    let found = Statement::new(
        "SELECT * FROM removal WHERE undone_at IS NULL AND id IN
             (SELECT id FROM removal WHERE organization = $1 AND at >= $2 AND undone_at IS NULL GROUP BY id ORDER BY MAX(at) DESC, id DESC LIMIT $3)
         ORDER BY at DESC, id DESC, member",
    )
    .bind(organization.as_str())
    .bind(micros(since))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    gathered(&found)
}

/// Rows of one id, which follow each other, as one removal.
fn gathered(found: &[Row]) -> Result<Vec<Removal>, StoreError> {
    let mut removals: Vec<Removal> = Vec::new();
    for row in found {
        let (id, member): (RemovalId, Member) = (row.parsed("id")?, row.json("before")?);
        match removals.last_mut().filter(|removal| removal.id == id) {
            Some(removal) => removal.members.push(member),
            None => removals.push(Removal {
                id,
                at: row.time("at")?,
                actor: row.text("actor")?,
                members: vec![member],
                undone_at: row.maybe_time("undone_at")?,
            }),
        }
    }
    Ok(removals)
}
