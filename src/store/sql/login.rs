//! A decided login, written: all or nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::audit::{AuditEntry, NextLine, insert_line, next_line};
use super::batch::Batch;
use super::changes::{self, Applied};
use super::codec::{micros, stored_time, to_json};
use super::facts::{Found, find_facts, load_found, still_hold};
use super::noted::NotedGroups;
use super::seats::release_expired_holds;
use super::statement::Statement;
use super::{Connection, SettingsCache, Stop, before_the_chain, is_unchanged};
use crate::core::provision::{Admission, Change, Decision, Known, Outcome};
use crate::core::{DecisionId, EmailAddress, GroupClaim, Identity, Member, MemberId, MemberStatus, PersonId};
use crate::random;
use crate::store::{AuditLine, Committed, FactsQuery, LoginCommit, Reading, RequestOrigin, StoreError};

/// How long a group that was seen, or a claim that was delivered, need not be noted again.
const NOTED_FOR: SignedDuration = SignedDuration::from_mins(1);

/// A [`LoginCommit`] that waits for the writer: the same, owned.
#[derive(Debug)]
pub(in crate::store) struct LoginWrite {
    pub(super) facts: Reading,
    pub(super) identity: Identity,
    pub(super) decision: Decision,
    pub(super) origin: RequestOrigin,
    pub(super) now: Timestamp,
    /// Identity and decision as they are written: made by the caller's thread and not by the writer's, for which everybody waits.
    identity_document: String,
    decision_document: String,
    /// Groups that nobody has noted a moment ago.
    new_groups: Vec<String>,
}

impl TryFrom<LoginCommit<'_>> for LoginWrite {
    type Error = StoreError;

    fn try_from(commit: LoginCommit<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            identity_document: to_json(commit.identity)?,
            decision_document: to_json(commit.decision)?,
            facts: commit.facts.clone(),
            identity: commit.identity.clone(),
            decision: commit.decision.clone(),
            origin: commit.origin.clone(),
            now: stored_time(commit.now),
            new_groups: match &commit.identity.groups {
                GroupClaim::Present(groups) => groups.iter().cloned().collect(),
                _ => Vec::new(),
            },
        })
    }
}

impl LoginWrite {
    /// Names of what the decision rests on and another login could change at the same moment, and of all that this one changes of it: who the subject is,
    /// whose the address is, the persons themselves, where one is taken away, that there are other administrators, and where it changes, who the Primary
    /// Owner is.
    pub(in crate::store) fn rests_on(&self) -> Vec<String> {
        let identity = &self.identity;
        let mut names = vec![format!("subject:{}:{}", identity.connection, identity.subject)];
        names.extend(identity.email.as_ref().map(|email| format!("email:{}", email.folded())));
        names.extend(self.facts.linked.iter().chain(&self.facts.same_email).map(|known| format!("person:{}", known.person.id)));
        if takes_an_administrator_away(self) {
            names.push(format!("administrators:{}", self.facts.organization.id));
        }
        if moves_the_ownership(&self.decision) {
            names.push(self.ownership());
        }
        names
    }

    /// Leaves out groups that were noted a moment ago.
    pub(in crate::store) fn without(mut self, noted: &NotedGroups) -> Self {
        let before = self.noted_before();
        noted.keep_others(&self.identity.connection, &mut self.new_groups, before);
        self
    }

    /// It is written: so are the groups.
    pub(in crate::store) fn note(&self, noted: &NotedGroups) {
        noted.note(&self.identity.connection, &self.new_groups, micros(self.now));
    }

    /// What was noted then or earlier is noted again.
    fn noted_before(&self) -> i64 {
        micros(self.now - NOTED_FOR)
    }

    fn ownership(&self) -> String {
        format!("owner:{}", self.facts.organization.id)
    }

    fn query(&self) -> FactsQuery<'_> {
        FactsQuery { organization: &self.facts.organization.id, identity: &self.identity, now: self.now }
    }
}

