//! The settings, replaced as a whole: rows, seats, the Primary Owner's seat, and an audit line with the difference.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::{AuditEntry, append_audit};
use super::codec::{Columns as _, micros, stored_time, to_json};
use super::statement::Statement;
use super::{Connection, PARENT, find_settings, history, owner, recovery, seats};
use crate::core::{Organization, OrganizationId, SeatTier, Settings};
use crate::store::{RequestOrigin, StoreError, StoredSettings, settings_diff};

/// What [`crate::store::Store::save_settings`] was asked, owned.
#[derive(Debug)]
pub(in crate::store) struct SettingsWrite {
    pub(in crate::store) settings: Settings,
    pub(in crate::store) expected: Option<i64>,
    pub(in crate::store) actor: String,
    pub(in crate::store) origin: RequestOrigin,
    /// What else the audit line says; `null`: nothing.
    pub(in crate::store) note: Value,
    pub(in crate::store) now: Timestamp,
}

pub(in crate::store) async fn save_settings(conn: &mut Connection, write: SettingsWrite) -> Result<StoredSettings, StoreError> {
    let SettingsWrite { settings, expected, actor, origin, note, now } = write;
    let now = stored_time(now);
    let before = find_settings(conn).await?;
    if let Some(same) = before.as_ref().filter(|before| *before.settings == settings) {
        return Ok(same.clone());
    }
    let stored = before.as_ref().map(|before| before.revision);
    if stored != expected {
        let number = |revision: Option<i64>| revision.map_or("none".to_owned(), |revision| format!("number {revision}"));
        let (stored, expected) = (number(stored), number(expected));
        return Err(StoreError::Refused(format!(
            "the settings have changed meanwhile (stored: {stored}; yours are made from: {expected}); load them again"
        )));
    }
    let before = before.map(|before| before.settings);
    let revision = stored.unwrap_or(0) + 1;
    recovery::check_required_sso(conn, before.as_deref(), &settings).await?;
    if let Some(replaced) = &before {
        history::keep(conn, revision, replaced, &actor, now).await?;
    }

    write_parent(conn, &settings, revision).await?;
    write_domains(conn, &settings).await?;
    write_connections(conn, before.as_deref(), &settings, now).await?;
    let holds = write_organizations(conn, before.as_deref(), &settings, now).await?;
    let detail =
        json!({"revision": revision, "objects": settings_diff::diff(before.as_deref(), &settings), "holds": holds, "review": note});
    let entry = AuditEntry {
        event: "settings.applied".to_owned(),
        actor,
        organization: only_organization(before.as_deref(), &settings),
        target: None,
        reason: None,
        detail,
        origin,
        now,
    };
    append_audit(conn, entry).await?;
    Ok(StoredSettings { settings: Arc::new(settings), revision })
}

/// The organization that a save is about, when it touches nothing else: its administrators may read the line.
fn only_organization(before: Option<&Settings>, after: &Settings) -> Option<OrganizationId> {
    let before = before.filter(|before| before.organizations.len() == after.organizations.len())?;
    let same_parent = before.parent_name == after.parent_name && before.domains == after.domains && before.connections == after.connections;
    let mut touched = before.organizations.iter().zip(&after.organizations).filter(|(before, after)| before != after);
    match (touched.next(), touched.next()) {
        (Some((before, after)), None) if same_parent && before.id == after.id => Some(after.id.clone()),
        _ => None,
    }
}

