//! The audit log as people read it.
//!
//! A page is put together from several statements, one for each value that a filter by a list allows (organization or none, event, target): each of
//! them walks one index from its newest entry and stops, whatever the planner of either database knows about the table. Of several columns, the one
//! that most likely has the fewest lines leads; the others are written in `COALESCE`, so that no index of theirs is chosen.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::codec::{Columns as _, micros};
use super::queries::anywhere;
use super::statement::Statement;
use super::{ACTOR_IS_ANOTHER, Backend, Connection, LIKE_IN_ANY_CASE, rows};
use crate::core::{IncidentId, OrganizationId, Reason};
use crate::store::{ActivityFilter, ActivityPage, ActivityQuery, ActivityResult, ActivityStore, AuditLine, StoreError};

/// Lines that a search for text looks through before it says where it stopped.
const WINDOW: i64 = 20_000;
/// Ids in one statement.
const IDS: usize = 200;
const COLUMNS: &str = "sequence, id, at, event, actor, organization, target, reason, detail, origin, hash";

/// What a search for text looks at.
const WORDS: &str = "event || ' ' || actor || ' ' || COALESCE(target, '') || ' ' || origin || ' ' || detail";

#[async_trait]
impl ActivityStore for Backend {
    async fn list_activity(&self, query: ActivityQuery<'_>) -> Result<ActivityPage, StoreError> {
        self.within(async { list_activity(&mut *self.read().await?, &query).await }).await
    }

    async fn name_people(&self, ids: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
        self.within(async { name_people(&mut *self.read().await?, ids).await }).await
    }
}

/// A place in the log: time in microseconds, then place in the chain.
type Place = (i64, i64);

/// One statement's share of a page.
struct Piece {
    lines: Vec<AuditLine>,
    /// Everything newer than this, and this, has been looked at; `None`: everything.
    looked_until: Option<Place>,
}

/// One choice out of each list.
#[derive(Debug, Clone, Copy)]
struct Choice<'a> {
    organization: Option<&'a OrganizationId>,
    event: Option<&'a str>,
    target: Target<'a>,
}

/// Whom lines are about.
#[derive(Debug, Clone, Copy)]
enum Target<'a> {
    Anybody,
    This(&'a str),
    /// Not whoever did it, where the index of who did it has only such lines. Most lines are logins, by people and about themselves, and the index of whom
    /// lines are about finds those.
    AnotherThanTheActor,
}

async fn list_activity(conn: &mut Connection, query: &ActivityQuery<'_>) -> Result<ActivityPage, StoreError> {
    let limit = i64::from(query.limit.clamp(1, 1000));
    let start = match query.before {
        Some(sequence) => Some(place_of(conn, sequence).await?),
        None => None,
    };
    let targets = targets(conn, query.filter).await?;
    let mut pieces = Vec::new();
    for choice in choices(query, &targets) {
        pieces.push(read_piece(conn, query.filter, choice, start, limit).await?);
    }
    Ok(merge(pieces, limit))
}

fn place(line: &AuditLine) -> Place {
    (micros(line.at), line.sequence)
}

async fn place_of(conn: &mut Connection, sequence: i64) -> Result<Place, StoreError> {
    let row = Statement::new("SELECT at FROM audit WHERE sequence = $1").bind(sequence).fetch_optional(conn).await?;
    let row = row.ok_or_else(|| StoreError::Missing(format!("audit line {sequence}")))?;
    Ok((row.number("at")?, sequence))
}

/// A member is found by the person too, and the other way round: lines name the one or the other.
async fn targets(conn: &mut Connection, filter: &ActivityFilter) -> Result<Vec<String>, StoreError> {
    let Some(target) = &filter.target else { return Ok(Vec::new()) };
    let mut targets = vec![target.clone()];
    let found = Statement::new("SELECT id, person FROM member WHERE id = $1 UNION SELECT id, person FROM member WHERE person = $1")
        .bind(target)
        .fetch_all(conn)
        .await?;
    for row in &found {
        for id in [row.text("id")?, row.text("person")?] {
            if !targets.contains(&id) {
                targets.push(id);
            }
        }
    }
    Ok(targets)
}

