//! Everything that a decision may know, read in one statement: of one moment, in one step. Who else administers is asked only where it matters.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;

use super::codec::{Columns as _, micros};
use super::settings::LoadedSettings;
use super::statement::Statement;
use super::{Connection, PARENT, Row, rows};
use crate::core::provision::{ConnectionState, Facts, Known, SeatCount};
use crate::core::{
    ClaimHealth, EmailAddress, GroupClaim, Identity, Invite, Organization, OrganizationId, Person, PersonId, Role, SeatTier,
};
use crate::store::reading::AsOf;
use crate::store::{FactsQuery, Reading, StoreError};

/// A row for each link of each person whom the login may be about, and one at least; what is no person's is in each of them. In no order: `SQLite` would
/// build a table to sort these rows in, and another to find people who are linked and have the address as well.
pub(in crate::store) const FACTS: &str = concat!(
    "SELECT parent.revision AS settings_revision, connection.relink_open_until, claim_health.last_present_at,
         (SELECT person FROM member WHERE organization = $1 AND primary_owner = 1 AND status = 'active') AS owner,
         (SELECT count(*) FROM invite WHERE organization = $1 AND held IS NOT NULL AND expires_at <= $2) AS expired_holds,
         (SELECT count(*) FROM attempt WHERE organization = $1 AND connection = $3 AND subject = $4) AS attempts,
         (SELECT ",
    json_list!("rank, tier, owned, used"),
    " FROM (
             SELECT rank, tier, owned, used - (SELECT count(*) FROM invite
                 WHERE invite.organization = seat.organization AND invite.held = seat.tier AND invite.expires_at <= $2) AS used
             FROM seat WHERE organization = $1) AS counted) AS seats,
         invite.id AS invite_id, invite.email AS invite_email, invite.role AS invite_role, invite.seat AS invite_seat,
         invite.expires_at AS invite_expires_at,
         person.id AS person_id, person.email, person.name, person.service_account,
         link.id AS link_id, link.connection AS link_connection, link.subject AS link_subject, member.*
     FROM (SELECT person FROM link WHERE connection = $3 AND subject = $4
         UNION ALL SELECT id FROM person WHERE parent = $6 AND email_folded = $5
             AND NOT EXISTS (SELECT 1 FROM link WHERE connection = $3 AND subject = $4 AND link.person = person.id)
         UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM link WHERE connection = $3 AND subject = $4)
             AND NOT EXISTS (SELECT 1 FROM person WHERE parent = $6 AND email_folded = $5)) AS concerned
     CROSS JOIN parent
     LEFT JOIN connection ON connection.id = $3
     LEFT JOIN claim_health ON claim_health.connection = connection.id
     LEFT JOIN invite ON invite.id = (SELECT id FROM invite WHERE organization = $1 AND email_folded = $5 AND closed_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT 1)
     LEFT JOIN person ON person.id = concerned.person
     LEFT JOIN link ON link.person = person.id
     LEFT JOIN member ON member.organization = $1 AND member.person = person.id
     WHERE parent.id = $6"
);

/// What was found for a login.
#[derive(Debug)]
pub(in crate::store) struct Found {
    pub(in crate::store) facts: Facts,
    /// Whether seats are held by invites that have expired.
    pub(super) has_expired_holds: bool,
    /// Whether this subject was refused before, and may be waiting for an administrator.
    pub(super) has_attempts: bool,
}

impl Found {
    /// As they were read after so many commits. Where something is to be cleared away the commit has to look for itself.
    pub(super) fn into_reading(self, commits: u64, query: &FactsQuery<'_>) -> Reading {
        let is_clear = !self.has_attempts && !self.has_expired_holds;
        Reading::new(self.facts, is_clear.then(|| AsOf::new(commits, query)))
    }
}

/// The facts under these settings; `None` when others are in force by now.
pub(in crate::store) async fn find_facts(
    conn: &mut Connection,
    settings: &LoadedSettings,
    query: &FactsQuery<'_>,
) -> Result<Option<Found>, StoreError> {
    let organization = settings.load_organization(query.organization);
    let identity = query.identity;
    let found = Statement::new(FACTS)
        .bind(query.organization.as_str())
        .bind(micros(query.now))
        .bind(identity.connection.as_str())
        .bind(identity.subject.as_str())
        .bind(identity.email.as_ref().map(EmailAddress::folded))
        .bind(PARENT)
        .fetch_all(&mut *conn)
        .await?;
    let row = found.first().ok_or_else(|| StoreError::Missing("the organization's settings".to_owned()))?;
    if row.number("settings_revision")? != settings.stored.revision {
        return Ok(None);
    }
    let organization = organization?;
    let (linked, same_email) = concerned(&found, identity)?;
    let about = linked.as_ref().map_or(same_email.as_slice(), std::slice::from_ref);
    let owner: Option<PersonId> = row.maybe_parsed("owner")?;
    let administers = |known: &Known| known.member.as_ref().is_some_and(|member| organization.is_administrator(&member.role));
    let other_admins = if about.iter().any(administers) { count_administrators(conn, &organization, about).await? } else { 0 };
    let facts = Facts {
        connection: connection(row, settings, identity)?,
        invite: invite(row, query.organization)?,
        seats: seats(row)?,
        other_admins,
        // An active member beside the one whom the login is about.
        other_primary_owner: owner.is_some_and(|owner| about.iter().all(|known| known.person.id != owner)),
        organization,
        linked,
        same_email,
    };
    Ok(Some(Found { facts, has_expired_holds: row.number("expired_holds")? > 0, has_attempts: row.number("attempts")? > 0 }))
}

