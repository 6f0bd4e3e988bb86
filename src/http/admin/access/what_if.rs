//! What would happen to somebody at a login, with the rules as they are saved. Nothing is written.

use axum::response::Response;

use super::form::Pairs;
use super::page;
use crate::admin::{AdminError, Answer, Hypothesis};
use crate::core::{Connection, ConnectionId, EmailAddress, GroupClaim, Identity};
use crate::doors::read_pasted;
use crate::http::admin::console::Console;
use crate::http::admin::parts::Told;
use crate::http::admin::trouble::{Trouble, as_sentence};
use crate::http::input::Posted;
use crate::http::views::View as _;

/// The box: what was asked, and the answer.
#[derive(Debug, Default)]
pub(super) struct WhatIf {
    /// Id, name, and whether it was chosen.
    pub(super) connections: Vec<(String, String, bool)>,
    pub(super) email: String,
    pub(super) groups: String,
    /// What a pasted message said, when one was pasted.
    pub(super) read: Option<Read>,
    pub(super) answer: Option<Told>,
    pub(super) problem: Option<String>,
}

/// What was read of a pasted message.
#[derive(Debug)]
pub(super) struct Read {
    /// Our word, and the value.
    pub(super) values: Vec<(&'static str, String)>,
    pub(super) groups: Vec<String>,
    /// What is said of groups that are not there.
    pub(super) no_groups: &'static str,
}

impl WhatIf {
    pub(super) fn empty(console: &Console) -> Self {
        let connections = console.settings.settings.connections.iter();
        Self { connections: connections.map(|c| (c.id.to_string(), c.name.clone(), false)).collect(), ..Self::default() }
    }
}

/// `POST /admin/{organization}/access/what-if`
pub(super) async fn answer(console: Console, Posted(pairs): Posted<Pairs>) -> Result<Response, Trouble> {
    let find = |name: &str| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.trim()).unwrap_or_default();
    let mut view = page::build(&console, page::draft(&console).await?).await?;
    let asked = &mut view.what_if;
    (asked.email, asked.groups) = (find("email").to_owned(), find("groups").to_owned());
    for connection in &mut asked.connections {
        connection.2 = connection.0 == find("connection");
    }
    let pasted = find("message");
    match ask(&console, find("connection"), find("email"), find("groups"), pasted).await {
        Ok(answer) => {
            asked.read = (!pasted.is_empty()).then(|| Read::of(&answer.identity));
            asked.answer = Some(Told::of(&answer.explanation));
        }
        Err(AdminError::Invalid(faults)) => {
            asked.problem = Some(faults.iter().map(|fault| as_sentence(&fault.message)).collect::<Vec<_>>().join(" "));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(view.respond())
}

/// A pasted message says everything; without one, the fields do.
async fn ask(console: &Console, connection: &str, email: &str, groups: &str, pasted: &str) -> Result<Answer, AdminError> {
    let connection = find_connection(console, connection)?;
    let hypothesis = if pasted.is_empty() {
        let email = if email.is_empty() {
            None
        } else {
            Some(EmailAddress::parse(email).map_err(|_| AdminError::invalid("email", "this is not a whole email address"))?)
        };
        // One a line: a group may have commas and blanks in its name.
        Hypothesis::Groups { connection: connection.id.clone(), email, groups: GroupClaim::from_values(groups.lines()) }
    } else {
        let unreadable = |why: String| AdminError::invalid("message", format!("the pasted text cannot be read: {why}"));
        Hypothesis::Pasted(read_pasted(connection, pasted).map_err(unreadable)?)
    };
    console.admin().what_if(&console.actor, hypothesis).await
}

fn find_connection<'c>(console: &'c Console, id: &str) -> Result<&'c Connection, AdminError> {
    let found = ConnectionId::parse(id).ok().and_then(|id| console.settings.settings.find_connection(&id));
    found.ok_or_else(|| AdminError::invalid("connection", "choose a connection"))
}

impl Read {
    fn of(identity: &Identity) -> Self {
        let missing = || "–".to_owned();
        let (groups, no_groups) = match &identity.groups {
            GroupClaim::Present(groups) => (groups.iter().cloned().collect(), ""),
            GroupClaim::Empty => (Vec::new(), "an empty list"),
            GroupClaim::Absent => (Vec::new(), "not there: check the name of the attribute or claim"),
            GroupClaim::Malformed => (Vec::new(), "not a list of texts"),
            GroupClaim::Overage => (Vec::new(), "too many to be sent"),
        };
        Self {
            values: vec![
                ("Subject", identity.subject.clone()),
                ("Email", identity.email.as_ref().map_or_else(missing, ToString::to_string)),
                ("Name", identity.name.clone().unwrap_or_else(missing)),
            ],
            groups,
            no_groups,
        }
    }
}