fn choices<'a>(query: &'a ActivityQuery<'a>, targets: &'a [String]) -> Vec<Choice<'a>> {
    let organizations = std::iter::once(Some(query.organization)).chain(query.parent_level.then_some(None));
    let events = events(query);
    let targets = match &query.filter.actor {
        _ if !targets.is_empty() => targets.iter().map(|id| Target::This(id)).collect(),
        Some(actor) if ACTOR_IS_ANOTHER => vec![Target::This(actor), Target::AnotherThanTheActor],
        _ => vec![Target::Anybody],
    };
    let mut choices = Vec::new();
    for organization in organizations {
        for &event in &events {
            choices.extend(targets.iter().map(|&target| Choice { organization, event, target }));
        }
    }
    choices
}

/// The events that a filter by event and result allows; `None` stands for any.
fn events<'a>(query: &'a ActivityQuery<'a>) -> Vec<Option<&'a str>> {
    let filter = query.filter;
    let refusals_only = filter.result == Some(ActivityResult::Refused);
    let Some(wanted) = filter.event.as_deref() else {
        let refusals = query.events.iter().filter(|event| is_refusal(event)).map(|event| Some(*event));
        return if refusals_only { refusals.collect() } else { vec![None] };
    };
    let beginning = format!("{}.", wanted.trim_end_matches('.'));
    let mut events: Vec<&str> = query.events.iter().copied().filter(|event| event.starts_with(&beginning)).collect();
    if !wanted.ends_with('.') {
        events.push(wanted);
    }
    events.into_iter().filter(|event| !refusals_only || is_refusal(event)).map(Some).collect()
}

fn is_refusal(event: &str) -> bool {
    event.ends_with(".refused")
}

async fn read_piece(
    conn: &mut Connection,
    filter: &ActivityFilter,
    choice: Choice<'_>,
    start: Option<Place>,
    limit: i64,
) -> Result<Piece, StoreError> {
    let mut query = Statement::new(format!("SELECT {COLUMNS} FROM "));
    match filter.text.as_deref() {
        None => {
            query.push("audit WHERE ");
            push_conditions(&mut query, filter, choice, start);
        }
        Some(text) => {
            query.push(format!("(SELECT {COLUMNS} FROM audit WHERE "));
            push_conditions(&mut query, filter, choice, start);
            query.push(" ORDER BY at DESC, sequence DESC LIMIT ").push_bind(WINDOW);
            query.push(format!(") AS looked_at WHERE {WORDS} {LIKE_IN_ANY_CASE} ")).push_bind(anywhere(text)).push(" ESCAPE '!'");
            let folded = text.to_lowercase();
            if !text.is_ascii() && folded != text {
                // Not every database folds more than ASCII.
                query.push(format!(" OR {WORDS} {LIKE_IN_ANY_CASE} ")).push_bind(anywhere(&folded)).push(" ESCAPE '!'");
            }
        }
    }
    query.push(" ORDER BY at DESC, sequence DESC LIMIT ").push_bind(limit);
    let found = query.fetch_all(&mut *conn).await?;
    let lines = found.iter().map(rows::audit_line).collect::<Result<Vec<_>, _>>()?;
    let is_full = i64::try_from(lines.len()).is_ok_and(|count| count == limit);
    let looked_until = match lines.last() {
        Some(last) if is_full => Some(place(last)),
        _ if filter.text.is_some() => end_of_window(conn, filter, choice, start).await?,
        _ => None,
    };
    Ok(Piece { lines, looked_until })
}

