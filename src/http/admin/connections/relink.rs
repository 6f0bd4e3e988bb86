//! The relink window of a connection, and a look ahead at who would be found in it (rows 50, 51).

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Address;
use crate::admin::{AdminError, Fault};
use crate::app::App;
use crate::core::switch::Preflight;
use crate::core::{Connection, ConnectionId, EmailAddress};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::Select;
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::input::Posted;
use crate::http::views::View;
use crate::store::MemberRow;

/// People that one list names; the rest are counted.
const NAMED: usize = 100;
/// Addresses that are compared at once.
const MAX_ADDRESSES: usize = 100_000;
/// How long a window may be opened for, in hours (row 50).
const HOURS: [i64; 4] = [1, 8, 24, 72];

#[derive(Debug, Template)]
#[template(path = "admin/connections/relink.html")]
struct Page {
    frame: Frame,
    name: String,
    open_until: Option<Timestamp>,
    hours: Select,
    /// The other connections, whose people could move here.
    from: Option<Select>,
    /// Addresses at the new provider, as they were typed.
    there: String,
    lists: Option<Vec<List>>,
    faults: Vec<Fault>,
    path: String,
}

/// People to whom the same would happen.
#[derive(Debug)]
struct List {
    title: &'static str,
    says: &'static str,
    total: usize,
    people: Vec<Person>,
}

#[derive(Debug)]
struct Person {
    name: String,
    email: Option<String>,
    href: String,
}

impl List {
    fn more(&self) -> usize {
        self.total - self.people.len()
    }
}

impl View for Page {
    fn status(&self) -> StatusCode {
        if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET /admin/{organization}/connections/{connection}/relink`
pub(super) async fn show(State(app): State<Arc<App>>, console: Console, Path(address): Path<Address>) -> Result<Response, Trouble> {
    Ok(page(&app, &console, address.find(&console)?).await?.respond())
}

async fn page(app: &App, console: &Console, connection: &Connection) -> Result<Page, Trouble> {
    let state = app.store.find_connection_state(&console.organization.id, &connection.id).await?;
    let others: Vec<(String, String)> = console
        .settings
        .settings
        .connections
        .iter()
        .filter(|other| other.id != connection.id)
        .map(|other| (other.id.to_string(), other.name.clone()))
        .collect();
    let hours = HOURS.map(|hours| (hours.to_string(), if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") }));
    let path = console.path(&format!("connections/{}", connection.id));
    Ok(Page {
        frame: Frame::new(console, Section::Connections).below_link(&connection.name, path.clone()).below("People who move"),
        name: connection.name.clone(),
        open_until: state.relink_open_until.filter(|until| console.now < *until),
        hours: Select::new("hours", "For", hours, "8"),
        from: (!others.is_empty()).then(|| Select::new("from", "Signed in so far through", others, "")),
        there: String::new(),
        lists: None,
        faults: Vec::new(),
        path: format!("{path}/relink"),
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    act: Act,
    hours: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    Open,
    Close,
}

/// `POST /admin/{organization}/connections/{connection}/relink`: the window is opened, moved or closed.
pub(super) async fn window(
    console: Console,
    Path(address): Path<Address>,
    Posted(Wish { act, hours }): Posted<Wish>,
) -> Result<Response, Trouble> {
    let connection = address.find(&console)?;
    let admin = console.admin();
    match act {
        Act::Open => {
            let hours = hours.filter(|hours| HOURS.contains(hours)).ok_or_else(|| AdminError::invalid("hours", "choose for how long"))?;
            let until = console.now.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(console.now);
            admin.open_relink_window(&console.actor, &connection.id, until).await?;
        }
        Act::Close => admin.close_relink_window(&console.actor, &connection.id).await?,
    }
    Ok(Redirect::to(&console.path(&format!("connections/{}/relink", connection.id))).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct Question {
    from: String,
    #[serde(default)]
    there: String,
}

/// `POST /admin/{organization}/connections/{connection}/relink/preflight`: who would be found. Nothing is written.
pub(super) async fn preflight(
    State(app): State<Arc<App>>,
    console: Console,
    Path(address): Path<Address>,
    Posted(asked): Posted<Question>,
) -> Result<Response, Trouble> {
    let connection = address.find(&console)?;
    let from = ConnectionId::parse(&asked.from).map_err(|_| AdminError::NoSuch("connection"))?;
    let mut page = page(&app, &console, connection).await?;
    match addresses(&asked.there) {
        Ok(there) => {
            let found = console.admin().preflight_switch(&console.actor, &from, &connection.id, there.as_deref()).await?;
            page.lists = Some(lists(&console, found));
        }
        Err(fault) => page.faults.push(fault),
    }
    page.there = asked.there;
    for choice in page.from.iter_mut().flat_map(|select| &mut select.choices) {
        choice.chosen = choice.value == asked.from;
    }
    Ok(page.respond())
}

/// One a line, or parted by commas; `None` when nothing was typed.
fn addresses(text: &str) -> Result<Option<Vec<EmailAddress>>, Fault> {
    let fault = |message: String| Fault { field: "there".to_owned(), message };
    let parts: Vec<&str> = text.split(['\n', '\r', ',', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > MAX_ADDRESSES {
        return Err(fault(format!("These are more than {MAX_ADDRESSES} addresses.")));
    }
    let parse = |part: &str| EmailAddress::parse(part).map_err(|_| fault(format!("“{}” is no email address.", shortened(part))));
    let parsed = parts.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    Ok((!parsed.is_empty()).then_some(parsed))
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

fn lists(console: &Console, found: Preflight) -> Vec<List> {
    let person = |row: MemberRow| Person {
        name: row.name(),
        email: row.person.email.as_ref().filter(|_| row.person.name.is_some()).map(ToString::to_string),
        href: console.path(&format!("members/{}", row.member.id)),
    };
    let list = |title, says, rows: Vec<MemberRow>| List {
        title,
        says,
        total: rows.len(),
        people: rows.into_iter().take(NAMED).map(person).collect(),
    };
    vec![
        list("Unmatched", "No address, or one that this connection does not take or know: they would be strangers here.", found.unmatched),
        list("Duplicate", "The address belongs to several people: none of them would be chosen.", found.duplicate),
        list(
            "Differs in case only",
            "The same address, spelled in another case. Usher takes it as the same; other apps may not.",
            found.case_only,
        ),
        list("Ready", "Would be found by their address, or signed in here already.", found.ready),
    ]
}
