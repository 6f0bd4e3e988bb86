//! The row of a member, written whole: as it will be, if it still is as it was.

use super::batch::Batch;
use super::codec::{micros, to_json};
use super::statement::Statement;
use crate::core::{Member, SeatTier};
use crate::store::StoreError;

/// What a member is and has, as `$3` to `$11`.
macro_rules! standing {
    ($more:literal) => {
        concat!(
            "UPDATE member SET status = $3, role = $4, seat = $5, wanted_tier = $6, wanted_since = $7, seat_unassigned = $8, pin = $9,
                 primary_owner = $10, revision = $11",
            $more,
            " WHERE id = $1 AND revision = $2"
        )
    };
}

/// A new member.
pub(super) fn insert(batch: &mut Batch, member: &Member) -> Result<(), StoreError> {
    let row = Statement::new(
        "INSERT INTO member (id, organization, status, role, seat, wanted_tier, wanted_since, seat_unassigned, pin, primary_owner, revision,
             last_login_at, last_groups_at, person, joined_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    );
    let row = with_standing(row.bind(member.id.to_string()).bind(member.organization.as_str()), member)?;
    batch.any(with_times(row, member).bind(member.person.to_string()).bind(micros(member.joined_at)));
    Ok(())
}

/// What a login makes of a member; nothing when that is what the member was. Whoever only came again has no new revision.
pub(super) fn update(batch: &mut Batch, before: &Member, after: &Member) -> Result<(), StoreError> {
    if after == before {
        return Ok(());
    }
    let is_as_before = after.revision == before.revision;
    let row = if is_as_before {
        which(Statement::new("UPDATE member SET last_login_at = $3, last_groups_at = $4 WHERE id = $1 AND revision = $2"), before)
    } else {
        with_standing(which(Statement::new(standing!(", last_login_at = $12, last_groups_at = $13")), before), after)?
    };
    batch.one(with_times(row, after));
    Ok(())
}

/// What an administrator makes of a member; times of logins are the logins' own.
pub(super) fn update_by_hand(batch: &mut Batch, before: &Member, after: &Member) -> Result<(), StoreError> {
    batch.one(with_standing(which(Statement::new(standing!("")), before), after)?);
    Ok(())
}

fn which(row: Statement, before: &Member) -> Statement {
    row.bind(before.id.to_string()).bind(before.revision)
}

fn with_standing(row: Statement, member: &Member) -> Result<Statement, StoreError> {
    Ok(row
        .bind(member.status.to_string())
        .bind(member.role.as_str())
        .bind(member.seat.as_ref().map(SeatTier::as_str))
        .bind(member.wanted_tier.as_ref().map(|wanted| wanted.tier.as_str()))
        .bind(member.wanted_tier.as_ref().map(|wanted| micros(wanted.since)))
        .bind(member.seat_unassigned)
        .bind(member.pin.as_ref().map(to_json).transpose()?)
        .bind(member.primary_owner)
        .bind(member.revision))
}

fn with_times(row: Statement, member: &Member) -> Statement {
    row.bind(member.last_login_at.map(micros)).bind(member.last_groups_at.map(micros))
}
