//! Invites: what they hold, and how they end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::audit::append_audit;
use super::codec::{Columns as _, micros, stored_time};
use super::people::By;
use super::seats::{self, count_seats, release_expired_holds};
use super::settings::LoadedSettings;
use super::statement::Statement;
use super::{Connection, Row, SettingsCache, Stop, find_members_by_email, rows};
use crate::core::hand::invite::{InviteSituation, ends_at};
use crate::core::{EmailAddress, InviteId, MemberStatus, OrganizationId, Role, SeatTier};
use crate::random;
use crate::store::{InviteCommit, InviteRow, StoreError};

/// An [`InviteCommit`] that waits for the writer: the same, owned.
#[derive(Debug)]
pub(super) struct InviteWrite {
    situation: InviteSituation,
    email: EmailAddress,
    role: Role,
    seat: Option<SeatTier>,
    by: By,
}

impl From<InviteCommit<'_>> for InviteWrite {
    fn from(commit: InviteCommit<'_>) -> Self {
        Self {
            situation: commit.situation.clone(),
            email: commit.email.clone(),
            role: commit.role.clone(),
            seat: commit.seat.cloned(),
            by: By::new(commit.actor, commit.origin, commit.now),
        }
    }
}

pub(super) async fn load_situation(
    conn: &mut Connection,
    settings: &LoadedSettings,
    organization: &OrganizationId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<InviteSituation, StoreError> {
    let all = &settings.stored.settings;
    let domain_allowed = all.connections.iter().any(|connection| connection.enabled && all.allows_domain(connection, email.domain()));
    let statuses: BTreeSet<MemberStatus> =
        find_members_by_email(conn, organization, email).await?.into_iter().map(|row| row.member.status).collect();
    Ok(InviteSituation {
        organization: settings.load_organization(organization)?,
        seats: count_seats(conn, organization, now).await?,
        domain_allowed,
        guest_domain: !all.has_domain(email.domain()),
        is_invited: find_open(conn, organization, email, now).await?,
        member: [MemberStatus::Active, MemberStatus::Blocked, MemberStatus::Removed].into_iter().find(|status| statuses.contains(status)),
    })
}

async fn find_open(conn: &mut Connection, organization: &OrganizationId, email: &EmailAddress, now: Timestamp) -> Result<bool, StoreError> {
    let found = Statement::new(
        "SELECT id FROM invite WHERE organization = $1 AND email_folded = $2 AND closed_at IS NULL AND expires_at > $3 LIMIT 1",
    )
    .bind(organization.as_str())
    .bind(email.folded())
    .bind(micros(now))
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

pub(super) async fn create(conn: &mut Connection, settings: &SettingsCache, write: &InviteWrite) -> Result<InviteRow, Stop> {
    let InviteWrite { situation, email, role, seat, by } = write;
    let organization = &situation.organization.id;
    let settings = settings.load(conn, false).await?;
    let current = load_situation(conn, &settings, organization, email, by.now).await?;
    if (InviteSituation { seats: situation.seats.clone(), ..current }) != *situation {
        return Err(Stop::Lost);
    }
    release_expired_holds(conn, organization, by.now).await?;
    Statement::new("UPDATE invite SET closed_at = $3 WHERE organization = $1 AND email_folded = $2 AND closed_at IS NULL")
        .bind(organization.as_str())
        .bind(email.folded())
        .bind(micros(by.now))
        .execute(&mut *conn)
        .await?;
    let id = InviteId::from_uuid(random::uuid(by.now)?);
    Statement::new(
        "INSERT INTO invite (id, organization, email, email_folded, role, seat, held, primary_owner, created_at, expires_at, invited_by)
         VALUES ($1, $2, $3, $4, $5, $6, $6, 0, $7, $8, $9)",
    )
    .bind(id.to_string())
    .bind(organization.as_str())
    .bind(email.as_str())
    .bind(email.folded())
    .bind(role.as_str())
    .bind(seat.as_ref().map(SeatTier::as_str))
    .bind(micros(by.now))
    .bind(micros(ends_at(by.now)))
    .bind(&by.actor)
    .execute(&mut *conn)
    .await?;
    if let Some(seat) = seat {
        seats::take(conn, organization, seat).await?;
    }
    let row = load(conn, organization, id, by.now).await?;
    append_audit(conn, by.entry("invite.created", organization, email, json!({"after": row}))).await?;
    Ok(row)
}

pub(super) async fn list(conn: &mut Connection, organization: &OrganizationId, now: Timestamp) -> Result<Vec<InviteRow>, StoreError> {
    let found = Statement::new("SELECT * FROM invite WHERE organization = $1 AND closed_at IS NULL ORDER BY email_folded, id")
        .bind(organization.as_str())
        .fetch_all(conn)
        .await?;
    found.iter().map(|row| invite_row(row, now)).collect()
}

/// An invite that was ended meanwhile is a lost race.
async fn load(conn: &mut Connection, organization: &OrganizationId, invite: InviteId, now: Timestamp) -> Result<InviteRow, Stop> {
    let row = Statement::new("SELECT * FROM invite WHERE organization = $1 AND id = $2 AND closed_at IS NULL")
        .bind(organization.as_str())
        .bind(invite.to_string())
        .fetch_optional(conn)
        .await?
        .ok_or(Stop::Lost)?;
    Ok(invite_row(&row, now)?)
}

fn invite_row(row: &Row, now: Timestamp) -> Result<InviteRow, StoreError> {
    let invite = rows::invite(row)?;
    Ok(InviteRow {
        is_held: row.maybe_text("held")?.is_some() && invite.expires_at > now,
        invite,
        primary_owner: row.flag("primary_owner")?,
        invited_by: row.maybe_text("invited_by")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) async fn renew(
    conn: &mut Connection,
    organization: &OrganizationId,
    invite: InviteId,
    ends_at: Timestamp,
    by: &By,
) -> Result<InviteRow, Stop> {
    release_expired_holds(conn, organization, by.now).await?;
    let before = load(conn, organization, invite, by.now).await?;
    Statement::new("UPDATE invite SET expires_at = $2, held = seat WHERE id = $1")
        .bind(invite.to_string())
        .bind(micros(stored_time(ends_at)))
        .execute(&mut *conn)
        .await?;
    if let Some(seat) = before.invite.seat.as_ref().filter(|_| !before.is_held) {
        seats::take(conn, organization, seat).await?;
    }
    let after = load(conn, organization, invite, by.now).await?;
    let detail = json!({"before": before, "after": after});
    append_audit(conn, by.entry("invite.sent_again", organization, &after.invite.email, detail)).await?;
    Ok(after)
}

pub(super) async fn revoke(conn: &mut Connection, organization: &OrganizationId, invite: InviteId, by: &By) -> Result<InviteRow, Stop> {
    release_expired_holds(conn, organization, by.now).await?;
    let before = load(conn, organization, invite, by.now).await?;
    Statement::new("UPDATE invite SET closed_at = $2, held = NULL WHERE id = $1")
        .bind(invite.to_string())
        .bind(micros(by.now))
        .execute(&mut *conn)
        .await?;
    if let Some(seat) = before.invite.seat.as_ref().filter(|_| before.is_held) {
        seats::free(conn, organization, seat, 1).await?;
    }
    append_audit(conn, by.entry("invite.revoked", organization, &before.invite.email, json!({"before": before}))).await?;
    Ok(before)
}
