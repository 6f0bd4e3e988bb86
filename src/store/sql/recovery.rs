//! Recovery links (row 60).

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

use super::audit::{AuditEntry, append_audit};
use super::batch::Batch;
use super::codec::{Columns as _, micros, stored_time};
use super::seats::{SeatMoves, count_seats, release_expired_holds};
use super::statement::Statement;
use super::{Backend, Connection, PARENT, Stop, changes, find_settings, queries, use_cases};
use crate::core::{EmailAddress, MemberId, MemberStatus, Organization, OrganizationId, PersonId, SeatTier};
use crate::random;
use crate::store::{MemberRow, NewRecoveryLink, RecoveryKey, RecoveryStore, RequestOrigin, SsoProof, StoreError};

#[async_trait]
impl RecoveryStore for Backend {
    async fn create_recovery_link(&self, link: NewRecoveryLink<'_>) -> Result<(), StoreError> {
        let link = Link {
            key: hexadecimal(link.key),
            organization: link.organization.clone(),
            email: link.email.clone(),
            expires_at: link.expires_at,
            actor: link.actor.to_owned(),
            origin: link.origin.clone(),
            now: stored_time(link.now),
        };
        self.write(|conn| Box::pin(async { create(conn, link).await })).await.map_err(use_cases::never_lost)
    }

    async fn is_recovery_link_open(&self, key: RecoveryKey, now: Timestamp) -> Result<bool, StoreError> {
        self.within(async { Ok(find_open(&mut *self.reader().await?, &hexadecimal(key), now).await?.is_some()) }).await
    }

    async fn use_recovery_link(&self, key: RecoveryKey, origin: &RequestOrigin, now: Timestamp) -> Result<Option<MemberRow>, StoreError> {
        let (key, origin, now) = (hexadecimal(key), origin.clone(), stored_time(now));
        self.write(move |conn| Box::pin(async move { redeem(conn, &key, origin, now).await })).await.map_err(use_cases::never_lost)
    }

    async fn find_sso_proof(&self, organization: &OrganizationId) -> Result<SsoProof, StoreError> {
        self.within(async {
            let conn = &mut *self.read().await?;
            let stored = find_settings(conn).await?;
            let found = stored.as_ref().and_then(|stored| stored.settings.find_organization(organization));
            match found {
                Some(organization) => find_proof(conn, organization).await,
                None => Err(StoreError::Missing(format!("organization {organization}"))),
            }
        })
        .await
    }
}

/// A [`NewRecoveryLink`], owned.
struct Link {
    key: String,
    organization: OrganizationId,
    email: EmailAddress,
    expires_at: Timestamp,
    actor: String,
    origin: RequestOrigin,
    now: Timestamp,
}

