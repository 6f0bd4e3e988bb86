//! Everything that a decision may know, read.

use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::codec::Columns as _;
use super::settings::LoadedSettings;
use super::{Connection, Database, PARENT, rows, seats};
use crate::core::provision::{ConnectionState, Facts, Known};
use crate::core::{ClaimHealth, GroupClaim, Identity, Invite, Organization, OrganizationId, Person, PersonId};
use crate::store::{FactsQuery, StoreError};

pub(in crate::store) async fn load_facts(
    conn: &mut Connection,
    settings: &LoadedSettings,
    query: &FactsQuery<'_>,
) -> Result<Facts, StoreError> {
    let organization = settings.load_organization(query.organization)?;
    let connection = load_connection(conn, settings, query.identity).await?;
    let linked = find_linked(conn, query).await?;
    let same_email = find_same_email(conn, query, linked.as_ref()).await?;
    let other_admins = count_other_admins(conn, &organization, linked.as_ref(), &same_email).await?;
    Ok(Facts {
        other_primary_owner: has_other_primary_owner(conn, query, linked.as_ref(), &same_email).await?,
        invite: find_invite(conn, query).await?,
        seats: seats::count_seats(conn, query.organization, query.now).await?,
        organization,
        connection,
        linked,
        same_email,
        other_admins,
    })
}

/// The same facts in the transaction that writes, with seats left out: the gate itself decides about them.
pub(super) async fn load_facts_without_seats(
    conn: &mut Connection,
    settings: &LoadedSettings,
    query: &FactsQuery<'_>,
) -> Result<Facts, StoreError> {
    let linked = find_linked(conn, query).await?;
    let same_email = find_same_email(conn, query, linked.as_ref()).await?;
    Ok(Facts {
        organization: settings.load_organization(query.organization)?,
        connection: load_connection(conn, settings, query.identity).await?,
        other_primary_owner: has_other_primary_owner(conn, query, linked.as_ref(), &same_email).await?,
        same_email,
        linked,
        invite: find_invite(conn, query).await?,
        seats: Vec::new(),
        other_admins: 0,
    })
}

async fn load_connection(conn: &mut Connection, settings: &LoadedSettings, identity: &Identity) -> Result<ConnectionState, StoreError> {
    let settings = &settings.stored.settings;
    let missing = || StoreError::Missing(format!("connection {}", identity.connection));
    let connection = settings.find_connection(&identity.connection).ok_or_else(missing)?;
    let row = sqlx::query(
        "SELECT relink_open_until, last_present_at FROM connection
         LEFT JOIN claim_health ON claim_health.connection = connection.id WHERE connection.id = $1",
    )
    .bind(connection.id.as_str())
    .fetch_one(conn)
    .await?;
    Ok(ConnectionState {
        id: connection.id.clone(),
        enabled: connection.enabled,
        domain_verified: identity.email.as_ref().is_some_and(|email| settings.allows_domain(connection, email.domain())),
        guest_domain: identity.email.as_ref().is_some_and(|email| !settings.has_domain(email.domain())),
        allow_idp_initiated: connection.allow_idp_initiated,
        relink_open_until: row.maybe_time("relink_open_until")?,
        health: ClaimHealth { last_present_at: row.maybe_time("last_present_at")? },
    })
}

async fn find_linked(conn: &mut Connection, query: &FactsQuery<'_>) -> Result<Option<Known>, StoreError> {
    let row = sqlx::query(
        "SELECT person.id AS person_id, person.email, person.name, person.service_account
         FROM link JOIN person ON person.id = link.person WHERE link.connection = $1 AND link.subject = $2",
    )
    .bind(query.identity.connection.as_str())
    .bind(&query.identity.subject)
    .fetch_optional(&mut *conn)
    .await?;
    match row {
        Some(row) => Ok(Some(load_known(conn, rows::person(&row)?, query.organization).await?)),
        None => Ok(None),
    }
}

async fn find_same_email(conn: &mut Connection, query: &FactsQuery<'_>, linked: Option<&Known>) -> Result<Vec<Known>, StoreError> {
    let Some(email) = &query.identity.email else { return Ok(Vec::new()) };
    let found =
        sqlx::query("SELECT id AS person_id, email, name, service_account FROM person WHERE parent = $1 AND email_folded = $2 ORDER BY id")
            .bind(PARENT)
            .bind(email.folded())
            .fetch_all(&mut *conn)
            .await?;
    let mut same_email = Vec::new();
    for row in &found {
        let person = rows::person(row)?;
        if linked.is_none_or(|linked| linked.person.id != person.id) {
            same_email.push(load_known(conn, person, query.organization).await?);
        }
    }
    Ok(same_email)
}

