//! Why somebody has what they have, and what something else would give. Nothing is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{At, Sent};
use super::members::{self, Member};
use super::schema;
use crate::admin::{AdminError, Answer, Hypothesis, MemberExplanation, Permission, Way};
use crate::app::App;
use crate::core::{self, AuditId, ConnectionId, EmailAddress, GroupClaim, PersonId, Reason};
use crate::doors::read_pasted;
use crate::store::DecisionRecord;

/// The most groups of a question, and the longest: as many as a provider may send.
const MAX_GROUPS: usize = 2000;
const MAX_GROUP_CHARS: usize = 256;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(explain)).routes(routes!(what_if)).routes(routes!(what_if_message))
}

/// A decision in plain lines.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    #[schema(value_type = schema::Reason)]
    reason: Reason,
    /// The whole of it in a sentence.
    #[schema(example = "Admin · Premium, because app-admins and design")]
    sentence: String,
    /// The groups that decided role and seat; empty when something else did.
    because: Vec<String>,
    /// Every role tried, with why it won or lost.
    role: Vec<String>,
    /// Every seat tier tried, and the arithmetic.
    seat: Vec<String>,
    /// Guards that were looked at or decided.
    guards: Vec<String>,
    /// Pins that decided.
    pins: Vec<String>,
    /// How the person was found and let in: connection, identity, status, mode, invite, groups.
    way_in: Vec<String>,
    /// What is worth knowing.
    notes: Vec<String>,
    /// What it writes; empty when nothing changes.
    changes: Vec<String>,
}

/// Why a member has their role and seat.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemberExplanation)]
pub(super) struct Explained {
    member: Member,
    /// The newest decision; `null`: has not signed in yet.
    last: Option<LastDecision>,
    /// The same claims under today's rules and with today's seats; `null`: never seen, or the connection is gone.
    replay: Option<Explanation>,
    /// What would give each role at a login, highest first.
    ways: Vec<WayToRole>,
}

/// What was decided, about whom, on which grounds.
#[derive(Debug, Serialize, ToSchema)]
struct LastDecision {
    #[schema(value_type = schema::Time)]
    at: Timestamp,
    #[schema(value_type = schema::ShortName)]
    connection: ConnectionId,
    /// The groups that came; `null`: none that could be read.
    groups: Option<BTreeSet<String>>,
    explanation: Explanation,
    /// The line of the activity that has it.
    #[schema(value_type = schema::AuditId)]
    activity: AuditId,
}

/// How one gets a role.
#[derive(Debug, Serialize, ToSchema)]
struct WayToRole {
    #[schema(example = "Admin")]
    role: String,
    /// Being in one of these gives it.
    groups: Vec<String>,
    /// Whether the member has it now.
    current: bool,
    sentence: String,
}

/// What to ask with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"connection": "okta", "groups": ["everyone"]}))]
pub(super) struct WhatIfRequest {
    /// Through which connection.
    #[schema(value_type = schema::ShortName)]
    connection: ConnectionId,
    /// Somebody; left out, a newcomer in the connection's domain.
    #[schema(value_type = Option<String>, example = "jo@acme.example")]
    email: Option<EmailAddress>,
    /// The groups that would come.
    #[schema(max_items = 2000)]
    groups: Vec<String>,
}

/// A provider's message to ask with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"connection": "okta", "message": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqby0xIiwiZ3JvdXBzIjpbImV2ZXJ5b25lIl19.c2lnbmF0dXJl"}))]
pub(super) struct WhatIfMessageRequest {
    /// Through which connection it came.
    #[schema(value_type = schema::ShortName)]
    connection: ConnectionId,
    /// An ID token, or a SAML response as XML or in base64.
    message: String,
}

/// What would happen at a login.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhatIf {
    /// Whom it leads to, if to somebody known.
    #[schema(value_type = Option<schema::PersonId>)]
    person: Option<PersonId>,
    /// Whether they would come in.
    comes_in: bool,
    explanation: Explanation,
}

impl From<core::Explanation> for Explanation {
    fn from(explanation: core::Explanation) -> Self {
        let sentence = explanation.sentence();
        let core::Explanation { reason, because, role, seat, guards, pins, way_in, notes, changes, .. } = explanation;
        Self { reason, sentence, because, role, seat, guards, pins, way_in, notes, changes }
    }
}

