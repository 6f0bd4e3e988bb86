//! A decided login, written: all or nothing.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::QueryBuilder;

use super::audit::{AuditEntry, append_audit};
use super::changes::{self, Applied};
use super::codec::{Columns as _, micros, stored_time, to_json};
use super::facts::{count_other_admins, load_facts_without_seats, still_hold};
use super::seats::release_expired_holds;
use super::{Connection, Database, SettingsCache, Stop, queries};
use crate::core::provision::{Admission, Change, Decision, Facts, Known, Outcome};
use crate::core::{DecisionId, EmailAddress, GroupClaim, Identity, MemberId, MemberStatus, PersonId};
use crate::random;
use crate::store::{AuditLine, Committed, FactsQuery, LoginCommit, MemberRow, RequestOrigin, StoreError};

/// How long a group that was seen, or a claim that was delivered, need not be noted again.
const NOTED_FOR: SignedDuration = SignedDuration::from_mins(1);
/// Well below the number of parameters that a statement may have.
const GROUPS_PER_STATEMENT: usize = 200;

/// A [`LoginCommit`] that waits for the writer: the same, owned.
#[derive(Debug)]
pub(in crate::store) struct LoginWrite {
    pub(super) facts: Facts,
    pub(super) identity: Identity,
    pub(super) decision: Decision,
    pub(super) origin: RequestOrigin,
    pub(super) now: Timestamp,
}

impl From<LoginCommit<'_>> for LoginWrite {
    fn from(commit: LoginCommit<'_>) -> Self {
        Self {
            facts: commit.facts.clone(),
            identity: commit.identity.clone(),
            decision: commit.decision.clone(),
            origin: commit.origin.clone(),
            now: stored_time(commit.now),
        }
    }
}

impl LoginWrite {
    /// Names of what the decision rests on and another login could change at the same moment: who the subject is, whose the address is, the persons
    /// themselves, and, where one is taken away, that there are other administrators.
    pub(in crate::store) fn rests_on(&self) -> Vec<String> {
        let identity = &self.identity;
        let mut names = vec![format!("subject:{}:{}", identity.connection, identity.subject)];
        names.extend(identity.email.as_ref().map(|email| format!("email:{}", email.folded())));
        names.extend(self.facts.linked.iter().chain(&self.facts.same_email).map(|known| format!("person:{}", known.person.id)));
        if takes_an_administrator_away(self) {
            names.push(format!("administrators:{}", self.facts.organization.id));
        }
        names
    }
}

pub(in crate::store) async fn commit_login(conn: &mut Connection, cache: &SettingsCache, write: &LoginWrite) -> Result<Committed, Stop> {
    let organization = &write.facts.organization.id;
    check_facts(conn, cache, write).await?;
    release_expired_holds(conn, organization, write.now).await?;

    let decision = DecisionId::from_uuid(random::uuid(write.now)?);
    let applied = changes::apply(conn, write, decision).await?;
    if let Outcome::Admit(_) = &write.decision.outcome {
        note_login(conn, write, &applied).await?;
    }
    note_groups(conn, write).await?;
    let member = match applied.person {
        Some(person) => queries::find_member(conn, organization, person).await?,
        None => None,
    };
    if let Outcome::Admit(admission) = &write.decision.outcome {
        check_admission(admission, member.as_ref())?;
    }
    applied.moves.settle(conn, organization).await?;
    let entry = audit_entry(write, applied.person, decision, member.as_ref());
    let audit = append_audit(conn, entry).await?;
    insert_decision(conn, write, (applied.person, applied.member), decision, &audit).await?;
    if let Some(person) = applied.person {
        note_identity(conn, write, person).await?;
    }
    Ok(Committed { decision, member })
}