pub(in crate::store) async fn commit_login(conn: &mut Connection, cache: &SettingsCache, write: &LoginWrite) -> Result<Committed, Stop> {
    let again = check_facts(conn, cache, write).await?;
    let (current, has_attempts) = again.as_ref().map_or((&*write.facts, false), |found| (&found.facts, found.has_attempts));
    let decision = DecisionId::from_uuid(random::uuid(write.now)?);
    let mut applied = changes::apply(conn, write, current, decision).await?;
    if let Outcome::Admit(admission) = &write.decision.outcome {
        note_login(write, has_attempts, &mut applied);
        check_admission(admission, applied.member.as_ref())?;
    }
    applied.finish(write.now)?;
    note_groups(write, &mut applied.batch)?;
    if let Some(person) = &applied.person {
        note_identity(write, person.id, &mut applied.batch);
    }
    let entry = audit_entry(write, decision, &applied);
    let member = applied.row();
    write_all(conn, write, applied, entry, Some(decision)).await?;
    Ok(Committed { decision, member })
}

/// The same for a decision that an administrator made by hand: nobody has logged in, and `entry` says what was done. Somebody who is blocked becomes a
/// member first, so that the next login finds whom it is about.
pub(super) async fn commit_by_hand(
    conn: &mut Connection,
    cache: &SettingsCache,
    write: &LoginWrite,
    mut entry: AuditEntry,
    blocks: bool,
) -> Result<Committed, Stop> {
    let current = read_again(conn, cache, write).await?;
    let decision = DecisionId::from_uuid(random::uuid(write.now)?);
    let mut applied = changes::apply(conn, write, &current.facts, decision).await?;
    let person = applied.person.as_ref().ok_or_else(|| changes::unfit("a decision by hand is about nobody"))?.id;
    if let Outcome::Admit(admission) = &write.decision.outcome {
        check_admission(admission, applied.member.as_ref())?;
    }
    if let Some(member) = applied.member.as_mut().filter(|member| blocks && member.seat.is_none()) {
        member.status = MemberStatus::Blocked;
    }
    applied.finish(write.now)?;
    entry.target = Some(person.to_string());
    let recorded = (!blocks).then_some(decision);
    if let Value::Object(detail) = &mut entry.detail {
        detail.insert("changes".to_owned(), json!(write.decision.changes));
        detail.insert("before".to_owned(), json!(applied.known.as_ref().map(before_summary)));
        detail.insert("after".to_owned(), json!(applied.row()));
        detail.extend(recorded.map(|decision| ("decision".to_owned(), json!(decision))));
    }
    let member = applied.row();
    write_all(conn, write, applied, entry, recorded).await?;
    Ok(Committed { decision, member })
}

/// What everybody waits for comes last: the chain of the audit log, and the seats, whose rows are locked from there to the commit.
async fn write_all(
    conn: &mut Connection,
    write: &LoginWrite,
    applied: Applied,
    entry: AuditEntry,
    decision: Option<DecisionId>,
) -> Result<(), Stop> {
    let Applied { person, member, moves, batch, .. } = applied;
    let mut batch = before_the_chain(conn, batch).await?;
    let NextLine { line, around } = next_line(conn, entry).await?;
    batch.any(insert_line(&line, around)?);
    if let Some(decision) = decision {
        let about = (person.map(|person| person.id), member.map(|member| member.id));
        batch.any(insert_decision(write, about, decision, &line));
    }
    moves.settle(&mut batch, &write.facts.organization.id);
    batch.write(conn).await
}

/// Reads again what the decision rests on; `None` where that would find what was read before, with neither attempts nor holds to be cleared away.
async fn check_facts(conn: &mut Connection, cache: &SettingsCache, write: &LoginWrite) -> Result<Option<Found>, Stop> {
    if !stands_as_read(conn, write) {
        return read_again(conn, cache, write).await.map(Some);
    }
    // Every test of a login is one of this claim.
    #[cfg(debug_assertions)]
    {
        let again = read_again(conn, cache, write).await;
        assert!(!matches!(again, Err(Stop::Lost)), "it does not stand as it was read");
        let found = again?;
        assert!(!found.has_attempts && !found.has_expired_holds, "there is something to clear away");
    }
    Ok(None)
}

