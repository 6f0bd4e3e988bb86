//! What would happen to somebody at a login, with the rules as they are saved. Nothing is written.

use axum::response::Response;

use super::form::Pairs;
use super::page;
use crate::admin::{AdminError, Hypothesis};
use crate::core::{ConnectionId, EmailAddress, Explanation, GroupClaim};
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
    pub(super) answer: Option<Told>,
    pub(super) problem: Option<String>,
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
    match ask(&console, find("connection"), find("email"), find("groups")).await {
        Ok(explanation) => asked.answer = Some(Told::of(&explanation)),
        Err(AdminError::Invalid(faults)) => {
            asked.problem = Some(faults.iter().map(|fault| as_sentence(&fault.message)).collect::<Vec<_>>().join(" "));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(view.respond())
}

async fn ask(console: &Console, connection: &str, email: &str, groups: &str) -> Result<Explanation, AdminError> {
    let connection = ConnectionId::parse(connection).map_err(|_| AdminError::invalid("connection", "choose a connection"))?;
    let email = if email.is_empty() {
        None
    } else {
        Some(EmailAddress::parse(email).map_err(|_| AdminError::invalid("email", "this is not a whole email address"))?)
    };
    // One a line: a group may have commas and blanks in its name.
    let groups = GroupClaim::from_values(groups.lines());
    let answer = console.admin().what_if(&console.actor, Hypothesis::Groups { connection, email, groups }).await?;
    Ok(answer.explanation)
}