/// The same under the settings that this transaction sees.
pub(in crate::store) async fn load_found(
    conn: &mut Connection,
    settings: &LoadedSettings,
    query: &FactsQuery<'_>,
) -> Result<Found, StoreError> {
    let found = find_facts(conn, settings, query).await?;
    found.ok_or_else(|| StoreError::Corrupt("the settings changed within a transaction".to_owned()))
}

/// Who is linked, and everyone else who has the address; people and links in the order of their ids.
fn concerned(found: &[Row], identity: &Identity) -> Result<(Option<Known>, Vec<Known>), StoreError> {
    let mut people: BTreeMap<PersonId, Known> = BTreeMap::new();
    for row in found {
        let Some(id) = row.maybe_parsed("person_id")? else { continue };
        let known = match people.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let member = row.maybe_text("id")?.map(|_| rows::member(row)).transpose()?;
                place.insert(Known { person: rows::person(row)?, links: Vec::new(), member })
            }
        };
        if row.maybe_text("link_id")?.is_some() {
            known.links.push(rows::joined_link(row)?);
        }
    }
    let mut people: Vec<Known> = people.into_values().collect();
    for known in &mut people {
        known.links.sort_by_key(|link| link.id);
    }
    let is_linked =
        |known: &Known| known.links.iter().any(|link| link.connection == identity.connection && link.subject == identity.subject);
    let linked = people.iter().position(is_linked).map(|place| people.remove(place));
    Ok((linked, people))
}

fn connection(row: &Row, settings: &LoadedSettings, identity: &Identity) -> Result<ConnectionState, StoreError> {
    let settings = &settings.stored.settings;
    let missing = || StoreError::Missing(format!("connection {}", identity.connection));
    let connection = settings.find_connection(&identity.connection).ok_or_else(missing)?;
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

/// The newest invite that was neither used nor revoked; it may have expired.
fn invite(row: &Row, organization: &OrganizationId) -> Result<Option<Invite>, StoreError> {
    let Some(id) = row.maybe_parsed("invite_id")? else { return Ok(None) };
    Ok(Some(Invite {
        id,
        organization: organization.clone(),
        email: row.parsed("invite_email")?,
        role: Role::new(row.text("invite_role")?),
        seat: row.maybe_text("invite_seat")?.map(SeatTier::new),
        expires_at: row.time("invite_expires_at")?,
    }))
}

/// Seats by tier, highest first.
fn seats(row: &Row) -> Result<Vec<SeatCount>, StoreError> {
    let mut seats: Vec<(i64, String, u32, u32)> = row.json("seats")?;
    seats.sort_unstable();
    Ok(seats.into_iter().map(|(_, tier, owned, used)| SeatCount { tier: SeatTier::new(tier), owned, used }).collect())
}

pub(super) async fn load_known(conn: &mut Connection, person: Person, organization: &OrganizationId) -> Result<Known, StoreError> {
    let links = Statement::new("SELECT id, connection, subject FROM link WHERE person = $1 ORDER BY id")
        .bind(person.id.to_string())
        .fetch_all(&mut *conn)
        .await?;
    let member = Statement::new("SELECT * FROM member WHERE organization = $1 AND person = $2")
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

/// Administrators who count: human, active, and here at least once (row 55); without these people.
///
/// The roles are values of their own: `PostgreSQL` finds the few who have them by an index only when it sees that they are not everybody's.
pub(super) async fn count_administrators(conn: &mut Connection, organization: &Organization, without: &[Known]) -> Result<u32, StoreError> {
    let mut query = Statement::new(
        "SELECT count(*) AS admins FROM member WHERE member.status = 'active' AND member.last_login_at IS NOT NULL
             AND member.person NOT IN (SELECT id FROM person WHERE service_account = 1) AND member.organization = ",
    );
    query.push_bind(organization.id.as_str().to_owned());
    push_list(&mut query, " AND member.role IN (", organization.administrators.iter().map(|role| role.as_str().to_owned()));
    if !without.is_empty() {
        push_list(&mut query, " AND member.person NOT IN (", without.iter().map(|known| known.person.id.to_string()));
    }
    query.fetch_one(conn).await?.count("admins")
}

/// NULL is no role and no id, and makes an empty list valid SQL; for NOT IN the caller makes sure that there is a value.
pub(super) fn push_list(query: &mut Statement, opening: &str, values: impl Iterator<Item = String>) {
    let mut values = values.peekable();
    query.push(opening).push(if values.peek().is_none() { "NULL" } else { "" }).push_values(values).push(")");
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