fn hexadecimal(key: RecoveryKey) -> String {
    key.0.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn create(conn: &mut Connection, link: Link) -> Result<(), Stop> {
    let Link { key, organization, email, expires_at, actor, origin, now } = link;
    let settings = load_organization(conn, &organization).await?;
    if find_administrator(conn, &settings, &email).await?.is_none() && !may_become_primary_owner(conn, &settings, &email).await? {
        let why = format!("{email} is neither an administrator of {organization} nor its Primary Owner");
        return Err(StoreError::Refused(why).into());
    }
    Statement::new("DELETE FROM recovery_link WHERE organization = $1 AND used_at IS NULL")
        .bind(organization.as_str())
        .execute(&mut *conn)
        .await?;
    Statement::new("INSERT INTO recovery_link (key, organization, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(key)
        .bind(organization.as_str())
        .bind(email.as_str())
        .bind(micros(now))
        .bind(micros(stored_time(expires_at)))
        .execute(&mut *conn)
        .await?;
    let entry = AuditEntry {
        event: "recovery.link_created".to_owned(),
        actor,
        organization: Some(organization),
        target: None,
        reason: None,
        detail: json!({ "email": email, "expires_at": expires_at }),
        origin,
        now,
    };
    append_audit(conn, entry).await?;
    Ok(())
}

async fn load_organization(conn: &mut Connection, id: &OrganizationId) -> Result<Arc<Organization>, StoreError> {
    let stored = find_settings(conn).await?;
    let found = stored.as_ref().and_then(|stored| stored.settings.find_organization(id));
    found.cloned().map(Arc::new).ok_or_else(|| StoreError::Missing(format!("organization {id}")))
}

/// The organization and the address of a link that works.
async fn find_open(conn: &mut Connection, key: &str, now: Timestamp) -> Result<Option<(OrganizationId, EmailAddress)>, StoreError> {
    let row = Statement::new("SELECT organization, email FROM recovery_link WHERE key = $1 AND used_at IS NULL AND expires_at > $2")
        .bind(key)
        .bind(micros(now))
        .fetch_optional(conn)
        .await?;
    row.map(|row| Ok((row.parsed("organization")?, row.parsed("email")?))).transpose()
}

async fn redeem(conn: &mut Connection, key: &str, origin: RequestOrigin, now: Timestamp) -> Result<Option<MemberRow>, Stop> {
    let Some((id, email)) = find_open(conn, key, now).await? else { return Ok(None) };
    let organization = load_organization(conn, &id).await?;
    let row = match find_administrator(conn, &organization, &email).await? {
        Some(row) => row,
        None if may_become_primary_owner(conn, &organization, &email).await? => {
            make_primary_owner(conn, &organization, &email, now).await?
        }
        None => return Ok(None),
    };
    Statement::new("UPDATE recovery_link SET used_at = $2 WHERE key = $1").bind(key).bind(micros(now)).execute(&mut *conn).await?;
    let entry = AuditEntry {
        event: "recovery.link_used".to_owned(),
        actor: row.person.id.to_string(),
        organization: Some(id),
        target: Some(row.person.id.to_string()),
        reason: None,
        detail: json!({ "email": email, "after": { "role": row.member.role, "seat": row.member.seat } }),
        origin,
        now,
    };
    append_audit(conn, entry).await?;
    Ok(Some(row))
}

/// The one active member with this address, if the role administers.
async fn find_administrator(
    conn: &mut Connection,
    organization: &Organization,
    email: &EmailAddress,
) -> Result<Option<MemberRow>, StoreError> {
    let rows = queries::find_members_by_email(conn, &organization.id, email).await?;
    let mut fitting =
        rows.into_iter().filter(|row| row.member.status == MemberStatus::Active && organization.is_administrator(&row.member.role));
    let first = fitting.next();
    Ok(if fitting.next().is_some() { None } else { first })
}

/// The configured Primary Owner who has not come yet: nobody else is marked, and the address belongs to nobody who was blocked or is a member already.
async fn may_become_primary_owner(conn: &mut Connection, organization: &Organization, email: &EmailAddress) -> Result<bool, StoreError> {
    if organization.primary_owner.as_ref() != Some(email) {
        return Ok(false);
    }
    let marked = Statement::new("SELECT id FROM member WHERE organization = $1 AND primary_owner = 1 AND status = 'active'")
        .bind(organization.id.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    let rows = queries::find_members_by_email(conn, &organization.id, email).await?;
    Ok(marked.is_none() && rows.len() <= 1 && rows.iter().all(|row| row.member.status == MemberStatus::Removed))
}

/// The Primary Owner as a member, with the seat that was held. No link is made: the first sign-in through a provider finds the person by the address.
async fn make_primary_owner(
    conn: &mut Connection,
    organization: &Organization,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<MemberRow, Stop> {
    release_expired_holds(conn, &organization.id, now).await?;
    let person = find_or_create_person(conn, email, now).await?;
    let mut moves = SeatMoves::default();
    let held = consume_invite(conn, organization, email, now).await?;
    moves.give_back(held.as_ref());
    let seat = match held {
        Some(tier) => Some(tier),
        // Row 52: the lack of a seat keeps the Primary Owner out of nothing.
        None => count_seats(conn, &organization.id, now).await?.into_iter().find(|count| count.free() > 0).map(|count| count.tier),
    };
    let role = organization.roles.first().unwrap_or(&organization.default_role);
    Statement::new(
        "INSERT INTO member (id, person, organization, status, role, seat, seat_unassigned, primary_owner, joined_at, revision)
         VALUES ($1, $2, $3, 'active', $4, $5, 0, 1, $6, 1)
         ON CONFLICT (organization, person) DO UPDATE SET status = 'active', role = excluded.role, seat = excluded.seat, seat_unassigned = 0,
             primary_owner = 1, revision = member.revision + 1",
    )
    .bind(MemberId::from_uuid(random::uuid(now)?).to_string())
    .bind(person.to_string())
    .bind(organization.id.as_str())
    .bind(role.as_str())
    .bind(seat.as_ref().map(SeatTier::as_str))
    .bind(micros(now))
    .execute(&mut *conn)
    .await?;
    moves.want(seat.as_ref());
    let mut batch = Batch::default();
    moves.settle(&mut batch, &organization.id);
    batch.write(conn).await?;
    let row = queries::find_member(conn, &organization.id, person).await?;
    row.ok_or_else(|| StoreError::Corrupt("the member that was just written is not there".to_owned()).into())
}

async fn find_or_create_person(conn: &mut Connection, email: &EmailAddress, now: Timestamp) -> Result<PersonId, Stop> {
    let known = Statement::new("SELECT id FROM person WHERE parent = $1 AND email_folded = $2 ORDER BY id LIMIT 2")
        .bind(PARENT)
        .bind(email.folded())
        .fetch_all(&mut *conn)
        .await?;
    match known.as_slice() {
        [] => {
            let id = PersonId::from_uuid(random::uuid(now)?);
            Statement::new(
                "INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
                 VALUES ($1, $2, $3, $4, NULL, $5, 0, $6)",
            )
            .bind(id.to_string())
            .bind(PARENT)
            .bind(email.as_str())
            .bind(email.folded())
            .bind(changes::search_text(None, Some(email)))
            .bind(micros(now))
            .execute(conn)
            .await?;
            Ok(id)
        }
        [one] => Ok(one.parsed("id")?),
        _ => Err(StoreError::Refused(format!("several people have the address {email}")).into()),
    }
}

/// Uses up the open invite of the address; the seat that it held.
async fn consume_invite(
    conn: &mut Connection,
    organization: &Organization,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<SeatTier>, StoreError> {
    let invites =
        Statement::new("SELECT id, held FROM invite WHERE organization = $1 AND email_folded = $2 AND closed_at IS NULL ORDER BY id")
            .bind(organization.id.as_str())
            .bind(email.folded())
            .fetch_all(&mut *conn)
            .await?;
    let mut held = None;
    for invite in &invites {
        Statement::new("UPDATE invite SET closed_at = $2, held = NULL WHERE id = $1")
            .bind(invite.text("id")?)
            .bind(micros(now))
            .execute(&mut *conn)
            .await?;
        if let Some(tier) = invite.maybe_text("held")?.map(SeatTier::new) {
            match &held {
                None => held = Some(tier),
                Some(_) => super::seats::free(conn, &organization.id, &tier, 1).await?,
            }
        }
    }
    Ok(held)
}

/// Refuses settings that newly require sign-in through a connection in an organization that has not proven both ways in.
pub(super) async fn check_required_sso(
    conn: &mut Connection,
    before: Option<&crate::core::Settings>,
    after: &crate::core::Settings,
) -> Result<(), StoreError> {
    for organization in &after.organizations {
        let required_before =
            before.and_then(|before| before.find_organization(&organization.id)).is_some_and(|old| old.policy.require_sso);
        if organization.policy.require_sso && !required_before {
            find_proof(conn, organization).await?.check(organization).map_err(StoreError::Refused)?;
        }
    }
    Ok(())
}

async fn find_proof(conn: &mut Connection, organization: &Organization) -> Result<SsoProof, StoreError> {
    let used = Statement::new("SELECT MAX(used_at) AS at FROM recovery_link WHERE organization = $1")
        .bind(organization.id.as_str())
        .fetch_one(&mut *conn)
        .await?;
    let highest = organization.roles.first().unwrap_or(&organization.default_role);
    // Two questions, because one with OR looks at every member.
    let signed_in = Statement::new(
        "SELECT MAX(owner.at) AS at FROM (
             SELECT person, last_login_at AS at FROM member
             WHERE organization = $1 AND status = 'active' AND role = $2 AND last_login_at IS NOT NULL
             UNION ALL SELECT person, last_login_at FROM member WHERE organization = $1 AND status = 'active' AND primary_owner = 1
         ) AS owner
         WHERE EXISTS (SELECT 1 FROM link JOIN connection ON connection.id = link.connection
             WHERE link.person = owner.person AND connection.removed_at IS NULL)",
    )
    .bind(organization.id.as_str())
    .bind(highest.as_str())
    .fetch_one(conn)
    .await?;
    Ok(SsoProof { recovery_used_at: used.maybe_time("at")?, owner_signed_in_at: signed_in.maybe_time("at")? })
}