async fn write_parent(conn: &mut Connection, settings: &Settings, revision: i64) -> Result<(), StoreError> {
    Statement::new(
        "INSERT INTO parent (id, name, revision) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, revision = excluded.revision",
    )
    .bind(PARENT)
    .bind(&settings.parent_name)
    .bind(revision)
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_domains(conn: &mut Connection, settings: &Settings) -> Result<(), StoreError> {
    Statement::new("DELETE FROM domain WHERE parent = $1").bind(PARENT).execute(&mut *conn).await?;
    for (position, domain) in (0_i64..).zip(&settings.domains) {
        Statement::new("INSERT INTO domain (name, parent, position, document) VALUES ($1, $2, $3, $4)")
            .bind(domain.name.as_str())
            .bind(PARENT)
            .bind(position)
            .bind(to_json(domain)?)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

async fn write_connections(conn: &mut Connection, before: Option<&Settings>, after: &Settings, now: Timestamp) -> Result<(), StoreError> {
    let before = before.map_or(&[][..], |before| &before.connections);
    for gone in before.iter().filter(|old| after.find_connection(&old.id).is_none()) {
        Statement::new("UPDATE connection SET removed_at = $2, relink_open_until = NULL WHERE id = $1")
            .bind(gone.id.as_str())
            .bind(micros(now))
            .execute(&mut *conn)
            .await?;
    }
    for (position, connection) in (0_i64..).zip(&after.connections) {
        Statement::new(
            "INSERT INTO connection (id, parent, position, document) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET position = excluded.position, document = excluded.document, removed_at = NULL",
        )
        .bind(connection.id.as_str())
        .bind(PARENT)
        .bind(position)
        .bind(to_json(connection)?)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn write_organizations(
    conn: &mut Connection,
    before: Option<&Settings>,
    after: &Settings,
    now: Timestamp,
) -> Result<Vec<serde_json::Value>, StoreError> {
    let old = before.map_or(&[][..], |before| &before.organizations);
    for gone in old.iter().filter(|old| after.find_organization(&old.id).is_none()) {
        remove_organization(conn, gone, now).await?;
    }
    let mut holds = Vec::new();
    for (position, organization) in (0_i64..).zip(&after.organizations) {
        Statement::new(
            "INSERT INTO organization (id, parent, position, document) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET position = excluded.position, document = excluded.document, removed_at = NULL",
        )
        .bind(organization.id.as_str())
        .bind(PARENT)
        .bind(position)
        .bind(to_json(organization)?)
        .execute(&mut *conn)
        .await?;
        seats::release_expired_holds(conn, &organization.id, now).await?;
        write_seats(conn, organization, now).await?;
        let previous = before.and_then(|before| before.find_organization(&organization.id));
        if previous.is_some_and(|previous| previous.drops_pins_for(organization)) {
            drop_pins(conn, organization).await?;
        }
        holds.extend(owner::hold_seat(conn, previous, organization, now).await?);
    }
    Ok(holds)
}

/// Row 58: a pin holds something against the groups; where they decide no more there is nothing to hold.
async fn drop_pins(conn: &mut Connection, organization: &Organization) -> Result<(), StoreError> {
    Statement::new("UPDATE member SET pin = NULL, revision = revision + 1 WHERE organization = $1 AND pin IS NOT NULL")
        .bind(organization.id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// History stays, and with it the row; invites end.
async fn remove_organization(conn: &mut Connection, gone: &Organization, now: Timestamp) -> Result<(), StoreError> {
    let members = count_members(conn, gone, None).await?;
    if members > 0 {
        return Err(StoreError::Refused(format!(
            "organization {} has {members} member(s) and cannot be taken away; remove them first",
            gone.id
        )));
    }
    let id = gone.id.as_str();
    Statement::new("UPDATE invite SET closed_at = $2, held = NULL WHERE organization = $1 AND closed_at IS NULL")
        .bind(id)
        .bind(micros(now))
        .execute(&mut *conn)
        .await?;
    Statement::new("DELETE FROM seat WHERE organization = $1").bind(id).execute(&mut *conn).await?;
    Statement::new("UPDATE organization SET removed_at = $2 WHERE id = $1").bind(id).bind(micros(now)).execute(conn).await?;
    Ok(())
}

/// `used` is never touched here but by holds that end; fewer seats owned than used evicts nobody (row 36).
async fn write_seats(conn: &mut Connection, organization: &Organization, now: Timestamp) -> Result<(), StoreError> {
    let rows = Statement::new("SELECT tier FROM seat WHERE organization = $1").bind(organization.id.as_str()).fetch_all(&mut *conn).await?;
    for row in &rows {
        let tier = SeatTier::new(row.text("tier")?);
        if organization.tier_rank(&tier).is_none() {
            remove_tier(conn, organization, &tier, now).await?;
        }
    }
    for (rank, seats) in (0_i64..).zip(&organization.seat_tiers) {
        Statement::new(
            "INSERT INTO seat (organization, tier, rank, owned, used) VALUES ($1, $2, $3, $4, 0)
             ON CONFLICT (organization, tier) DO UPDATE SET rank = excluded.rank, owned = excluded.owned",
        )
        .bind(organization.id.as_str())
        .bind(seats.tier.as_str())
        .bind(rank)
        .bind(i64::from(seats.owned))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// A tier that members hold stays. Invites lose their hold on it; the Primary Owner's ends, and a new one is made on another tier.
async fn remove_tier(conn: &mut Connection, organization: &Organization, tier: &SeatTier, now: Timestamp) -> Result<(), StoreError> {
    let members = count_members(conn, organization, Some(tier)).await?;
    if members > 0 {
        return Err(StoreError::Refused(format!(
            "{members} member(s) of organization {} have a {tier} seat, so this tier cannot be taken away; move them first",
            organization.id
        )));
    }
    let id = organization.id.as_str();
    Statement::new("UPDATE invite SET closed_at = $3, held = NULL WHERE organization = $1 AND held = $2 AND primary_owner = 1")
        .bind(id)
        .bind(tier.as_str())
        .bind(micros(now))
        .execute(&mut *conn)
        .await?;
    for statement in [
        "UPDATE invite SET held = NULL, seat = NULL WHERE organization = $1 AND held = $2",
        "UPDATE member SET wanted_tier = NULL, wanted_since = NULL, revision = revision + 1 WHERE organization = $1 AND wanted_tier = $2",
        "DELETE FROM seat WHERE organization = $1 AND tier = $2",
    ] {
        Statement::new(statement).bind(id).bind(tier.as_str()).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Active members, of one tier or of all.
async fn count_members(conn: &mut Connection, organization: &Organization, tier: Option<&SeatTier>) -> Result<i64, StoreError> {
    let row = Statement::new(
        "SELECT count(*) AS members FROM member WHERE organization = $1 AND status = 'active' AND ($2 IS NULL OR seat = $2)",
    )
    .bind(organization.id.as_str())
    .bind(tier.map(SeatTier::as_str))
    .fetch_one(conn)
    .await?;
    row.number("members")
}
