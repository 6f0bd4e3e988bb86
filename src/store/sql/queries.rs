//! What the proxy, lists and pages ask.

use super::codec::Columns as _;
use super::rows::member_rows;
use super::statement::Statement;
use super::{Connection, rows};
use crate::core::{EmailAddress, IncidentId, MemberId, OrganizationId, PersonId};
use crate::store::{Attempt, DecisionRecord, MemberRow, StoreError};

/// A person as a member.
pub(in crate::store) async fn find_member(
    conn: &mut Connection,
    organization: &OrganizationId,
    person: PersonId,
) -> Result<Option<MemberRow>, StoreError> {
    find_one(conn, member_rows!("WHERE member.organization = $1 AND member.person = $2"), organization, &person).await
}

/// The same by the id that the person has in the organization.
pub(super) async fn find_member_by_id(
    conn: &mut Connection,
    organization: &OrganizationId,
    member: MemberId,
) -> Result<Option<MemberRow>, StoreError> {
    find_one(conn, member_rows!("WHERE member.organization = $1 AND member.id = $2"), organization, &member).await
}

async fn find_one(
    conn: &mut Connection,
    statement: &'static str,
    organization: &OrganizationId,
    id: &(impl ToString + Sync),
) -> Result<Option<MemberRow>, StoreError> {
    let row = Statement::new(statement).bind(organization.as_str()).bind(id.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(rows::member_row).transpose()
}

pub(in crate::store) async fn find_members_by_email(
    conn: &mut Connection,
    organization: &OrganizationId,
    email: &EmailAddress,
) -> Result<Vec<MemberRow>, StoreError> {
    let found = Statement::new(member_rows!("WHERE person.email_folded = $2 AND member.organization = $1 ORDER BY member.id"))
        .bind(organization.as_str())
        .bind(email.folded())
        .fetch_all(conn)
        .await?;
    found.iter().map(rows::member_row).collect()
}

/// A page of members in the order of folded address, then id; whoever has no address comes first.
pub(in crate::store) async fn list_members(
    conn: &mut Connection,
    organization: &OrganizationId,
    search: Option<&str>,
    after: Option<MemberId>,
    limit: u32,
) -> Result<Vec<MemberRow>, StoreError> {
    let (after_email, after_id) = match after {
        Some(member) => (member_email(conn, member).await?, member.to_string()),
        None => (String::new(), String::new()),
    };
    let found = Statement::new(member_rows!(
        "WHERE member.organization = $1 AND person.search LIKE $2 ESCAPE '!'
           AND (COALESCE(person.email_folded, ''), member.id) > ($3, $4)
         ORDER BY COALESCE(person.email_folded, ''), member.id LIMIT $5"
    ))
    .bind(organization.as_str())
    .bind(anywhere(&search.unwrap_or_default().to_lowercase()))
    .bind(after_email)
    .bind(after_id)
    .bind(i64::from(limit.clamp(1, 500)))
    .fetch_all(conn)
    .await?;
    found.iter().map(rows::member_row).collect()
}

async fn member_email(conn: &mut Connection, member: MemberId) -> Result<String, StoreError> {
    let row = Statement::new("SELECT person.email_folded FROM member JOIN person ON person.id = member.person WHERE member.id = $1")
        .bind(member.to_string())
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("member {member}")))?;
    Ok(row.maybe_text("email_folded")?.unwrap_or_default())
}

/// The pattern of a text anywhere, with LIKE's own signs taken literally.
pub(super) fn anywhere(text: &str) -> String {
    let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{literal}%")
}

/// The line of a decision is about the same person, and found by that, in the order of the index: some people come back every minute.
pub(in crate::store) const LAST_DECISION: &str =
    "SELECT decision.*, audit.id AS audit_id FROM audit JOIN decision ON decision.audit = audit.sequence
    WHERE audit.organization = $1 AND audit.target = $2 AND decision.organization = $1 AND decision.person = $2
    ORDER BY audit.at DESC, audit.sequence DESC LIMIT 1";

pub(in crate::store) async fn find_last_decision(
    conn: &mut Connection,
    organization: &OrganizationId,
    person: PersonId,
) -> Result<Option<DecisionRecord>, StoreError> {
    let row = Statement::new(LAST_DECISION).bind(organization.as_str()).bind(person.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(rows::decision).transpose()
}

pub(in crate::store) async fn find_decision_by_incident(
    conn: &mut Connection,
    incident: IncidentId,
) -> Result<Option<DecisionRecord>, StoreError> {
    let row = Statement::new(
        "SELECT decision.*, audit.id AS audit_id FROM decision JOIN audit ON audit.sequence = decision.audit
         WHERE decision.incident = $1 ORDER BY decision.audit DESC LIMIT 1",
    )
    .bind(incident.to_string())
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(rows::decision).transpose()
}

pub(in crate::store) async fn list_attempts(conn: &mut Connection, organization: &OrganizationId) -> Result<Vec<Attempt>, StoreError> {
    let found = Statement::new("SELECT * FROM attempt WHERE organization = $1 ORDER BY first_at, connection, subject, reason")
        .bind(organization.as_str())
        .fetch_all(conn)
        .await?;
    found.iter().map(rows::attempt).collect()
}