pub(super) async fn load_known(conn: &mut Connection, person: Person, organization: &OrganizationId) -> Result<Known, StoreError> {
    let links = sqlx::query("SELECT id, connection, subject FROM link WHERE person = $1 ORDER BY id")
        .bind(person.id.to_string())
        .fetch_all(&mut *conn)
        .await?;
    let member = sqlx::query("SELECT * FROM member WHERE organization = $1 AND person = $2")
        .bind(organization.as_str())
        .bind(person.id.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(Known {
        links: links.iter().map(rows::link).collect::<Result<_, _>>()?,
        member: member.as_ref().map(rows::member).transpose()?,
        person,
    })
}

/// The newest invite that was neither used nor revoked; it may have expired.
async fn find_invite(conn: &mut Connection, query: &FactsQuery<'_>) -> Result<Option<Invite>, StoreError> {
    let Some(email) = &query.identity.email else { return Ok(None) };
    let row = sqlx::query(
        "SELECT * FROM invite WHERE organization = $1 AND email_folded = $2 AND closed_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(query.organization.as_str())
    .bind(email.folded())
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(rows::invite).transpose()
}

/// Whom the login is about: the linked person, or else whoever has the address.
fn concerned<'a>(linked: Option<&'a Known>, same_email: &'a [Known]) -> &'a [Known] {
    linked.map_or(same_email, std::slice::from_ref)
}

/// Whether an active member beside the one whom the login is about is the Primary Owner.
async fn has_other_primary_owner(
    conn: &mut Connection,
    query: &FactsQuery<'_>,
    linked: Option<&Known>,
    same_email: &[Known],
) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT person FROM member WHERE organization = $1 AND primary_owner = 1 AND status = 'active'")
        .bind(query.organization.as_str())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let owner: PersonId = row.parsed("person")?;
    Ok(concerned(linked, same_email).iter().all(|known| known.person.id != owner))
}

/// Administrators beside the one whom the login is about.
pub(super) async fn count_other_admins(
    conn: &mut Connection,
    organization: &Organization,
    linked: Option<&Known>,
    same_email: &[Known],
) -> Result<u32, StoreError> {
    let concerned = concerned(linked, same_email);
    let mut query = QueryBuilder::<Database>::new(
        "SELECT count(*) AS admins FROM member WHERE member.status = 'active' AND member.last_login_at IS NOT NULL
             AND member.person NOT IN (SELECT id FROM person WHERE service_account = 1) AND member.organization = ",
    );
    query.push_bind(organization.id.as_str().to_owned());
    push_list(&mut query, " AND member.role IN (", organization.administrators.iter().map(|role| role.as_str().to_owned()));
    if !concerned.is_empty() {
        push_list(&mut query, " AND member.person NOT IN (", concerned.iter().map(|known| known.person.id.to_string()));
    }
    query.build().fetch_one(conn).await?.count("admins")
}

pub(super) fn push_list(query: &mut QueryBuilder<Database>, opening: &str, values: impl Iterator<Item = String>) {
    query.push(opening);
    // NULL is no role and no id, and makes an empty list valid SQL; for NOT IN the caller makes sure that there is a value.
    let mut values = values.peekable();
    if values.peek().is_none() {
        query.push("NULL");
    }
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// Whether what a decision rests on is still so. Seats and other administrators are for the writer to check, where they matter.
/// A member counts as unchanged by its revision: a second login at the same moment, which only moves times, is no race.
/// The claim's health matters only to a login without groups; a login with groups is what changes it.
pub(super) fn still_hold(then: &Facts, at_write: &Facts, identity: &Identity, now: Timestamp) -> bool {
    let member_key = |known: &Known| known.member.as_ref().map(|member| (member.id, member.revision));
    let same_known = |a: &Known, b: &Known| a.person == b.person && a.links == b.links && member_key(a) == member_key(b);
    let linked = match (&then.linked, &at_write.linked) {
        (None, None) => true,
        (Some(a), Some(b)) => same_known(a, b),
        _ => false,
    };
    let (before, after) = (&then.connection, &at_write.connection);
    let health = |health: ClaimHealth| matches!(identity.groups, GroupClaim::Present(_)) || health.is_healthy(now);
    linked
        && then.same_email.len() == at_write.same_email.len()
        && then.same_email.iter().zip(&at_write.same_email).all(|(a, b)| same_known(a, b))
        && then.invite == at_write.invite
        && then.other_primary_owner == at_write.other_primary_owner
        && health(before.health) == health(after.health)
        && *before == ConnectionState { health: before.health, ..after.clone() }
        && then.organization == at_write.organization
}