/// The same for a decision that an administrator made by hand: nobody has logged in, and `entry` says what was done. Somebody who is blocked becomes a
/// member first, so that the next login finds whom it is about.
pub(super) async fn commit_by_hand(
    conn: &mut Connection,
    cache: &SettingsCache,
    write: &LoginWrite,
    entry: AuditEntry,
    blocks: bool,
) -> Result<Committed, Stop> {
    let organization = &write.facts.organization.id;
    check_facts(conn, cache, write).await?;
    release_expired_holds(conn, organization, write.now).await?;
    let decision = DecisionId::from_uuid(random::uuid(write.now)?);
    let applied = changes::apply(conn, write, decision).await?;
    let person = applied.person.ok_or_else(|| changes::unfit("a decision by hand is about nobody"))?;
    if let Outcome::Admit(admission) = &write.decision.outcome {
        check_admission(admission, queries::find_member(conn, organization, person).await?.as_ref())?;
    }
    applied.moves.settle(conn, organization).await?;
    if blocks {
        sqlx::query(
            "UPDATE member SET status = 'blocked', revision = revision + 1 WHERE organization = $1 AND person = $2 AND seat IS NULL",
        )
        .bind(organization.as_str())
        .bind(person.to_string())
        .execute(&mut *conn)
        .await?;
    }
    let member = queries::find_member(conn, organization, person).await?;
    let mut entry = AuditEntry { target: Some(person.to_string()), ..entry };
    if let Value::Object(detail) = &mut entry.detail {
        detail.insert("changes".to_owned(), json!(write.decision.changes));
        detail.insert("before".to_owned(), json!(changes::known_subject(write).map(before_summary)));
        detail.insert("after".to_owned(), json!(member));
        if !blocks {
            detail.insert("decision".to_owned(), json!(decision));
        }
    }
    let audit = append_audit(conn, entry).await?;
    if !blocks {
        insert_decision(conn, write, (applied.person, applied.member), decision, &audit).await?;
    }
    Ok(Committed { decision, member })
}

/// Reads again what the decision rests on.
async fn check_facts(conn: &mut Connection, cache: &SettingsCache, write: &LoginWrite) -> Result<(), Stop> {
    let settings = cache.load(conn, false).await?;
    let query = FactsQuery { organization: &write.facts.organization.id, identity: &write.identity, now: write.now };
    let current = load_facts_without_seats(conn, &settings, &query).await?;
    if !still_hold(&write.facts, &current, &write.identity, write.now) {
        return Err(Stop::Lost);
    }
    if write.facts.other_admins > 0 && takes_an_administrator_away(write) {
        let others = count_other_admins(conn, &current.organization, current.linked.as_ref(), &current.same_email).await?;
        if others == 0 {
            return Err(Stop::Lost);
        }
    }
    Ok(())
}

fn takes_an_administrator_away(write: &LoginWrite) -> bool {
    let organization = &write.facts.organization;
    write.decision.changes.iter().any(|change| match change {
        Change::SetRole { from, to, .. } => organization.is_administrator(from) && !organization.is_administrator(to),
        Change::RemoveMember { .. } => true,
        _ => false,
    })
}

async fn note_login(conn: &mut Connection, write: &LoginWrite, applied: &Applied) -> Result<(), Stop> {
    let groups_at = matches!(write.identity.groups, GroupClaim::Present(_)).then_some(micros(write.now));
    sqlx::query("UPDATE member SET last_login_at = $2, last_groups_at = COALESCE($3, last_groups_at) WHERE id = $1")
        .bind(applied.member.map(|member| member.to_string()))
        .bind(micros(write.now))
        .bind(groups_at)
        .execute(&mut *conn)
        .await?;
    // Whoever is let in waits for nobody any more.
    sqlx::query("DELETE FROM attempt WHERE organization = $1 AND connection = $2 AND subject = $3")
        .bind(write.facts.organization.id.as_str())
        .bind(write.identity.connection.as_str())
        .bind(&write.identity.subject)
        .execute(conn)
        .await?;
    Ok(())
}

/// Remembers which groups a connection delivers, and that it does: once a minute, because these rows are everyone's, and whoever writes one keeps all others
/// waiting until the commit.
async fn note_groups(conn: &mut Connection, write: &LoginWrite) -> Result<(), Stop> {
    let GroupClaim::Present(groups) = &write.identity.groups else { return Ok(()) };
    let connection = write.identity.connection.as_str();
    let (now, recent) = (micros(write.now), micros(write.now - NOTED_FOR));
    if write.facts.connection.health.last_present_at.is_none_or(|at| micros(at) <= recent) {
        sqlx::query(
            "INSERT INTO claim_health (connection, last_present_at) VALUES ($1, $2)
             ON CONFLICT (connection) DO UPDATE SET last_present_at = excluded.last_present_at
             WHERE claim_health.last_present_at < excluded.last_present_at",
        )
        .bind(connection)
        .bind(now)
        .execute(&mut *conn)
        .await?;
    }
    let groups: Vec<String> = groups.iter().cloned().collect();
    for some in groups.chunks(GROUPS_PER_STATEMENT) {
        note_some_groups(conn, connection, some, (now, recent)).await?;
    }
    Ok(())
}