/// Where the window of a search for text ends; `None`: with the log.
async fn end_of_window(
    conn: &mut Connection,
    filter: &ActivityFilter,
    choice: Choice<'_>,
    start: Option<Place>,
) -> Result<Option<Place>, StoreError> {
    let mut query = Statement::new("SELECT at, sequence FROM audit WHERE ");
    push_conditions(&mut query, filter, choice, start);
    query.push(" ORDER BY at DESC, sequence DESC LIMIT 1 OFFSET ").push_bind(WINDOW - 1);
    let row = query.fetch_optional(conn).await?;
    row.map(|row| Ok((row.number("at")?, row.number("sequence")?))).transpose()
}

fn push_conditions(query: &mut Statement, filter: &ActivityFilter, choice: Choice<'_>, start: Option<Place>) {
    match choice.organization {
        Some(organization) => query.push("organization = ").push_bind(organization.as_str().to_owned()),
        None => query.push("organization IS NULL"),
    };
    let target = match choice.target {
        Target::This(target) => Some(target.to_owned()),
        Target::Anybody | Target::AnotherThanTheActor => None,
    };
    // The rarest first.
    let texts = [
        ("incident", filter.incident.as_ref().map(IncidentId::to_string)),
        ("request", filter.request.clone()),
        ("target", target),
        ("actor", filter.actor.clone()),
        ("address", filter.address.clone()),
        ("reason", filter.reason.map(|reason| Reason::code(reason).to_owned())),
        ("event", choice.event.map(str::to_owned)),
        ("connection", filter.connection.as_ref().map(ToString::to_string)),
    ];
    let given = texts.into_iter().filter_map(|(column, value)| Some((column, value?)));
    for (place, (column, value)) in given.enumerate() {
        query.push(if place == 0 { format!(" AND {column} = ") } else { format!(" AND COALESCE({column}, '') = ") }).push_bind(value);
    }
    if matches!(choice.target, Target::AnotherThanTheActor) {
        // Word for word what the index says.
        query.push(" AND (target IS NULL OR target <> actor)");
    }
    if filter.result == Some(ActivityResult::Ok) {
        query.push(" AND event NOT LIKE '%.refused'");
    }
    if let Some(from) = filter.from {
        query.push(" AND at >= ").push_bind(micros(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND at < ").push_bind(micros(to));
    }
    if let Some((at, sequence)) = start {
        query.push(" AND (at, sequence) < (").push_bind(at).push(", ").push_bind(sequence).push(")");
    }
}

/// Only as far as every piece has looked is the page complete.
fn merge(pieces: Vec<Piece>, limit: i64) -> ActivityPage {
    let looked_until = pieces.iter().filter_map(|piece| piece.looked_until).max();
    let mut lines: Vec<AuditLine> = pieces.into_iter().flat_map(|piece| piece.lines).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(place(line)));
    lines.dedup_by_key(|line| line.sequence);
    if let Some(until) = looked_until {
        lines.retain(|line| place(line) >= until);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = if lines.len() > limit {
        lines.truncate(limit);
        lines.last().map(|line| line.sequence)
    } else {
        looked_until.map(|(_, sequence)| sequence)
    };
    ActivityPage { lines, next }
}

async fn name_people(conn: &mut Connection, ids: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
    const STATEMENTS: [(&str, &str); 2] = [
        ("per_", "SELECT id, name, email FROM person WHERE id IN ("),
        ("mem_", "SELECT member.id, name, email FROM member JOIN person ON person.id = member.person WHERE member.id IN ("),
    ];
    let mut names = BTreeMap::new();
    for (prefix, statement) in STATEMENTS {
        let of_kind: Vec<&String> = ids.iter().filter(|id| id.starts_with(prefix)).collect();
        for some in of_kind.chunks(IDS) {
            let mut query = Statement::new(statement);
            query.push_values(some.iter().map(|id| id.as_str())).push(")");
            for row in &query.fetch_all(&mut *conn).await? {
                if let Some(name) = row.maybe_text("name")?.or(row.maybe_text("email")?) {
                    names.insert(row.text("id")?, name);
                }
            }
        }
    }
    Ok(names)
}
