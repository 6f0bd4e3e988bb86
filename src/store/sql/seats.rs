//! The seat gate: who holds how many seats of a tier, and whether one more may be taken.

use jiff::Timestamp;

use super::codec::{Columns as _, micros};
use super::{Connection, Stop};
use crate::core::provision::SeatCount;
use crate::core::{OrganizationId, SeatTier};
use crate::store::StoreError;

/// Seats by tier, highest first; holds of invites that have expired by `now` are not counted, whether or not anyone has freed them yet.
pub(in crate::store) async fn count_seats(
    conn: &mut Connection,
    organization: &OrganizationId,
    now: Timestamp,
) -> Result<Vec<SeatCount>, StoreError> {
    let rows = sqlx::query(
        "SELECT tier, owned, used - (SELECT count(*) FROM invite
             WHERE invite.organization = seat.organization AND invite.held = seat.tier AND invite.expires_at <= $2) AS used
         FROM seat WHERE organization = $1 ORDER BY rank",
    )
    .bind(organization.as_str())
    .bind(micros(now))
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| Ok(SeatCount { tier: SeatTier::new(row.text("tier")?), owned: row.count("owned")?, used: row.count("used")? }))
        .collect()
}

/// Frees the seats of invites that have expired by `now`.
pub(super) async fn release_expired_holds(conn: &mut Connection, organization: &OrganizationId, now: Timestamp) -> Result<(), StoreError> {
    let expired = sqlx::query("SELECT id, held FROM invite WHERE organization = $1 AND held IS NOT NULL AND expires_at <= $2 ORDER BY id")
        .bind(organization.as_str())
        .bind(micros(now))
        .fetch_all(&mut *conn)
        .await?;
    for row in &expired {
        // Each by itself: two logins at once may both have seen it, and one of them gives its seat back.
        let ended = sqlx::query("UPDATE invite SET held = NULL WHERE id = $1 AND held IS NOT NULL")
            .bind(row.text("id")?)
            .execute(&mut *conn)
            .await?;
        if ended.rows_affected() == 1 {
            free(conn, organization, &SeatTier::new(row.text("held")?), 1).await?;
        }
    }
    Ok(())
}

/// Gives seats back. Fewer used than given back means that the counter was wrong before.
pub(super) async fn free(conn: &mut Connection, organization: &OrganizationId, tier: &SeatTier, seats: i64) -> Result<(), StoreError> {
    let freed = sqlx::query("UPDATE seat SET used = used - $3 WHERE organization = $1 AND tier = $2 AND used >= $3")
        .bind(organization.as_str())
        .bind(tier.as_str())
        .bind(seats)
        .execute(conn)
        .await?;
    if freed.rows_affected() == 1 {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!("organization {organization} gives back {seats} seat(s) of tier {tier} that are not counted as used")))
}

/// Takes one seat, if one is free; the only way in. The row is locked until the commit, so this comes late in a login:
/// only the audit chain, for which everyone waits and not one organization, comes later.
pub(super) async fn take(conn: &mut Connection, organization: &OrganizationId, tier: &SeatTier) -> Result<(), Stop> {
    let taken = sqlx::query("UPDATE seat SET used = used + 1 WHERE organization = $1 AND tier = $2 AND used < owned")
        .bind(organization.as_str())
        .bind(tier.as_str())
        .execute(conn)
        .await?;
    if taken.rows_affected() == 1 { Ok(()) } else { Err(Stop::Lost) }
}

/// Seats that one login gives back and takes.
#[derive(Debug, Default)]
pub(super) struct SeatMoves {
    freed: Vec<SeatTier>,
    taken: Vec<SeatTier>,
}

impl SeatMoves {
    pub(super) fn give_back(&mut self, tier: Option<&SeatTier>) {
        self.freed.extend(tier.cloned());
    }

    pub(super) fn want(&mut self, tier: Option<&SeatTier>) {
        self.taken.extend(tier.cloned());
    }

    /// Writes the moves. A seat that is given back and taken in the same login changes hands without passing the gate:
    /// an invited person gets the held seat also when all seats are in use, or more than are owned (rows 36, 37).
    pub(super) async fn settle(mut self, conn: &mut Connection, organization: &OrganizationId) -> Result<(), Stop> {
        self.taken.retain(|tier| match self.freed.iter().position(|freed| freed == tier) {
            Some(place) => {
                self.freed.swap_remove(place);
                false
            }
            None => true,
        });
        // Tier by tier in one order, so that two logins never wait for each other's.
        let (freed, taken) = (self.freed.iter().map(|tier| (tier, true)), self.taken.iter().map(|tier| (tier, false)));
        let mut moves: Vec<_> = freed.chain(taken).collect();
        moves.sort_unstable_by_key(|(tier, _)| tier.as_str());
        for (tier, is_freed) in moves {
            if is_freed {
                free(conn, organization, tier, 1).await?;
            } else {
                take(conn, organization, tier).await?;
            }
        }
        Ok(())
    }
}
