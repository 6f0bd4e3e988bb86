//! The seat gate: who holds how many seats of a tier, and whether one more may be taken.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::batch::Batch;
use super::codec::{Columns as _, micros};
use super::statement::Statement;
use super::{Connection, Stop, never_lost};
use crate::core::provision::SeatCount;
use crate::core::{OrganizationId, SeatTier};
use crate::store::StoreError;

/// Seats by tier, highest first; holds of invites that have expired by `now` are not counted, whether or not anyone has freed them yet.
pub(in crate::store) async fn count_seats(
    conn: &mut Connection,
    organization: &OrganizationId,
    now: Timestamp,
) -> Result<Vec<SeatCount>, StoreError> {
    let rows = Statement::new(
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
    let expired =
        Statement::new("SELECT id, held FROM invite WHERE organization = $1 AND held IS NOT NULL AND expires_at <= $2 ORDER BY id")
            .bind(organization.as_str())
            .bind(micros(now))
            .fetch_all(&mut *conn)
            .await?;
    for row in &expired {
        // Each by itself: two logins at once may both have seen it, and one of them gives its seat back.
        let ended = Statement::new("UPDATE invite SET held = NULL WHERE id = $1 AND held IS NOT NULL")
            .bind(row.text("id")?)
            .execute(&mut *conn)
            .await?;
        if ended == 1 {
            free(conn, organization, &SeatTier::new(row.text("held")?), 1).await?;
        }
    }
    Ok(())
}

/// Gives seats back. Fewer used than given back means that the counter was wrong before.
pub(super) async fn free(conn: &mut Connection, organization: &OrganizationId, tier: &SeatTier, seats: i64) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    give_back(&mut batch, organization, tier, seats);
    batch.write(conn).await.map_err(never_lost)
}

fn give_back(batch: &mut Batch, organization: &OrganizationId, tier: &SeatTier, seats: i64) {
    let fault = format!("organization {organization} gives back {seats} seat(s) of tier {tier} that are not counted as used");
    let text = "UPDATE seat SET used = used - $3 WHERE organization = $1 AND tier = $2 AND used >= $3";
    batch.sure(Statement::new(text).bind(organization.as_str()).bind(tier.as_str()).bind(seats), fault);
}

/// Takes one seat, if one is free; the only way in. The row is locked until the commit, so this comes late in a login.
pub(super) async fn take(conn: &mut Connection, organization: &OrganizationId, tier: &SeatTier) -> Result<(), Stop> {
    let mut batch = Batch::default();
    want(&mut batch, organization, tier, 1);
    batch.write(conn).await
}

fn want(batch: &mut Batch, organization: &OrganizationId, tier: &SeatTier, seats: i64) {
    let text = "UPDATE seat SET used = used + $3 WHERE organization = $1 AND tier = $2 AND used + $3 <= owned";
    batch.one(Statement::new(text).bind(organization.as_str()).bind(tier.as_str()).bind(seats));
}

/// Seats that one login gives back and takes, by tier: a seat that is given back and taken in the same login changes hands without passing the gate, so
/// an invited person gets the held seat also when all seats are in use, or more than are owned (rows 36, 37).
#[derive(Debug, Default)]
pub(super) struct SeatMoves(BTreeMap<SeatTier, i64>);

impl SeatMoves {
    pub(super) fn give_back(&mut self, tier: Option<&SeatTier>) {
        self.count(tier, -1);
    }

    pub(super) fn want(&mut self, tier: Option<&SeatTier>) {
        self.count(tier, 1);
    }

    fn count(&mut self, tier: Option<&SeatTier>, seats: i64) {
        if let Some(tier) = tier {
            *self.0.entry(tier.clone()).or_default() += seats;
        }
    }

    /// Writes the moves, tier by tier in one order, so that two logins never wait for each other's.
    pub(super) fn settle(self, batch: &mut Batch, organization: &OrganizationId) {
        for (tier, seats) in self.0 {
            match seats {
                0 => {}
                1.. => want(batch, organization, &tier, seats),
                _ => give_back(batch, organization, &tier, -seats),
            }
        }
    }
}