async fn note_some_groups(conn: &mut Connection, connection: &str, groups: &[String], (now, recent): (i64, i64)) -> Result<(), Stop> {
    let mut query = QueryBuilder::<Database>::new("SELECT value FROM seen_group WHERE connection = ");
    query.push_bind(connection).push(" AND last_seen_at > ").push_bind(recent).push(" AND value IN (");
    let mut list = query.separated(", ");
    for group in groups {
        list.push_bind(group);
    }
    query.push(")");
    let noted = query.build().persistent(false).fetch_all(&mut *conn).await?;
    let noted = noted.iter().map(|row| row.text("value")).collect::<Result<BTreeSet<_>, _>>()?;
    let due: Vec<&String> = groups.iter().filter(|group| !noted.contains(*group)).collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Database>::new("INSERT INTO seen_group (connection, value, last_seen_at) ");
    query.push_values(due, |mut row, group| {
        row.push_bind(connection).push_bind(group).push_bind(now);
    });
    query.push(" ON CONFLICT (connection, value) DO UPDATE SET last_seen_at = excluded.last_seen_at");
    query.build().persistent(false).execute(conn).await?;
    Ok(())
}

/// What a person is let in as is what is written; anything else would show one role and enforce another.
fn check_admission(admission: &Admission, row: Option<&MemberRow>) -> Result<(), StoreError> {
    let fits = row.is_some_and(|row| {
        let member = &row.member;
        member.status == MemberStatus::Active && member.role == admission.role && member.seat == admission.seat
    });
    if fits { Ok(()) } else { Err(changes::unfit("the admission is not what its changes make of the member")) }
}

fn audit_entry(write: &LoginWrite, person: Option<PersonId>, decision: DecisionId, after: Option<&MemberRow>) -> AuditEntry {
    let event = if matches!(write.decision.outcome, Outcome::Admit(_)) { "login.admitted" } else { "login.refused" };
    let person = person.map(|person| person.to_string());
    AuditEntry {
        event: event.to_owned(),
        actor: person.clone().unwrap_or_else(|| "system".to_owned()),
        organization: Some(write.facts.organization.id.clone()),
        target: person,
        reason: Some(write.decision.outcome.reason()),
        detail: json!({
            "decision": decision,
            "connection": write.identity.connection,
            "subject": write.identity.subject,
            "email": write.identity.email,
            "outcome": write.decision.outcome,
            "changes": write.decision.changes,
            "before": changes::known_subject(write).map(before_summary),
            "after": after,
        }),
        origin: write.origin.clone(),
        now: write.now,
    }
}

fn before_summary(known: &Known) -> Value {
    json!({"person": known.person, "member": known.member})
}

async fn insert_decision(
    conn: &mut Connection,
    write: &LoginWrite,
    (person, member): (Option<PersonId>, Option<MemberId>),
    id: DecisionId,
    audit: &AuditLine,
) -> Result<(), Stop> {
    sqlx::query(
        "INSERT INTO decision (id, at, organization, connection, person, member, identity, decision, incident, audit)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id.to_string())
    .bind(micros(write.now))
    .bind(write.facts.organization.id.as_str())
    .bind(write.identity.connection.as_str())
    .bind(person.map(|person| person.to_string()))
    .bind(member.map(|member| member.to_string()))
    .bind(to_json(&write.identity)?)
    .bind(to_json(&write.decision)?)
    .bind(write.origin.incident.map(|incident| incident.to_string()))
    .bind(audit.sequence)
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers what the provider said, for reviews of settings. A login whose claim says nothing does not replace one whose claim does.
async fn note_identity(conn: &mut Connection, write: &LoginWrite, person: PersonId) -> Result<(), Stop> {
    let identity = &write.identity;
    let has_groups = matches!(identity.groups, GroupClaim::Present(_) | GroupClaim::Empty);
    sqlx::query(
        "INSERT INTO last_identity (organization, person, at, email_folded, has_groups, identity) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (organization, person) DO UPDATE SET at = excluded.at, email_folded = excluded.email_folded,
             has_groups = excluded.has_groups, identity = excluded.identity
         WHERE excluded.has_groups >= last_identity.has_groups",
    )
    .bind(write.facts.organization.id.as_str())
    .bind(person.to_string())
    .bind(micros(write.now))
    .bind(identity.email.as_ref().map(EmailAddress::folded))
    .bind(i64::from(has_groups))
    .bind(to_json(identity)?)
    .execute(conn)
    .await?;
    Ok(())
}

impl From<random::RandomError> for Stop {
    fn from(error: random::RandomError) -> Self {
        Self::Failed(error.into())
    }
}
