//! Sessions: who is signed in, and the end of it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::confirm::Confirm;
use super::console::Console;
use super::frame::{Frame, Section};
use super::parts::{Pager, address, count};
use super::trouble::Trouble;
use crate::admin::{AdminError, SessionView};
use crate::app::App;
use crate::core::{ConnectionId, MemberId};
use crate::http::headers::ContentPolicy;
use crate::http::input::{Asked, Posted};
use crate::http::views::View;
use crate::session::{Ended, SessionKey};

/// Sessions on one page.
const PAGE: usize = 50;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/{organization}/sessions", get(show)).route("/admin/{organization}/sessions/end", post(end))
}

#[derive(Debug, Template)]
#[template(path = "admin/sessions.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    /// Only those of one member: the name.
    whose: Option<String>,
    member: String,
    connections: Vec<(String, String)>,
    done: Option<String>,
    pager: Pager,
    action: String,
}

#[derive(Debug)]
struct Row {
    view: SessionView,
    name: String,
    member_href: String,
    how: String,
    device: Option<String>,
    own: bool,
}

impl View for List {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    after: String,
    member: String,
    ended: String,
    streams: String,
}

/// `GET /admin/{organization}/sessions`
async fn show(console: Console, Asked(query): Asked<Query>) -> Result<Response, Trouble> {
    let admin = console.admin();
    let (views, next) = if let Ok(member) = MemberId::parse(&query.member) {
        (admin.list_sessions_of(&console.actor, member).await?, None)
    } else {
        let page = admin.list_sessions(&console.actor, query.after.parse().ok(), PAGE).await?;
        (page.sessions, page.next)
    };
    let rows: Vec<Row> = views.into_iter().map(|view| row(&console, view)).collect();
    let whose = (!query.member.is_empty()).then(|| rows.first().map_or_else(|| "this member".to_owned(), |row| row.name.clone()));
    let path = console.path("sessions");
    let next = next.map(|next| address(&path, &[("after", &next.to_string())]));
    let previous = (!query.after.is_empty()).then(|| path.clone());
    let connections = console.settings.settings.connections.iter();
    Ok(List {
        pager: Pager { range: count(rows.len(), "session", "sessions"), previous, next },
        connections: connections.map(|connection| (connection.id.to_string(), connection.name.clone())).collect(),
        done: said(&query),
        action: console.path("sessions/end"),
        frame: Frame::new(&console, Section::Sessions),
        member: query.member,
        rows,
        whose,
    }
    .respond())
}

fn row(console: &Console, view: SessionView) -> Row {
    let connections = &console.settings.settings.connections;
    let how = match &view.connection {
        Some(id) => connections.iter().find(|connection| &connection.id == id).map_or_else(|| id.to_string(), |found| found.name.clone()),
        None => "Recovery link".to_owned(),
    };
    Row {
        name: view.name.clone().filter(|name| !name.is_empty()).or_else(|| view.email.clone()).unwrap_or_else(|| view.person.to_string()),
        member_href: console.path(&format!("members/{}", view.member)),
        how,
        device: view.user_agent.as_deref().map(device),
        own: view.id == console.session.key,
        view,
    }
}

/// The sentence about what was just ended.
fn said(query: &Query) -> Option<String> {
    let which = match query.ended.as_str() {
        "one" => "The session has ended",
        "several" => "The sessions have ended",
        _ => return None,
    };
    Some(match query.streams.parse().unwrap_or_default() {
        0_u64 => format!("{which}."),
        streams => format!("{which}, {} closed.", count(streams, "open connection", "open connections")),
    })
}

/// What people call a browser and its system; the text itself stays in the title.
fn device(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| known.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    let browser = first(&[("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

/// Which sessions to end.
#[derive(Debug, Deserialize)]
struct End {
    #[serde(flatten)]
    which: Which,
    #[serde(default)]
    confirmed: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "which", rename_all = "lowercase")]
enum Which {
    One { session: SessionKey },
    Member { member: MemberId },
    Connection { connection: ConnectionId },
    All,
}

/// `POST /admin/{organization}/sessions/end`: one at once, unless it is one's own; several after a question.
async fn end(console: Console, Posted(End { which, confirmed }): Posted<End>) -> Result<Response, Trouble> {
    let asks = match &which {
        Which::One { session } => *session == console.session.key,
        Which::Member { .. } | Which::Connection { .. } | Which::All => true,
    };
    if asks && confirmed.is_empty() {
        return Ok(question(&console, &which).await?.respond());
    }
    let (admin, actor) = (console.admin(), &console.actor);
    let (ended, Ended { streams, .. }) = match &which {
        Which::One { session } => ("one", admin.end_session(actor, *session).await?),
        Which::Member { member } => ("several", admin.end_sessions_of(actor, *member).await?),
        Which::Connection { connection } => ("several", admin.end_sessions_through(actor, connection).await?),
        Which::All => ("several", admin.end_all_sessions(actor).await?),
    };
    let back = address(&console.path("sessions"), &[("ended", ended), ("streams", &streams.to_string())]);
    Ok(Redirect::to(&back).into_response())
}

async fn question(console: &Console, which: &Which) -> Result<Confirm, AdminError> {
    let out = "Whoever it was signs in again to come back, and stays a member.".to_owned();
    let field = |name: &str, value: String| vec![("which".to_owned(), name.to_owned()), (name.to_owned(), value)];
    let (headline, effect, fields) = match which {
        Which::One { session } => (
            "End your own session?".to_owned(),
            "You will be signed out here, and in the apps that you opened with it.".to_owned(),
            vec![("which".to_owned(), "one".to_owned()), ("session".to_owned(), session.to_string())],
        ),
        Which::Member { member } => {
            let sessions = console.admin().list_sessions_of(&console.actor, *member).await?;
            let name = sessions
                .first()
                .and_then(|view| view.name.clone().or_else(|| view.email.clone()))
                .unwrap_or_else(|| "this member".to_owned());
            let mine = sessions.iter().any(|view| view.id == console.session.key);
            let effect =
                format!("{} ends at once{}.", count(sessions.len(), "session", "sessions"), if mine { ", your own too" } else { "" });
            (format!("Sign {name} out everywhere?"), effect, field("member", member.to_string()))
        }
        Which::Connection { connection } => (
            "End every session that came through this connection?".to_owned(),
            format!("Everybody in {} who signed in through {connection} is signed out at once.", console.organization.name),
            field("connection", connection.to_string()),
        ),
        Which::All => (
            "End every session?".to_owned(),
            format!("Everybody in {} is signed out at once, you too.", console.organization.name),
            vec![("which".to_owned(), "all".to_owned())],
        ),
    };
    Ok(Confirm {
        frame: Frame::new(console, Section::Sessions).below("End sessions"),
        headline,
        effects: vec![effect, out],
        names: Vec::new(),
        action: console.path("sessions/end"),
        fields: fields.into_iter().chain([("confirmed".to_owned(), "yes".to_owned())]).collect(),
        typed: None,
        button: "End".to_owned(),
        danger: true,
        back: console.back.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_browser_is_called_as_people_call_it() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Linux");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1";
        assert_eq!(device(safari), "Safari on iPhone");
        assert_eq!(device("curl/8.11.0"), "curl/8.11.0");
    }
}
