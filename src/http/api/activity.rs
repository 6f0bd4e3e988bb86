//! Activity: the audit log, a page at a time, or all of it as a file.

use std::sync::Arc;

use axum::Json;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{self, Asked};
use super::page::{Page, Paging};
use super::{file, schema};
use crate::admin::activity::{self, ExportFormat};
use crate::app::App;
use crate::core::{AuditId, ConnectionId, IncidentId, Reason};
use crate::store::{ActivityFilter, ActivityResult};

/// The longest text of a filter.
const MAX_TEXT: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export_csv)).routes(routes!(export_ndjson))
}

/// A line of the audit log. Lines form a hash chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Activity {
    #[schema(value_type = schema::AuditId)]
    id: AuditId,
    /// The place in the chain, from 1.
    #[schema(minimum = 1)]
    sequence: i64,
    #[schema(value_type = schema::Time)]
    at: Timestamp,
    /// What happened, dotted.
    #[schema(example = "login.refused")]
    event: String,
    /// What happened, in a sentence.
    sentence: String,
    /// Who did it: a person id, `token:…`, `cli` or `system`.
    actor: String,
    actor_name: String,
    /// To whom or what.
    target: Option<String>,
    target_name: Option<String>,
    #[schema(value_type = Option<schema::Reason>)]
    reason: Option<Reason>,
    /// What changed, field by field.
    changes: Vec<FieldChange>,
    /// Details, by event.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// The request's id.
    request: Option<String>,
    /// The reference that an error page showed.
    #[schema(value_type = Option<schema::IncidentId>)]
    incident: Option<IncidentId>,
    /// The client's address.
    address: Option<String>,
    /// SHA-256 over the hash of the line before and this line, in hexadecimal.
    hash: String,
}

/// A field that changed.
#[derive(Debug, Serialize, ToSchema)]
struct FieldChange {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

/// How an act ended.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "says how a result looks on the wire")]
enum ActivityOutcome {
    Ok,
    Refused,
}

/// Which lines, and which page of them. Everything that is given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Who did it: a person id, `token:…`, `cli` or `system`.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    actor: Option<String>,
    /// An event (`login.refused`), or the beginning of several (`login`).
    #[param(min_length = 1, max_length = 200, nullable = false)]
    event: Option<String>,
    /// To whom: a person or member id, or whatever else lines name.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    target: Option<String>,
    /// Done or refused.
    #[param(value_type = Option<ActivityOutcome>, inline, nullable = false)]
    result: Option<ActivityResult>,
    /// The reason code.
    #[param(value_type = Option<schema::Reason>, inline, nullable = false)]
    reason: Option<Reason>,
    /// Through or about which connection.
    #[param(value_type = Option<schema::ShortName>, inline, nullable = false)]
    connection: Option<ConnectionId>,
    /// From which client address.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    address: Option<String>,
    /// In which request.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    request: Option<String>,
    /// The reference that an error page showed.
    #[param(value_type = Option<schema::IncidentId>, inline, nullable = false)]
    incident: Option<IncidentId>,
    /// At this time or later.
    #[param(value_type = Option<schema::Time>, inline, nullable = false)]
    from: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<schema::Time>, inline, nullable = false)]
    to: Option<Timestamp>,
    /// Anywhere in the line, without regard to case.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    text: Option<String>,
    /// The `next` of the page before.
    #[param(max_length = 400, nullable = false)]
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<u32>,
}

impl Filter {
    fn parts(self) -> Result<(ActivityFilter, Paging), ApiError> {
        let filter = ActivityFilter {
            actor: input::line("actor", self.actor, MAX_TEXT)?,
            event: input::line("event", self.event, MAX_TEXT)?,
            target: input::line("target", self.target, MAX_TEXT)?,
            result: self.result,
            reason: self.reason,
            connection: self.connection,
            address: input::line("address", self.address, MAX_TEXT)?,
            request: input::line("request", self.request, MAX_TEXT)?,
            incident: self.incident,
            from: self.from,
            to: self.to,
            text: input::line("text", self.text, MAX_TEXT)?,
        };
        Ok((filter, Paging::new(self.cursor, self.limit)))
    }
}

impl From<activity::Entry> for Activity {
    fn from(entry: activity::Entry) -> Self {
        let changes = entry.changes.into_iter();
        Self {
            id: entry.line.id,
            sequence: entry.line.sequence,
            at: entry.line.at,
            event: entry.line.event,
            sentence: entry.sentence,
            actor: entry.line.actor,
            actor_name: entry.actor_name,
            target: entry.line.target,
            target_name: entry.target_name,
            reason: entry.line.reason,
            changes: changes.map(|change| FieldChange { field: change.field, before: change.before, after: change.after }).collect(),
            detail: entry.line.detail,
            request: entry.line.origin.request,
            incident: entry.line.origin.incident,
            address: entry.line.origin.address,
            hash: entry.line.hash,
        }
    }
}

/// Lists what happened, the newest first. A page may be short, or empty, and still not be the last: a search for text goes back a piece at a time.
#[utoipa::path(
    get,
    path = "/activity",
    operation_id = "list_activity",
    tag = "activity",
    params(Filter),
    responses((status = 200, description = "A page of lines.", body = Page<Activity>)),
    security(("token" = ["activity:read"]))
)]
async fn list(caller: Caller, Asked(filter): Asked<Filter>) -> Result<Json<Page<Activity>>, ApiError> {
    let (filter, paging) = filter.parts()?;
    let before = paging.after(|text| text.parse().ok().filter(|place: &i64| *place > 0))?;
    let page = caller.admin.list_activity(&caller.actor, &filter, before, paging.limit()?).await?;
    Ok(Json(Page::new(page.entries.into_iter().map(Activity::from).collect(), page.next.as_ref())))
}

/// Exports the lines that fit as CSV (RFC 4180), the newest first, streamed. That it was exported is in the log itself.
#[utoipa::path(
    get,
    path = "/activity/export.csv",
    operation_id = "export_activity_csv",
    tag = "activity",
    params(Filter),
    responses((status = 200, description = "The file. It has no pages: `cursor` and `limit` are refused.", body = String, content_type = "text/csv")),
    security(("token" = ["activity:read"]))
)]
async fn export_csv(caller: Caller, Asked(filter): Asked<Filter>) -> Result<Response, ApiError> {
    export(&caller, filter, ExportFormat::Csv, "attachment; filename=\"activity.csv\"").await
}

/// Exports the lines that fit as NDJSON, a line as it was hashed in each, the newest first, streamed. That it was exported is in the log itself.
#[utoipa::path(
    get,
    path = "/activity/export.ndjson",
    operation_id = "export_activity_ndjson",
    tag = "activity",
    params(Filter),
    responses((
        status = 200,
        description = "The file. It has no pages: `cursor` and `limit` are refused.",
        body = String,
        content_type = "application/x-ndjson"
    )),
    security(("token" = ["activity:read"]))
)]
async fn export_ndjson(caller: Caller, Asked(filter): Asked<Filter>) -> Result<Response, ApiError> {
    export(&caller, filter, ExportFormat::Ndjson, "attachment; filename=\"activity.ndjson\"").await
}

async fn export(caller: &Caller, filter: Filter, format: ExportFormat, disposition: &'static str) -> Result<Response, ApiError> {
    if filter.cursor.is_some() || filter.limit.is_some() {
        return Err(ApiError::invalid("query", "a file has no pages: leave out `cursor` and `limit`"));
    }
    let (filter, _) = filter.parts()?;
    let lines = caller.admin.export_activity(&caller.actor, filter, format).await?;
    Ok(file::streamed(format.media_type(), disposition, lines))
}
