//! What the address asks for. Whatever it is, there is a page; what cannot be found is said there.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use strum::IntoEnumIterator as _;

use crate::admin::{AdminError, activity};
use crate::core::{ConnectionId, IncidentId, Reason};
use crate::http::admin::console::Console;
use crate::http::admin::parts::{Select, address};
use crate::store::{ActivityFilter, ActivityResult, RosterFilter, RosterOrder, RosterPlace};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    pub(super) who: String,
    pub(super) event: String,
    pub(super) target: String,
    pub(super) result: String,
    pub(super) reason: String,
    pub(super) connection: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: String,
    pub(super) reference: String,
    pub(super) before: String,
    pub(super) format: String,
}

/// The filter that the address means, and what of it means nothing.
pub(super) struct Meant {
    pub(super) filter: ActivityFilter,
    pub(super) faults: Vec<String>,
}

impl Query {
    pub(super) fn before(&self) -> Option<i64> {
        self.before.parse().ok()
    }

    pub(super) fn is_narrowed(&self) -> bool {
        self.fields().iter().any(|(_, value)| !value.is_empty())
    }

    /// Whether one of the filters counts that are shown only on request.
    pub(super) fn has_more(&self) -> bool {
        [&self.result, &self.reason, &self.connection, &self.from, &self.to, &self.reference].iter().any(|field| !field.is_empty())
    }

    /// The same page with something more in its address.
    pub(super) fn address(&self, path: &str, more: (&str, &str)) -> String {
        let mut fields = self.fields().to_vec();
        fields.push(more);
        address(path, &fields)
    }

    fn fields(&self) -> [(&str, &str); 10] {
        [
            ("who", &self.who),
            ("event", &self.event),
            ("target", &self.target),
            ("result", &self.result),
            ("reason", &self.reason),
            ("connection", &self.connection),
            ("from", &self.from),
            ("to", &self.to),
            ("text", &self.text),
            ("reference", &self.reference),
        ]
    }

    pub(super) async fn meant(&self, console: &Console) -> Result<Meant, AdminError> {
        let mut faults = Vec::new();
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (incident, request) = match self.reference.trim() {
            "" => (None, None),
            reference => match IncidentId::parse(reference) {
                Ok(incident) => (Some(incident), None),
                Err(_) => (None, Some(reference.to_owned())),
            },
        };
        let filter = ActivityFilter {
            actor: named(console, &self.who, &mut faults).await?,
            event: text(&self.event),
            target: named(console, &self.target, &mut faults).await?,
            result: self.result.parse::<ActivityResult>().ok(),
            reason: self.reason.parse::<Reason>().ok(),
            connection: ConnectionId::parse(&self.connection).ok(),
            address: None,
            request,
            incident,
            from: day(&self.from, &mut faults).and_then(start),
            to: day(&self.to, &mut faults).and_then(|day| day.tomorrow().ok()).and_then(start),
            text: text(&self.text),
        };
        Ok(Meant { filter, faults })
    }

    pub(super) fn selects(&self, console: &Console) -> [Select; 4] {
        let events = activity::events().iter().map(|event| (*event, event.replace(['.', '_'], " ")));
        let reasons = Reason::iter().map(|reason| (reason.code(), reason.code().replace('_', " ")));
        let connections = console.settings.settings.connections.iter().map(|connection| (connection.id.as_str(), connection.name.as_str()));
        [
            Select::new("event", "What", events, &self.event).or_nothing("Anything"),
            Select::new("result", "Result", [("ok", "Done"), ("refused", "Refused")], &self.result).or_nothing("Any"),
            Select::new("reason", "Reason", reasons, &self.reason).or_nothing("Any"),
            Select::new("connection", "Connection", connections, &self.connection).or_nothing("Any"),
        ]
    }
}

fn day(text: &str, faults: &mut Vec<String>) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    let day = text.parse().ok();
    if day.is_none() {
        faults.push(format!("“{text}” is no day; write 2026-11-03."));
    }
    day
}

fn start(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// Somebody or something by an id, or a person by name or address.
async fn named(console: &Console, text: &str, faults: &mut Vec<String>) -> Result<Option<String>, AdminError> {
    let text = text.trim();
    let is_id = |text: &str| text.contains(['_', ':']) && !text.contains('@') || matches!(text, "cli" | "system");
    if text.is_empty() || is_id(text) || console.settings.settings.connections.iter().any(|connection| connection.id.as_str() == text) {
        return Ok((!text.is_empty()).then(|| text.to_owned()));
    }
    let filter = RosterFilter { search: Some(text.to_owned()), ..RosterFilter::default() };
    let page = console.admin().list_roster(&console.actor, &filter, RosterOrder::Name, RosterPlace::Start, 2).await?;
    match page.rows.as_slice() {
        [only] => return Ok(Some(only.person.id.to_string())),
        [] => faults.push(format!("Nobody is called “{text}”. A name, an address or an id finds them.")),
        _ => faults.push(format!("{} people are called “{text}”; write the whole address.", page.total)),
    }
    // What cannot be found finds nothing, rather than everything.
    Ok(Some(text.to_owned()))
}
