//! Requests: who was refused and waits for an administrator, and the answer.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::confirm::Confirm;
use super::console::Console;
use super::frame::{Frame, Section};
use super::parts::address;
use super::trouble::{Trouble, as_sentence};
use crate::admin::{AdminError, NOTE_MAX, RequestView, Who};
use crate::app::App;
use crate::core::provision::SeatCount;
use crate::core::{DecisionId, MemberId, Reason, Role, SeatTier};
use crate::http::headers::ContentPolicy;
use crate::http::input::{Asked, Posted};
use crate::http::views::View;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/requests", get(show))
        .route("/admin/{organization}/requests/{request}/approve", post(approve))
        .route("/admin/{organization}/requests/{request}/decline", post(decline))
        .route("/admin/{organization}/requests/{request}/block", post(block))
}

#[derive(Debug, Template)]
#[template(path = "admin/requests.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    seats: Vec<SeatCount>,
    /// What was just done.
    done: Option<Done>,
    note_max: usize,
    path: String,
    seats_href: String,
}

/// One request.
#[derive(Debug)]
struct Row {
    view: RequestView,
    name: String,
    /// The connection as people know it.
    through: String,
    why: String,
    /// Roles that this administrator may give, and whether each fits.
    roles: Vec<(String, bool)>,
    /// Value, label and whether it fits; empty where seats are not counted.
    seats: Vec<(String, String, bool)>,
}

impl Row {
    /// Whether it is the waiting list: the rules say yes, and no seat is free.
    fn waits_for_a_seat(&self) -> bool {
        self.view.reason == Reason::NoSeatsLeft
    }
}

/// What was just done, and what the administrator should know about it.
#[derive(Debug)]
struct Done {
    says: String,
    /// The member that it made.
    member: Option<String>,
    /// What holds it against the groups.
    pinned: Option<String>,
}

impl View for Page {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    approved: String,
    done: String,
}

/// `GET /admin/{organization}/requests`
async fn show(console: Console, Asked(query): Asked<Query>) -> Result<Response, Trouble> {
    let list = console.admin().list_requests(&console.actor).await?;
    Ok(Page {
        rows: list.requests.into_iter().map(|view| row(&console, view, &list.seats)).collect(),
        seats: list.seats,
        done: done(&console, &query).await?,
        note_max: NOTE_MAX,
        path: console.path("requests"),
        seats_href: console.path("seats"),
        frame: Frame::new(&console, Section::Requests),
    }
    .respond())
}

fn row(console: &Console, view: RequestView, seats: &[SeatCount]) -> Row {
    let connection = console.settings.settings.find_connection(&view.connection);
    let email = view.email.as_ref().map(ToString::to_string);
    let free = |count: &SeatCount| {
        let label = match count.free() {
            0 => format!("{} (none free)", count.tier),
            free => format!("{} ({free} free)", count.tier),
        };
        (format!("tier:{}", count.tier), label, view.suggested_tier.as_ref() == Some(&count.tier))
    };
    let no_seat = ("none".to_owned(), "No seat".to_owned(), view.suggested_tier.is_none());
    Row {
        name: view.name.clone().filter(|name| !name.trim().is_empty()).or(email).unwrap_or_else(|| "Somebody without a name".to_owned()),
        through: connection.map_or_else(|| view.connection.to_string(), |connection| connection.name.clone()),
        why: as_sentence(view.reason.for_admin()),
        roles: roles_to_give(console, &view.suggested_role),
        seats: if seats.is_empty() { Vec::new() } else { seats.iter().map(free).chain([no_seat]).collect() },
        view,
    }
}

/// Nobody gives a role above their own, so none is offered (R12).
fn roles_to_give(console: &Console, fits: &Role) -> Vec<(String, bool)> {
    let organization = &console.organization;
    let own = match &console.actor.who {
        Who::Person { role, .. } => organization.role_rank(role).unwrap_or(0),
        Who::Token { .. } | Who::Operator => 0,
    };
    organization.roles.iter().skip(own).map(|role| (role.to_string(), role == fits)).collect()
}

async fn done(console: &Console, query: &Query) -> Result<Option<Done>, Trouble> {
    let says = |says: &str| Some(Done { says: says.to_owned(), member: None, pinned: None });
    let Ok(id) = MemberId::parse(&query.approved) else {
        return Ok(match query.done.as_str() {
            "declined" => says("Declined. It is said at the next try, with your note, and stands for 30 days."),
            "blocked" => says("Blocked, until somebody unblocks them on their page under Members."),
            _ => None,
        });
    };
    let row = console.app.store.find_member_by_id(&console.organization.id, id).await?;
    Ok(row.map(|row| Done {
        says: format!("{} is a member now, as {}. Tell them to sign in again.", row.name(), row.member.role),
        member: Some(console.path(&format!("members/{id}"))),
        pinned: row.member.pin.map(|pin| pin.ends_at.strftime("%-d %b %Y").to_string()),
    }))
}

/// Which request an address is about.
#[derive(Deserialize)]
struct Address {
    request: String,
}

impl Address {
    fn id(&self) -> Result<DecisionId, AdminError> {
        DecisionId::parse(&self.request).map_err(|_| AdminError::NoSuch("request"))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Yes {
    role: String,
    seat: String,
}

/// `POST …/requests/{request}/approve`
async fn approve(console: Console, Path(address_of): Path<Address>, Posted(yes): Posted<Yes>) -> Result<Response, Trouble> {
    let seat = yes.seat.strip_prefix("tier:").map(SeatTier::new);
    let approved = console.admin().approve_request(&console.actor, address_of.id()?, &Role::new(yes.role), seat.as_ref()).await?;
    let back = address(&console.path("requests"), &[("approved", &approved.row.member.id.to_string())]);
    Ok(Redirect::to(&back).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct No {
    note: String,
}

/// `POST …/requests/{request}/decline`
async fn decline(console: Console, Path(address_of): Path<Address>, Posted(no): Posted<No>) -> Result<Response, Trouble> {
    console.admin().decline_request(&console.actor, address_of.id()?, Some(&no.note)).await?;
    Ok(Redirect::to(&address(&console.path("requests"), &[("done", "declined")])).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Never {
    confirmed: String,
}

/// `POST …/requests/{request}/block`: after a question.
async fn block(console: Console, Path(address_of): Path<Address>, Posted(never): Posted<Never>) -> Result<Response, Trouble> {
    let id = address_of.id()?;
    let path = console.path("requests");
    if !never.confirmed.is_empty() {
        console.admin().block_request(&console.actor, id).await?;
        return Ok(Redirect::to(&address(&path, &[("done", "blocked")])).into_response());
    }
    let list = console.admin().list_requests(&console.actor).await?;
    let view = list.requests.into_iter().find(|view| view.id == id).ok_or(AdminError::NoSuch("request"))?;
    let name = row(&console, view, &[]).name;
    Ok(Confirm {
        headline: format!("Block {name}?"),
        effects: vec!["They cannot come in, whatever their groups say, until somebody unblocks them under Members.".to_owned()],
        names: Vec::new(),
        action: format!("{path}/{id}/block"),
        fields: vec![("confirmed".to_owned(), "yes".to_owned())],
        typed: None,
        button: "Block".to_owned(),
        danger: true,
        frame: Frame::new(&console, Section::Requests).below(name),
        back: path,
    }
    .respond())
}
