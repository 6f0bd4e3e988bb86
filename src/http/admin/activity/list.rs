//! The lines, newest first.

use askama::Template;
use axum::response::Response;

use super::query::{Meant, Query};
use crate::admin::activity::{Entry, ExportFormat, FieldChange, moment};
use crate::http::admin::console::Console;
use crate::http::admin::file::download;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::{Badge, Pager, Select, Tone, count};
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::input::Asked;
use crate::http::views::View;

/// Lines on one page.
const PAGE: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "admin/activity.html")]
struct List {
    frame: Frame,
    query: Query,
    selects: [Select; 4],
    faults: Vec<String>,
    lines: Vec<Line>,
    pager: Pager,
    path: String,
    csv_href: String,
    ndjson_href: String,
}

/// One line, ready to be shown.
#[derive(Debug)]
pub(in crate::http::admin) struct Line {
    pub(in crate::http::admin) entry: Entry,
    pub(in crate::http::admin) badge: Option<Badge>,
    /// Whether something was there before: what came into being is told by the sentence, and stands under the details.
    pub(in crate::http::admin) changed: bool,
    pub(in crate::http::admin) actor_href: Option<String>,
    pub(in crate::http::admin) target_href: Option<String>,
}

impl Line {
    pub(in crate::http::admin) fn new(console: &Console, mut entry: Entry) -> Self {
        entry.changes.iter_mut().for_each(put_into_words);
        let member = |id: &str| (id.starts_with("per_") || id.starts_with("mem_")).then(|| console.path(&format!("members/{id}")));
        let badge = entry.line.event.ends_with(".refused").then(|| Badge::new(Tone::Bad, "Refused"));
        Self {
            badge,
            changed: entry.changes.iter().any(|change| change.before.is_some()),
            actor_href: member(&entry.line.actor),
            target_href: entry.line.target.as_deref().and_then(member).filter(|_| entry.line.target.as_ref() != Some(&entry.line.actor)),
            entry,
        }
    }
}

/// Fields are paths for programs (`member.pin.ends_at`), and times have more digits than people read.
fn put_into_words(change: &mut FieldChange) {
    let field = change.field.strip_prefix("member.").unwrap_or(&change.field);
    change.field = field.replace(['.', '_'], " ");
    for side in [&mut change.before, &mut change.after].into_iter().flatten() {
        if let Some(words) = moment(side) {
            *side = words;
        }
    }
}

impl View for List {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET /admin/{organization}/activity`
pub(super) async fn show(console: Console, Asked(query): Asked<Query>) -> Result<Response, Trouble> {
    let Meant { filter, faults } = query.meant(&console).await?;
    // What cannot be understood is said on the page, never answered with a file of something else.
    if let Ok(format) = query.format.parse::<ExportFormat>()
        && faults.is_empty()
    {
        let file = console.admin().export_activity(&console.actor, filter, format).await?;
        return Ok(download(&console, "activity", &format.to_string(), format.media_type(), file));
    }
    let page = console.admin().list_activity(&console.actor, &filter, query.before(), PAGE).await?;
    let path = console.path("activity");
    let next = page.next.map(|next| query.address(&path, ("before", &next.to_string())));
    let pager = Pager {
        range: count(page.entries.len(), "line", "lines"),
        previous: (!query.before.is_empty()).then(|| query.address(&path, ("before", ""))),
        next,
    };
    Ok(List {
        csv_href: query.address(&path, ("format", "csv")),
        ndjson_href: query.address(&path, ("format", "ndjson")),
        selects: query.selects(&console),
        lines: page.entries.into_iter().map(|entry| Line::new(&console, entry)).collect(),
        frame: Frame::new(&console, Section::Activity),
        query,
        faults,
        pager,
        path,
    }
    .respond())
}
