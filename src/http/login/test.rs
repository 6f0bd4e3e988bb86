//! A login that an administrator tries: the message is checked as any other, and the rules are asked; but nothing is written, and nobody is signed in.
//! The result is kept for a day, for the administrators of the organization that tried.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::AdminError;
use crate::app::App;
use crate::core::provision::{Decision, decide};
use crate::core::{Connection, ConnectionId, Identity, OrganizationId, PendingLogin, VerifiedIdentity};
use crate::http::problem::Problem;
use crate::store::FactsQuery;
use crate::store::ephemeral::EphemeralError;

const KEPT: Duration = Duration::from_hours(24);

/// How a test ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::http) struct Tested {
    pub(in crate::http) at: Timestamp,
    pub(in crate::http) result: TestResult,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one a test, and nearly always the large one")]
pub(in crate::http) enum TestResult {
    /// The message was valid.
    Verified {
        /// What it said.
        identity: Identity,
        /// What a login with it would do.
        decision: Decision,
    },
    /// The message was not.
    Refused {
        /// The exact code.
        code: String,
        /// Why, in our words.
        cause: String,
    },
}

fn key(organization: &OrganizationId, connection: &ConnectionId) -> String {
    format!("connection-test:{organization}:{connection}")
}

/// The last test of a connection, if it was within a day. What another version of Usher kept counts as none.
pub(in crate::http) async fn find(
    app: &App,
    organization: &OrganizationId,
    connection: &ConnectionId,
) -> Result<Option<Tested>, EphemeralError> {
    let kept = app.ephemeral.find(&key(organization, connection)).await?;
    Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Whether a connection that is off may be turned on: somebody came in through it before, or it was tried within the last day and worked.
///
/// # Errors
/// [`AdminError::Store`], [`AdminError::Session`].
pub(in crate::http) async fn is_proven(app: &App, organization: &OrganizationId, connection: &ConnectionId) -> Result<bool, AdminError> {
    if app.store.find_connection_state(organization, connection).await?.last_success_at.is_some() {
        return Ok(true);
    }
    let tested = find(app, organization, connection).await.map_err(|error| AdminError::Session(error.into()))?;
    Ok(tested.is_some_and(|tested| matches!(tested.result, TestResult::Verified { .. })))
}

/// Refuses to turn on what was never seen to work.
///
/// # Errors
/// [`AdminError::Refused`] with `connection_not_tested`; as [`is_proven`].
pub(in crate::http) async fn need_proven(app: &App, organization: &OrganizationId, connection: &Connection) -> Result<(), AdminError> {
    if is_proven(app, organization, &connection.id).await? {
        return Ok(());
    }
    let sentence = format!("{} was never used: test it first, then turn it on", connection.name);
    Err(AdminError::refused("connection_not_tested", sentence))
}

/// The message was valid: what would the rules say?
pub(super) async fn succeeded(app: &App, login: &PendingLogin, verified: &VerifiedIdentity) -> Result<Response, Problem> {
    let (identity, now) = (verified.identity(), app.clock.now());
    let mut facts = app.store.load_facts(FactsQuery { organization: &login.organization, identity, now }).await?.into_facts();
    // It is tried before it is turned on.
    facts.connection.enabled = true;
    let decision = decide(&facts, identity, now);
    keep(app, login, TestResult::Verified { identity: identity.clone(), decision }).await
}

/// The message was not valid, or none came.
pub(super) async fn failed(app: &App, login: &PendingLogin, code: &str, cause: &str) -> Result<Response, Problem> {
    tracing::info!(connection.id = %login.connection, deny.code = code, cause, "a test login was refused");
    keep(app, login, TestResult::Refused { code: code.to_owned(), cause: cause.to_owned() }).await
}

async fn keep(app: &App, login: &PendingLogin, result: TestResult) -> Result<Response, Problem> {
    let tested = Tested { at: app.clock.now(), result };
    let bytes = serde_json::to_vec(&tested).map_err(|error| EphemeralError(Box::new(error)))?;
    app.ephemeral.put(&key(&login.organization, &login.connection), bytes.into(), KEPT).await?;
    Ok(Redirect::to(login.return_to.path()).into_response())
}

/// The groups of a test, in order.
pub(in crate::http) fn groups(identity: &Identity) -> BTreeSet<String> {
    match &identity.groups {
        crate::core::GroupClaim::Present(groups) => groups.clone(),
        _ => BTreeSet::new(),
    }
}
