//! Requests for access: attempts, with the decision that they came from.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::{AuditEntry, append_audit};
use super::codec::{Columns as _, micros, stored_time};
use super::login::{LoginWrite, commit_by_hand};
use super::statement::Statement;
use super::{Backend, Connection, Row, Stop, use_cases};
use crate::core::provision::{Decision, Outcome};
use crate::core::{DecisionId, EmailAddress, Identity, OrganizationId, Reason};
use crate::store::{
    AccessRequest, Answer, Answered, Answering, Asking, CommitOutcome, LoginCommit, REQUEST_LIFE, RequestOrigin, RequestStore, StoreError,
};

/// Requests and their newest decision.
const SELECT: &str =
    "SELECT attempt.*, decision.id AS decision_id, decision.identity FROM attempt JOIN decision ON decision.id = attempt.decision";

#[async_trait]
impl RequestStore for Backend {
    async fn list_requests(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<AccessRequest>, StoreError> {
        self.within(async { list(&mut *self.reader().await?, organization, now).await }).await
    }

    async fn find_request(&self, organization: &OrganizationId, decision: DecisionId) -> Result<Option<AccessRequest>, StoreError> {
        self.within(async { find(&mut *self.read().await?, organization, decision).await }).await
    }

    async fn ask_for_access(&self, asking: Asking<'_>) -> Result<AccessRequest, StoreError> {
        let ask = Ask {
            organization: asking.organization.clone(),
            decision: asking.decision,
            asked_for: asking.asked_for.map(str::to_owned),
            origin: asking.origin.clone(),
            now: stored_time(asking.now),
        };
        self.write(|conn| Box::pin(async { Ok(ask_for_access(conn, ask).await?) })).await.map_err(use_cases::never_lost)
    }

    async fn decline_request(&self, answering: Answering<'_>) -> Result<bool, StoreError> {
        let given = Given::from(answering);
        self.write(|conn| Box::pin(async { Ok(decline(conn, given).await?) })).await.map_err(use_cases::never_lost)
    }

    async fn settle_request(&self, commit: LoginCommit<'_>, answering: Answering<'_>) -> Result<CommitOutcome, StoreError> {
        let (write, given, settings) = (LoginWrite::try_from(commit)?, Given::from(answering), Arc::clone(&self.settings));
        let settled = Box::pin(self.write(move |conn| {
            Box::pin(async move {
                if !close(conn, &given).await? {
                    return Err(Stop::Lost);
                }
                commit_by_hand(conn, &settings, &write, given.entry(), given.answer == Answer::Blocked).await
            })
        }))
        .await;
        match settled {
            Ok(committed) => Ok(CommitOutcome::Committed(committed)),
            Err(Stop::Lost) => Ok(CommitOutcome::LostRace),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

fn request(row: &Row) -> Result<AccessRequest, StoreError> {
    let answer: Option<Answer> = row.maybe_word("closed_as")?;
    let (at, by, note) = (row.maybe_time("closed_at")?, row.maybe_text("closed_by")?, row.maybe_text("note")?);
    Ok(AccessRequest {
        id: row.parsed("decision_id")?,
        organization: row.parsed("organization")?,
        reason: row.word("reason")?,
        identity: row.json("identity")?,
        first_at: row.time("first_at")?,
        last_at: row.time("last_at")?,
        count: row.count("count")?,
        asked_at: row.maybe_time("asked_at")?,
        asked_for: row.maybe_text("asked_for")?,
        answered: answer.zip(at).zip(by).map(|((answer, at), by)| Answered { answer, at, by, note }),
    })
}

async fn list(conn: &mut Connection, organization: &OrganizationId, now: Timestamp) -> Result<Vec<AccessRequest>, StoreError> {
    let statement = format!(
        "{SELECT} WHERE attempt.organization = $1 AND attempt.closed_at IS NULL
             AND (attempt.asked_at IS NOT NULL OR attempt.reason IN ($2, $3)) AND (attempt.last_at > $4 OR attempt.asked_at > $4)
         ORDER BY attempt.last_at DESC, attempt.reason"
    );
    let rows = Statement::new(statement)
        .bind(organization.as_str())
        .bind(Reason::AwaitingApproval.code())
        .bind(Reason::NoSeatsLeft.code())
        .bind(micros(now.checked_sub(REQUEST_LIFE).unwrap_or(Timestamp::MIN)))
        .fetch_all(conn)
        .await?;
    // One a person, for the reason that holds now.
    let (mut seen, mut requests) = (BTreeSet::new(), Vec::new());
    for row in &rows {
        let request = request(row)?;
        if seen.insert((request.identity.connection.clone(), request.identity.subject.clone())) {
            requests.push(request);
        }
    }
    requests.sort_by_key(|request| (request.first_at, request.id));
    Ok(requests)
}

/// The person of a decision by (connection, subject), so that an older page leads to the same request.
async fn find(conn: &mut Connection, organization: &OrganizationId, decision: DecisionId) -> Result<Option<AccessRequest>, StoreError> {
    let Some((identity, _)) = find_refusal(conn, organization, decision).await? else { return Ok(None) };
    let statement = format!(
        "{SELECT} WHERE attempt.organization = $1 AND attempt.connection = $2 AND attempt.subject = $3 ORDER BY attempt.last_at DESC LIMIT 1"
    );
    let row = Statement::new(statement)
        .bind(organization.as_str())
        .bind(identity.connection.as_str())
        .bind(&identity.subject)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(request).transpose()
}

async fn find_refusal(
    conn: &mut Connection,
    organization: &OrganizationId,
    decision: DecisionId,
) -> Result<Option<(Identity, Reason)>, StoreError> {
    let row = Statement::new("SELECT identity, decision FROM decision WHERE id = $1 AND organization = $2")
        .bind(decision.to_string())
        .bind(organization.as_str())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let decided: Decision = row.json("decision")?;
    match decided.outcome {
        Outcome::Refuse(reason) => Ok(Some((row.json("identity")?, reason))),
        Outcome::Admit(_) => Ok(None),
    }
}

/// An [`Asking`], owned.
struct Ask {
    organization: OrganizationId,
    decision: DecisionId,
    asked_for: Option<String>,
    origin: RequestOrigin,
    now: Timestamp,
}

async fn ask_for_access(conn: &mut Connection, ask: Ask) -> Result<AccessRequest, StoreError> {
    let missing = || StoreError::Missing(format!("refusal {}", ask.decision));
    let (identity, reason) = find_refusal(conn, &ask.organization, ask.decision).await?.ok_or_else(missing)?;
    let before = find(conn, &ask.organization, ask.decision).await?;
    if before.as_ref().is_some_and(|request| request.declined(ask.now).is_some()) {
        return Err(StoreError::Refused("the request was declined".to_owned()));
    }
    if let Some(open) = before.filter(|request| request.is_open(ask.now) && request.asked_at.is_some()) {
        return Ok(open);
    }
    Statement::new(
        "INSERT INTO attempt (organization, connection, subject, reason, email, first_at, last_at, count, decision, asked_at, asked_for)
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7, $6, $8)
         ON CONFLICT (organization, connection, subject, reason)
         DO UPDATE SET asked_at = excluded.asked_at, asked_for = excluded.asked_for, last_at = excluded.last_at, decision = excluded.decision,
             closed_at = NULL, closed_as = NULL, closed_by = NULL, note = NULL",
    )
    .bind(ask.organization.as_str())
    .bind(identity.connection.as_str())
    .bind(&identity.subject)
    .bind(reason.code())
    .bind(identity.email.as_ref().map(EmailAddress::as_str))
    .bind(micros(ask.now))
    .bind(ask.decision.to_string())
    .bind(ask.asked_for.as_deref())
    .execute(&mut *conn)
    .await?;
    let entry = AuditEntry {
        event: "request.asked".to_owned(),
        actor: "system".to_owned(),
        organization: Some(ask.organization.clone()),
        target: None,
        reason: Some(reason),
        detail: json!({ "decision": ask.decision, "email": identity.email, "connection": identity.connection, "asked_for": ask.asked_for }),
        origin: ask.origin,
        now: ask.now,
    };
    append_audit(conn, entry).await?;
    find(conn, &ask.organization, ask.decision).await?.ok_or_else(|| StoreError::Missing(format!("request {}", ask.decision)))
}

/// An [`Answering`], owned.
struct Given {
    organization: OrganizationId,
    identity: Identity,
    request: DecisionId,
    reason: Reason,
    answer: Answer,
    note: Option<String>,
    actor: String,
    origin: RequestOrigin,
    now: Timestamp,
}

impl From<Answering<'_>> for Given {
    fn from(answering: Answering<'_>) -> Self {
        let request = answering.request;
        Self {
            organization: request.organization.clone(),
            identity: request.identity.clone(),
            request: request.id,
            reason: request.reason,
            answer: answering.answer,
            note: answering.note.map(str::to_owned),
            actor: answering.actor.to_owned(),
            origin: answering.origin.clone(),
            now: stored_time(answering.now),
        }
    }
}

impl Given {
    fn entry(&self) -> AuditEntry {
        let (email, connection) = (&self.identity.email, &self.identity.connection);
        let detail: Value = json!({ "request": self.request, "email": email, "connection": connection, "note": self.note });
        AuditEntry {
            event: format!("request.{}", self.answer),
            actor: self.actor.clone(),
            organization: Some(self.organization.clone()),
            target: None,
            reason: Some(self.reason),
            detail,
            origin: self.origin.clone(),
            now: self.now,
        }
    }
}

/// Writes the answer into every open row of the person; `false` when there is none.
async fn close(conn: &mut Connection, given: &Given) -> Result<bool, StoreError> {
    let closed = Statement::new(
        "UPDATE attempt SET closed_at = $4, closed_as = $5, closed_by = $6, note = $7
         WHERE organization = $1 AND connection = $2 AND subject = $3 AND closed_at IS NULL",
    )
    .bind(given.organization.as_str())
    .bind(given.identity.connection.as_str())
    .bind(&given.identity.subject)
    .bind(micros(given.now))
    .bind(given.answer.to_string())
    .bind(&given.actor)
    .bind(given.note.as_deref())
    .execute(conn)
    .await?;
    Ok(closed > 0)
}

async fn decline(conn: &mut Connection, given: Given) -> Result<bool, StoreError> {
    if !close(conn, &given).await? {
        return Ok(false);
    }
    append_audit(conn, given.entry()).await?;
    Ok(true)
}
