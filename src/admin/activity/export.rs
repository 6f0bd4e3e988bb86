//! The log as a file: CSV for a spreadsheet, NDJSON for a program, as a stream that never holds more than a page.

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use serde_json::{Value, json};

use super::Entry;
use crate::admin::{Actor, Admin, AdminError, Permission, table};
use crate::core::Reason;
use crate::store::{ActivityFilter, ActivityQuery, AuditLine, NewAuditLine};

/// Lines that are read at once.
const PAGE: u32 = 1000;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ExportFormat {
    /// Comma-separated, with a header line (RFC 4180).
    Csv,
    /// A JSON object a line, each line of the log as it was hashed, and at the end a statement about the hash chain.
    Ndjson,
}

impl ExportFormat {
    /// The media type of the file.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// What of an export is still to come.
struct Export {
    admin: Admin,
    actor: Actor,
    filter: ActivityFilter,
    parent_level: bool,
    format: ExportFormat,
    step: Step,
    statement: Statement,
}

enum Step {
    Begin,
    /// The page before this place.
    Page(Option<i64>),
    End,
    Done,
}

/// What can be said about the chain without the rest of the log.
#[derive(Default)]
struct Statement {
    lines: u64,
    newest: Option<(i64, String)>,
    oldest: Option<(i64, String)>,
    gaps: bool,
}

impl Admin {
    /// The activity that [`Admin::list_activity`] would show, whole, newest first, as a file. That it was exported is a line of the log itself, written
    /// before the first byte.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::Store`], also in the middle of the stream: the file is incomplete then.
    pub async fn export_activity(
        &self,
        actor: &Actor,
        filter: ActivityFilter,
        format: ExportFormat,
    ) -> Result<impl Stream<Item = Result<Bytes, AdminError>> + Send + 'static + use<>, AdminError> {
        actor.need(Permission::ActivityRead)?;
        let parent_level = self.sees_parent_level(actor).await?;
        let line = NewAuditLine {
            event: "activity.exported",
            actor: &actor.name(),
            organization: Some(&actor.organization),
            target: None,
            reason: None,
            detail: json!({ "format": format, "filter": said(&filter) }),
            origin: &actor.origin,
            now: self.clock.now(),
        };
        self.store.record(line).await?;
        let (admin, actor) = (self.clone(), actor.clone());
        let export = Export { admin, actor, filter, parent_level, format, step: Step::Begin, statement: Statement::default() };
        Ok(try_unfold(export, |mut export| async move { Ok(export.next().await?.map(|bytes| (bytes, export))) }))
    }
}

/// The filter without what was left out.
fn said(filter: &ActivityFilter) -> Value {
    let fields = serde_json::to_value(filter).ok().and_then(|value| value.as_object().cloned()).unwrap_or_default();
    Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, AdminError> {
        match self.step {
            Step::Begin => {
                self.step = Step::Page(None);
                match self.format {
                    ExportFormat::Csv => table::csv(std::iter::once(HEADER.map(str::to_owned))).map(Some),
                    ExportFormat::Ndjson => self.page(None).await.map(Some),
                }
            }
            Step::Page(before) => self.page(before).await.map(Some),
            Step::End => {
                self.step = Step::Done;
                Ok((self.format == ExportFormat::Ndjson).then(|| json_lines([self.statement.said()])))
            }
            Step::Done => Ok(None),
        }
    }

    async fn page(&mut self, before: Option<i64>) -> Result<Bytes, AdminError> {
        let query = ActivityQuery {
            organization: &self.actor.organization,
            parent_level: self.parent_level,
            filter: &self.filter,
            events: super::events(),
            before,
            limit: PAGE,
        };
        let page = self.admin.store.list_activity(query).await?;
        self.step = page.next.map_or(Step::End, |next| Step::Page(Some(next)));
        self.statement.note(&page.lines);
        match self.format {
            ExportFormat::Csv => table::csv(self.admin.describe(page.lines).await?.iter().map(row)),
            ExportFormat::Ndjson => Ok(json_lines(page.lines)),
        }
    }
}

impl Statement {
    fn note(&mut self, lines: &[AuditLine]) {
        for line in lines {
            let place = (line.sequence, line.hash.clone());
            self.lines += 1;
            self.gaps |= self.oldest.as_ref().is_some_and(|(before, _)| *before != line.sequence + 1);
            self.newest.get_or_insert_with(|| place.clone());
            self.oldest = Some(place);
        }
    }

    fn said(&self) -> Value {
        let place = |place: &Option<(i64, String)>| place.as_ref().map(|(sequence, hash)| json!({ "sequence": sequence, "hash": hash }));
        json!({ "statement": {
            "lines": self.lines,
            "newest": place(&self.newest),
            "oldest": place(&self.oldest),
            "unbroken": !self.gaps && self.lines > 0,
            "hash": "SHA-256, in hexadecimal, over the hash of the line before (nothing for the first) and the line without its hash as JSON, keys sorted, no blanks",
            "order": "newest first; where unbroken is true the file holds every line between oldest and newest, and each hash can be worked out again",
        } })
    }
}

fn json_lines<T: serde::Serialize>(items: impl IntoIterator<Item = T>) -> Bytes {
    let mut text = String::new();
    for item in items {
        // Only a map with keys that are no text could fail, and there is none.
        text.push_str(&serde_json::to_string(&item).unwrap_or_default());
        text.push('\n');
    }
    text.into()
}

const HEADER: [&str; 15] = [
    "time",
    "what",
    "event",
    "actor",
    "actor_name",
    "target",
    "target_name",
    "organization",
    "reason",
    "address",
    "request",
    "incident",
    "detail",
    "sequence",
    "hash",
];

fn row(entry: &Entry) -> [String; 15] {
    let line = &entry.line;
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    [
        line.at.to_string(),
        entry.sentence.clone(),
        line.event.clone(),
        line.actor.clone(),
        entry.actor_name.clone(),
        text(line.target.as_ref()),
        text(entry.target_name.as_ref()),
        line.organization.as_ref().map(ToString::to_string).unwrap_or_default(),
        line.reason.map(Reason::code).unwrap_or_default().to_owned(),
        text(line.origin.address.as_ref()),
        text(line.origin.request.as_ref()),
        line.origin.incident.map(|incident| incident.to_string()).unwrap_or_default(),
        line.detail.to_string(),
        line.sequence.to_string(),
        line.hash.clone(),
    ]
}