/// Whether all that [`still_hold`] looks at is as it was. Who else administers and how the claim does is changed by logins of everybody, so a login that
/// depends on it reads again.
fn stands_as_read(conn: &Connection, write: &LoginWrite) -> bool {
    let Some(as_of) = write.facts.as_of().filter(|as_of| as_of.answers(&write.query())) else { return false };
    if takes_an_administrator_away(write) || !matches!(write.identity.groups, GroupClaim::Present(_)) {
        return false;
    }
    let mut names = write.rests_on();
    names.push(write.ownership());
    is_unchanged(conn, as_of, &names)
}

async fn read_again(conn: &mut Connection, cache: &SettingsCache, write: &LoginWrite) -> Result<Found, Stop> {
    let query = write.query();
    let found = match cache.kept() {
        Some(settings) => find_facts(conn, &settings, &query).await?,
        None => None,
    };
    let found = if let Some(found) = found {
        found
    } else {
        let settings = cache.load(conn, false).await?;
        load_found(conn, &settings, &query).await?
    };
    let facts = &found.facts;
    if !still_hold(&write.facts, facts, &write.identity, write.now) {
        return Err(Stop::Lost);
    }
    if write.facts.other_admins > 0 && facts.other_admins == 0 && takes_an_administrator_away(write) {
        return Err(Stop::Lost);
    }
    if found.has_expired_holds {
        release_expired_holds(conn, query.organization, write.now).await?;
    }
    Ok(found)
}

fn takes_an_administrator_away(write: &LoginWrite) -> bool {
    let organization = &write.facts.organization;
    write.decision.changes.iter().any(|change| match change {
        Change::SetRole { from, to, .. } => organization.is_administrator(from) && !organization.is_administrator(to),
        Change::RemoveMember { .. } => true,
        _ => false,
    })
}

fn moves_the_ownership(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| match change {
        Change::CreateMember { primary_owner, .. } => *primary_owner,
        Change::MarkPrimaryOwner { .. } | Change::RemoveMember { .. } => true,
        _ => false,
    })
}

fn note_login(write: &LoginWrite, has_attempts: bool, applied: &mut Applied) {
    if let Some(member) = &mut applied.member {
        member.last_login_at = Some(write.now);
        if matches!(write.identity.groups, GroupClaim::Present(_)) {
            member.last_groups_at = Some(write.now);
        }
    }
    // Whoever is let in waits for nobody any more.
    if has_attempts {
        applied.batch.any(
            Statement::new("DELETE FROM attempt WHERE organization = $1 AND connection = $2 AND subject = $3")
                .bind(write.facts.organization.id.as_str())
                .bind(write.identity.connection.as_str())
                .bind(write.identity.subject.as_str()),
        );
    }
}

/// Remembers which groups a connection delivers, and that it does: once a minute, because these rows are everyone's, and whoever writes one keeps all others
/// waiting until the commit.
fn note_groups(write: &LoginWrite, batch: &mut Batch) -> Result<(), StoreError> {
    let connection = write.identity.connection.as_str();
    let (now, recent) = (micros(write.now), write.noted_before());
    let has_groups = matches!(write.identity.groups, GroupClaim::Present(_));
    if has_groups && write.facts.connection.health.last_present_at.is_none_or(|at| micros(at) <= recent) {
        batch.any(
            Statement::new(
                "INSERT INTO claim_health (connection, last_present_at) VALUES ($1, $2)
                 ON CONFLICT (connection) DO UPDATE SET last_present_at = excluded.last_present_at
                 WHERE claim_health.last_present_at < excluded.last_present_at",
            )
            .bind(connection)
            .bind(now),
        );
    }
    if write.new_groups.is_empty() {
        return Ok(());
    }
    batch.any(
        Statement::new(concat!(
            "INSERT INTO seen_group (connection, value, last_seen_at) SELECT $1, given.value, $2 FROM ",
            each_text!("$4"),
            " WHERE NOT EXISTS (SELECT 1 FROM seen_group AS noted
                 WHERE noted.connection = $1 AND noted.value = given.value AND noted.last_seen_at > $3)
             ON CONFLICT (connection, value) DO UPDATE SET last_seen_at = excluded.last_seen_at"
        ))
        .bind(connection)
        .bind(now)
        .bind(recent)
        .bind(to_json(&write.new_groups)?),
    );
    Ok(())
}

