//! The one ending of every login: facts, decision, one transaction. SAML and OpenID Connect both come through here, and nothing else lets a person in.

use jiff::Timestamp;

use crate::core::provision::{Change, Decision, Outcome, decide};
use crate::core::{ConnectionId, DecisionId, OrganizationId, Reason, VerifiedIdentity};
use crate::metrics::{Latency, Tally};
use crate::store::{CommitOutcome, Committed, FactsQuery, LoginCommit, MemberRow, RequestOrigin, Store, StoreError};

/// How often a lost race is decided anew. Each seat tier and each guard can be lost once; more than that is no race but a fault.
const MAX_DECISIONS: usize = 6;

/// Why a login could not be brought to an end. Each is a denial, and nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Every decision was overtaken by another login.
    #[error("other logins were faster {MAX_DECISIONS} times in a row")]
    Overtaken,
}

/// How a login ended.
#[derive(Debug)]
pub enum Ending {
    /// The person is let in. Everything is written.
    Admitted {
        /// The member after the login.
        row: Box<MemberRow>,
    },
    /// The person is refused. The decision is on record.
    Refused {
        /// Why.
        reason: Reason,
        /// The record of it.
        decision: DecisionId,
        /// The member that this login removed (row 17): the caller ends the sessions.
        removed: Option<Box<MemberRow>>,
    },
}

/// What logins count.
#[derive(Debug, Default)]
pub struct LoginCounts {
    /// How they ended, by connection: a reason, or the code of a message that was refused.
    pub ended: Tally<(ConnectionId, &'static str)>,
    /// What was noticed of those who were let in, by connection.
    pub noted: Tally<(ConnectionId, &'static str)>,
    /// How long the store took for the facts of one.
    pub read: Latency,
    /// How long the store took to write one.
    pub written: Latency,
}

impl LoginCounts {
    fn add(&self, connection: &ConnectionId, decision: &Decision) {
        self.ended.add((connection.clone(), decision.outcome.reason().code()), 1);
        if let Outcome::Admit(admission) = &decision.outcome {
            admission.notes.iter().for_each(|note| self.noted.add((connection.clone(), note.code()), 1));
        }
    }
}

/// Decides and writes one login. A race that was lost (the last seat, the same first login twice) is decided once more on fresh facts.
///
/// # Errors
/// [`LoginError`]: the caller answers 503 and starts no session.
pub async fn complete(
    store: &dyn Store,
    counts: &LoginCounts,
    verified: &VerifiedIdentity,
    organization: &OrganizationId,
    origin: &RequestOrigin,
    now: Timestamp,
) -> Result<Ending, LoginError> {
    let identity = verified.identity();
    for attempt in 1..=MAX_DECISIONS {
        let facts = counts.read.of(store.load_facts(FactsQuery { organization, identity, now })).await?;
        let decision = decide(&facts, identity, now);
        match counts.written.of(store.commit_login(LoginCommit { facts: &facts, identity, decision: &decision, origin, now })).await? {
            CommitOutcome::Committed(committed) => {
                tracing::info!(
                    connection.id = %identity.connection,
                    organization.id = %organization,
                    decision.id = %committed.decision,
                    login.reason = decision.outcome.reason().code(),
                    "login decided"
                );
                counts.add(&identity.connection, &decision);
                return ending(&decision.outcome, &decision.changes, committed);
            }
            CommitOutcome::LostRace => tracing::debug!(attempt, "a decision was overtaken, deciding once more"),
        }
    }
    Err(LoginError::Overtaken)
}

fn ending(outcome: &Outcome, changes: &[Change], committed: Committed) -> Result<Ending, LoginError> {
    match outcome {
        Outcome::Admit(_) => {
            let row = committed.member.ok_or_else(|| StoreError::Corrupt("an admitted person is no member".to_owned()))?;
            Ok(Ending::Admitted { row: Box::new(row) })
        }
        &Outcome::Refuse(reason) => {
            let removes = changes.iter().any(|change| matches!(change, Change::RemoveMember { .. }));
            Ok(Ending::Refused { reason, decision: committed.decision, removed: committed.member.filter(|_| removes).map(Box::new) })
        }
    }
}
