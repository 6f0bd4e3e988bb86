//! "Ask for access": what a refused person may do besides leaving.
//!
//! The form carries a one-use secret that the refusal made and that leads to its record; nothing in it says who asks.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::admin::NOTE_MAX;
use crate::app::App;
use crate::core::{DecisionId, IncidentId, OrganizationId, Reason};
use crate::http::browser::{hashed, is_token};
use crate::http::input::{Asked, Posted};
use crate::http::origin::Origin;
use crate::http::problem::Problem;
use crate::random;
use crate::store::{AccessRequest, Asking, StoreError};

/// How long a refusal's form works, and how long its answer can be looked at again.
const FORM_TTL: Duration = Duration::from_hours(1);
/// So many forms of one address within [`LIMIT_WINDOW`] are more than people send.
const LIMIT: u64 = 30;
const LIMIT_WINDOW: Duration = Duration::from_hours(1);

/// What a refused person may do, or has done already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Access {
    /// Nothing.
    Closed,
    /// Ask, with this secret.
    Open {
        /// The form's secret.
        form: String,
    },
    /// Wait: asked then.
    Asked {
        /// When.
        at: jiff::Timestamp,
    },
    /// Read the answer.
    Declined {
        /// When.
        at: jiff::Timestamp,
        /// The administrators' note.
        note: Option<String>,
    },
}

/// What the secret of a form leads to.
#[derive(Debug, Serialize, Deserialize)]
struct Form {
    organization: OrganizationId,
    decision: DecisionId,
    reason: Reason,
    incident: Option<IncidentId>,
    again: String,
}

/// A refusal that was decided a moment ago.
#[derive(Debug, Clone)]
pub(super) struct Refusal<'a> {
    pub(super) organization: &'a OrganizationId,
    pub(super) decision: DecisionId,
    pub(super) reason: Reason,
    pub(super) incident: Option<IncidentId>,
    pub(super) again: &'a str,
}

/// Refusals that an administrator can lift for one person.
const fn may_ask(reason: Reason) -> bool {
    matches!(reason, Reason::NotInvited | Reason::NoRoleGroup | Reason::NoSeatsLeft | Reason::NotInDirectory | Reason::AwaitingApproval)
}

fn form_key(secret: &str) -> String {
    format!("ask:{}", hashed(secret))
}

fn asked_key(secret: &str) -> String {
    format!("asked:{}", hashed(secret))
}

/// What the page of this refusal offers. Makes the form's secret where there is one.
pub(super) async fn offer(app: &App, refusal: Refusal<'_>) -> Result<Access, Problem> {
    if !may_ask(refusal.reason) {
        return Ok(Access::Closed);
    }
    let known = app.store.find_request(refusal.organization, refusal.decision).await?;
    if let Some(access) = known.and_then(|request| answered(app, &request, refusal.reason)) {
        return Ok(access);
    }
    let form = random::token()?;
    let kept = Form {
        organization: refusal.organization.clone(),
        decision: refusal.decision,
        reason: refusal.reason,
        incident: refusal.incident,
        again: refusal.again.to_owned(),
    };
    app.ephemeral.put(&form_key(&form), encode(&kept)?, FORM_TTL).await?;
    Ok(Access::Open { form })
}

/// What has become of a request, as far as the person may know. `awaiting_approval` waits by itself, from the first try on.
fn answered(app: &App, request: &AccessRequest, reason: Reason) -> Option<Access> {
    let now = app.clock.now();
    if let Some(answer) = request.declined(now) {
        return Some(Access::Declined { at: answer.at, note: answer.note.clone() });
    }
    let waits_since = if reason == Reason::AwaitingApproval { Some(request.first_at) } else { request.asked_at };
    waits_since.filter(|_| request.is_open(now)).map(|at| Access::Asked { at })
}

fn encode(form: &Form) -> Result<bytes::Bytes, Problem> {
    serde_json::to_vec(form).map(Into::into).map_err(|_| Problem::Unavailable)
}

/// The form.
#[derive(Deserialize)]
pub(in crate::http) struct Asks {
    form: String,
    #[serde(default)]
    reason: String,
}

/// `POST /login/ask`: takes the form's secret, once, and makes the refusal a request.
pub(in crate::http) async fn ask(State(app): State<Arc<App>>, origin: Origin, Posted(asks): Posted<Asks>) -> Result<Response, Problem> {
    let count = app.ephemeral.count(&format!("asks:{}", origin.counted()), LIMIT_WINDOW).await?;
    if count > LIMIT {
        return Err(Problem::TooManyRequests);
    }
    if !is_token(&asks.form) {
        return Err(Problem::Malformed);
    }
    let to = Redirect::to(&format!("/login/asked?form={}", asks.form)).into_response();
    let Some(bytes) = app.ephemeral.take(&form_key(&asks.form)).await? else { return Ok(to) };
    let form: Form = serde_json::from_slice(&bytes).map_err(|_| Problem::Unavailable)?;
    let said: String = asks.reason.chars().filter(|c| !c.is_control() || *c == '\n').take(NOTE_MAX).collect();
    let said = Some(said.trim()).filter(|said| !said.is_empty());
    let asking = Asking {
        organization: &form.organization,
        decision: form.decision,
        asked_for: said,
        origin: &origin.plain(),
        now: app.clock.now(),
    };
    match app.store.ask_for_access(asking).await {
        // Declined meanwhile: the page says so.
        Ok(_) | Err(StoreError::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    app.ephemeral.put(&asked_key(&asks.form), encode(&form)?, FORM_TTL).await?;
    Ok(to)
}

/// Which form was sent.
#[derive(Deserialize)]
pub(in crate::http) struct Sent {
    form: String,
}

/// `GET /login/asked`: what became of it; may be loaded again.
pub(in crate::http) async fn asked(State(app): State<Arc<App>>, Asked(Sent { form }): Asked<Sent>) -> Result<Response, Problem> {
    let Some(bytes) = app.ephemeral.find(&asked_key(&form)).await? else { return Err(Problem::Expired) };
    let Form { organization, decision, reason, incident, again } = serde_json::from_slice(&bytes).map_err(|_| Problem::Unavailable)?;
    let known = app.store.find_request(&organization, decision).await?;
    let access = known.and_then(|request| answered(&app, &request, reason)).unwrap_or(Access::Closed);
    Err(Problem::Refused { reason, organization, incident, again, access })
}