/// What a person is let in as is what is written; anything else would show one role and enforce another.
fn check_admission(admission: &Admission, member: Option<&Member>) -> Result<(), StoreError> {
    let fits = member
        .is_some_and(|member| member.status == MemberStatus::Active && member.role == admission.role && member.seat == admission.seat);
    if fits { Ok(()) } else { Err(changes::unfit("the admission is not what its changes make of the member")) }
}

fn audit_entry(write: &LoginWrite, decision: DecisionId, applied: &Applied) -> AuditEntry {
    let event = if matches!(write.decision.outcome, Outcome::Admit(_)) { "login.admitted" } else { "login.refused" };
    let person = applied.person.as_ref().map(|person| person.id.to_string());
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
            "before": applied.known.as_ref().map(before_summary),
            "after": applied.row(),
        }),
        origin: write.origin.clone(),
        now: write.now,
    }
}

fn before_summary(known: &Known) -> Value {
    json!({"person": known.person, "member": known.member})
}

fn insert_decision(
    write: &LoginWrite,
    (person, member): (Option<PersonId>, Option<MemberId>),
    id: DecisionId,
    line: &AuditLine,
) -> Statement {
    Statement::new(concat!(
        "INSERT INTO decision (id, at, organization, connection, person, member, identity, decision, incident, audit)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ",
        line_number!("$10"),
        ")"
    ))
    .bind(id.to_string())
    .bind(micros(write.now))
    .bind(write.facts.organization.id.as_str())
    .bind(write.identity.connection.as_str())
    .bind(person.map(|person| person.to_string()))
    .bind(member.map(|member| member.to_string()))
    .bind(write.identity_document.as_str())
    .bind(write.decision_document.as_str())
    .bind(write.origin.incident.map(|incident| incident.to_string()))
    .bind(line.sequence)
}

/// Remembers what the provider said, for reviews of settings. A login whose claim says nothing does not replace one whose claim does. Who is let in with
/// groups has the time with the member, so the same once more is not written again.
fn note_identity(write: &LoginWrite, person: PersonId, batch: &mut Batch) {
    let identity = &write.identity;
    batch.any(
        Statement::new(
            "INSERT INTO last_identity (organization, person, at, email_folded, has_groups, identity) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (organization, person) DO UPDATE SET at = excluded.at, email_folded = excluded.email_folded,
                 has_groups = excluded.has_groups, identity = excluded.identity
             WHERE excluded.has_groups >= last_identity.has_groups AND (last_identity.identity <> excluded.identity OR $7 = 0)",
        )
        .bind(write.facts.organization.id.as_str())
        .bind(person.to_string())
        .bind(micros(write.now))
        .bind(identity.email.as_ref().map(EmailAddress::folded))
        .bind(matches!(identity.groups, GroupClaim::Present(_) | GroupClaim::Empty))
        .bind(write.identity_document.as_str())
        .bind(matches!((&write.decision.outcome, &identity.groups), (Outcome::Admit(_), GroupClaim::Present(_)))),
    );
}

impl From<random::RandomError> for Stop {
    fn from(error: random::RandomError) -> Self {
        Self::Failed(error.into())
    }
}