impl From<MemberExplanation> for Explained {
    fn from(MemberExplanation { member, decision, explanation, replay, ways, .. }: MemberExplanation) -> Self {
        Self {
            member: member.into(),
            last: decision.zip(explanation).map(|(record, explanation)| LastDecision::new(record, explanation)),
            replay: replay.map(|answer| answer.explanation.into()),
            ways: ways.into_iter().map(WayToRole::from).collect(),
        }
    }
}

impl LastDecision {
    fn new(record: DecisionRecord, explanation: core::Explanation) -> Self {
        let groups = match record.identity.groups {
            GroupClaim::Present(groups) => Some(groups),
            GroupClaim::Empty => Some(BTreeSet::new()),
            GroupClaim::Absent | GroupClaim::Malformed | GroupClaim::Overage => None,
        };
        Self { at: record.at, connection: record.connection, groups, explanation: explanation.into(), activity: record.audit }
    }
}

impl From<Way> for WayToRole {
    fn from(Way { role, groups, current, sentence }: Way) -> Self {
        Self { role: role.to_string(), groups, current, sentence }
    }
}

impl From<Answer> for WhatIf {
    fn from(Answer { person, decision, explanation, .. }: Answer) -> Self {
        let comes_in = matches!(decision.outcome, core::provision::Outcome::Admit(_));
        Self { person, comes_in, explanation: explanation.into() }
    }
}

/// Says why a member has their role and seat, what today's rules would give them, and what would give them each role.
#[utoipa::path(
    get,
    path = "/members/{member}/explanation",
    operation_id = "explain_member",
    tag = "members",
    params(("member" = inline(schema::MemberId), Path, description = "Who.")),
    responses((status = 200, description = "The explanation.", body = Explained)),
    security(("token" = ["members:read"]))
)]
async fn explain(caller: Caller, At(at): At<members::Address>) -> Result<Json<Explained>, ApiError> {
    Ok(Json(caller.admin.explain_member(&caller.actor, at.member).await?.into()))
}

/// Says what would happen to somebody with these groups at a login, with the rules as they are saved.
#[utoipa::path(
    post,
    path = "/what-if",
    operation_id = "what_if",
    tag = "members",
    request_body = WhatIfRequest,
    responses((status = 200, description = "The answer.", body = WhatIf)),
    security(("token" = ["members:read"]))
)]
async fn what_if(caller: Caller, Sent(request): Sent<WhatIfRequest>) -> Result<Json<WhatIf>, ApiError> {
    let WhatIfRequest { connection, email, groups } = request;
    let fits = |group: &String| group.chars().count() <= MAX_GROUP_CHARS && !group.chars().any(char::is_control);
    if groups.len() > MAX_GROUPS || !groups.iter().all(fits) {
        let message = format!("use at most {MAX_GROUPS} groups of {MAX_GROUP_CHARS} characters, without control characters");
        return Err(ApiError::invalid("groups", message));
    }
    let hypothesis = Hypothesis::Groups { connection, email, groups: GroupClaim::from_values(groups) };
    Ok(Json(caller.admin.what_if(&caller.actor, hypothesis).await?.into()))
}

/// Says the same for a provider's message. It is read, not verified: neither its signature, nor for whom and when it was made are checked.
#[utoipa::path(
    post,
    path = "/what-if/message",
    operation_id = "what_if_message",
    tag = "members",
    request_body = WhatIfMessageRequest,
    responses((status = 200, description = "The answer.", body = WhatIf)),
    security(("token" = ["members:read"]))
)]
async fn what_if_message(
    State(app): State<Arc<App>>,
    caller: Caller,
    Sent(request): Sent<WhatIfMessageRequest>,
) -> Result<Json<WhatIf>, ApiError> {
    // Asked before the use case asks: what somebody without the right sends is not even read.
    caller.actor.need(Permission::MembersRead)?;
    let settings = app.settings();
    let connection = settings.find_connection(&request.connection).ok_or(AdminError::NoSuch("connection"))?;
    let identity =
        read_pasted(connection, &request.message).map_err(|why| ApiError::invalid("message", format!("it cannot be read: {why}")))?;
    Ok(Json(caller.admin.what_if(&caller.actor, Hypothesis::Pasted(identity)).await?.into()))
}
