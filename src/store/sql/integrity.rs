//! Whether counters, chain and rows agree.

use super::codec::Columns as _;
use super::statement::Statement;
use super::{Connection, list_audit};
use crate::store::{StoreError, audit_chain};

/// Statements that find rows which must not be; the column `fault` says in plain words what is wrong.
const FAULTS: [&str; 4] = [
    "SELECT 'tier ' || tier || ' of organization ' || organization || ' counts ' || used || ' seats as used, and ' || held || ' are' AS fault
     FROM (SELECT organization, tier, used,
               (SELECT count(*) FROM member WHERE member.organization = seat.organization AND member.seat = seat.tier AND status = 'active')
               + (SELECT count(*) FROM invite WHERE invite.organization = seat.organization AND invite.held = seat.tier) AS held
           FROM seat) AS counted
     WHERE used <> held",
    "SELECT 'member ' || id || ' is ' || status || ' and has a seat' AS fault FROM member WHERE status <> 'active' AND seat IS NOT NULL",
    "SELECT 'invite ' || id || ' is closed and holds a seat' AS fault FROM invite WHERE closed_at IS NOT NULL AND held IS NOT NULL",
    "SELECT 'decision ' || decision.id || ' has no audit line' AS fault
     FROM decision LEFT JOIN audit ON audit.sequence = decision.audit WHERE audit.sequence IS NULL",
];

/// Audit lines that are read at once.
const PAGE: u32 = 1000;

/// All faults, in plain words; none is the good answer.
pub(in crate::store) async fn check_integrity(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    let mut faults = Vec::new();
    for statement in FAULTS {
        for row in Statement::new(statement).fetch_all(&mut *conn).await? {
            faults.push(row.text("fault")?);
        }
    }
    faults.extend(check_chain(conn).await?);
    Ok(faults)
}

/// The first break of the audit chain; what follows it cannot be judged.
async fn check_chain(conn: &mut Connection) -> Result<Option<String>, StoreError> {
    let (mut sequence, mut hash) = (0, audit_chain::FIRST.to_owned());
    loop {
        let lines = list_audit(conn, sequence, PAGE).await?;
        if lines.is_empty() {
            return Ok(None);
        }
        match audit_chain::verify((sequence, &hash), &lines) {
            Ok((last, last_hash)) => (sequence, hash) = (last, last_hash.to_owned()),
            Err(fault) => return Ok(Some(fault)),
        }
    }
}
