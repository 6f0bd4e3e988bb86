//! The Primary Owner's seat: held by an invite without an end until the owner comes (row 52).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::codec::{Columns as _, micros};
use super::statement::Statement;
use super::{Connection, Row, count_seats, seats};
use crate::core::{EmailAddress, InviteId, Organization, OrganizationId, SeatTier};
use crate::random;
use crate::store::StoreError;

/// Makes the stored rows fit the configured address: a new address drops the former owner's mark and unused hold, and an owner who is no member
/// yet gets a hold. Answers a line for the audit log for each hold that was made.
pub(super) async fn hold_seat(
    conn: &mut Connection,
    before: Option<&Organization>,
    organization: &Organization,
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let address = organization.primary_owner.as_ref();
    let changed = before.and_then(|before| before.primary_owner.as_ref()) != address;
    if changed {
        drop_former(conn, organization, now).await?;
    }
    let Some(address) = address else { return Ok(None) };
    // An owner whose address changed at the provider stays the owner (row 48).
    if is_member(conn, organization, address).await? || (!changed && has_marked_owner(conn, organization).await?) {
        return Ok(None);
    }
    if has_open_invite(conn, organization, address, now).await? {
        return Ok(None);
    }
    let tier = highest_free_tier(conn, organization, address, now).await?;
    insert_hold(conn, organization, address, tier.as_ref(), now).await?;
    Ok(Some(json!({"organization": organization.id, "primary_owner": address, "tier": tier})))
}

async fn drop_former(conn: &mut Connection, organization: &Organization, now: Timestamp) -> Result<(), StoreError> {
    let address = organization.primary_owner.as_ref().map_or("", EmailAddress::folded);
    let dropped = Statement::new(
        "SELECT id, held FROM invite WHERE organization = $1 AND primary_owner = 1 AND closed_at IS NULL AND email_folded <> $2",
    )
    .bind(organization.id.as_str())
    .bind(address)
    .fetch_all(&mut *conn)
    .await?;
    end_holds(conn, &organization.id, &dropped, now).await?;
    Statement::new(
        "UPDATE member SET primary_owner = 0, revision = revision + 1 WHERE organization = $1 AND primary_owner = 1
         AND person NOT IN (SELECT id FROM person WHERE email_folded = $2)",
    )
    .bind(organization.id.as_str())
    .bind(address)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends every hold for a Primary Owner who has not come: somebody else has become it by hand.
pub(super) async fn close_holds(conn: &mut Connection, organization: &OrganizationId, now: Timestamp) -> Result<(), StoreError> {
    let open = Statement::new("SELECT id, held FROM invite WHERE organization = $1 AND primary_owner = 1 AND closed_at IS NULL")
        .bind(organization.as_str())
        .fetch_all(&mut *conn)
        .await?;
    end_holds(conn, organization, &open, now).await
}

async fn end_holds(conn: &mut Connection, organization: &OrganizationId, invites: &[Row], now: Timestamp) -> Result<(), StoreError> {
    for row in invites {
        Statement::new("UPDATE invite SET closed_at = $2, held = NULL WHERE id = $1")
            .bind(row.text("id")?)
            .bind(micros(now))
            .execute(&mut *conn)
            .await?;
        if let Some(tier) = row.maybe_text("held")? {
            seats::free(conn, organization, &SeatTier::new(tier), 1).await?;
        }
    }
    Ok(())
}

async fn is_member(conn: &mut Connection, organization: &Organization, address: &EmailAddress) -> Result<bool, StoreError> {
    let found = Statement::new(
        "SELECT member.id FROM member JOIN person ON person.id = member.person
         WHERE member.organization = $1 AND member.status = 'active' AND person.email_folded = $2 LIMIT 1",
    )
    .bind(organization.id.as_str())
    .bind(address.folded())
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

async fn has_marked_owner(conn: &mut Connection, organization: &Organization) -> Result<bool, StoreError> {
    let found = Statement::new("SELECT id FROM member WHERE organization = $1 AND primary_owner = 1 AND status = 'active'")
        .bind(organization.id.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

async fn has_open_invite(
    conn: &mut Connection,
    organization: &Organization,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found = Statement::new(
        "SELECT id FROM invite WHERE organization = $1 AND email_folded = $2 AND closed_at IS NULL AND expires_at > $3 LIMIT 1",
    )
    .bind(organization.id.as_str())
    .bind(address.folded())
    .bind(micros(now))
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// `None` for an organization that does not count seats.
async fn highest_free_tier(
    conn: &mut Connection,
    organization: &Organization,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<Option<SeatTier>, StoreError> {
    let counts = count_seats(conn, &organization.id, now).await?;
    if counts.is_empty() {
        return Ok(None);
    }
    match counts.into_iter().find(|count| count.free() > 0) {
        Some(count) => Ok(Some(count.tier)),
        None => Err(StoreError::Refused(format!(
            "organization {} has no free seat for its Primary Owner {address}; add a seat or remove a member",
            organization.id
        ))),
    }
}

async fn insert_hold(
    conn: &mut Connection,
    organization: &Organization,
    address: &EmailAddress,
    tier: Option<&SeatTier>,
    now: Timestamp,
) -> Result<(), StoreError> {
    Statement::new(
        "INSERT INTO invite (id, organization, email, email_folded, role, seat, held, primary_owner, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7, $8)",
    )
    .bind(InviteId::from_uuid(random::uuid(now)?).to_string())
    .bind(organization.id.as_str())
    .bind(address.as_str())
    .bind(address.folded())
    .bind(organization.roles.first().unwrap_or(&organization.default_role).as_str())
    .bind(tier.map(SeatTier::as_str))
    .bind(micros(now))
    .bind(micros(Timestamp::MAX))
    .execute(&mut *conn)
    .await?;
    let Some(tier) = tier else { return Ok(()) };
    match seats::take(conn, &organization.id, tier).await {
        Ok(()) => Ok(()),
        Err(super::Stop::Failed(error)) => Err(error),
        Err(super::Stop::Lost) => Err(StoreError::Corrupt(format!("the {tier} seat that was free in this transaction is taken"))),
    }
}
