//! API tokens: made for a program, shown once, ended here.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::Deserialize;
use strum::IntoEnumIterator as _;

use super::confirm::Confirm;
use super::console::Console;
use super::frame::{Frame, Section};
use super::parts::{Badge, Pager, Select, Tone, address, count};
use super::trouble::{Trouble, in_words};
use crate::admin::{AdminError, Fault, Permission, Token, TokenState, TokenWish};
use crate::app::App;
use crate::core::{Secret, TokenId};
use crate::http::headers::ContentPolicy;
use crate::http::input::{Asked, Posted};
use crate::http::views::View;

/// Tokens on one page.
const PAGE: u32 = 50;
/// How long a token may be made for, in days.
const LIVES: [(i64, &str); 4] = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year")];

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/tokens", get(show).post(create))
        .route("/admin/{organization}/tokens/{token}/revoke", post(revoke))
}

#[derive(Debug, Template)]
#[template(path = "admin/tokens.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    pager: Pager,
    scopes: Vec<Scope>,
    life: Select,
    name: String,
    faults: Vec<Fault>,
    /// The new one: its name and its text, which nobody sees again.
    issued: Option<(String, Secret)>,
    fresh: bool,
    path: String,
}

#[derive(Debug)]
struct Row {
    token: Token,
    badge: Badge,
    owner: String,
    revoke: Option<String>,
}

#[derive(Debug)]
struct Scope {
    name: String,
    words: &'static str,
    chosen: bool,
}

impl View for Page {
    fn status(&self) -> StatusCode {
        if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    after: String,
}

/// `GET /admin/{organization}/tokens`
async fn show(console: Console, Asked(query): Asked<Query>) -> Result<Response, Trouble> {
    Ok(page(&console, &query.after, &Form::default()).await?.respond())
}

async fn page(console: &Console, after: &str, form: &Form) -> Result<Page, AdminError> {
    let tokens = console.admin().list_tokens(&console.actor, TokenId::parse(after).ok(), PAGE + 1).await?;
    let fits = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let (path, more) = (console.path("tokens"), tokens.len() > fits);
    let rows: Vec<Row> = tokens.into_iter().take(fits).map(|token| row(console, token)).collect();
    let last = rows.last().map(|row| row.token.row.id.to_string()).unwrap_or_default();
    Ok(Page {
        pager: Pager {
            range: count(rows.len(), "token", "tokens"),
            previous: (!after.is_empty()).then(|| path.clone()),
            next: more.then(|| address(&path, &[("after", &last)])),
        },
        scopes: Permission::iter()
            .map(|scope| Scope { name: scope.to_string(), words: in_words(scope), chosen: form.scopes.contains(&scope.to_string()) })
            .collect(),
        life: Select::new(
            "days",
            "Lasts",
            LIVES.map(|(days, label)| (days.to_string(), label)),
            if form.days.is_empty() { "30" } else { &form.days },
        ),
        name: form.name.clone(),
        faults: Vec::new(),
        issued: None,
        fresh: console.actor.need_fresh().is_ok(),
        frame: Frame::new(console, Section::Tokens),
        rows,
        path,
    })
}

fn row(console: &Console, token: Token) -> Row {
    let (tone, text) = match token.state {
        TokenState::Active => (Tone::Good, "Counts"),
        TokenState::Expired => (Tone::Plain, "Expired"),
        TokenState::Revoked => (Tone::Plain, "Revoked"),
        TokenState::OwnerLeft => (Tone::Bad, "Owner left"),
    };
    let owner = &token.row.owner;
    Row {
        badge: Badge::new(tone, text),
        owner: owner.name.clone().or_else(|| owner.email.clone()).unwrap_or_else(|| owner.person.to_string()),
        revoke: token.row.revoked_at.is_none().then(|| console.path(&format!("tokens/{}/revoke", token.row.id))),
        token,
    }
}

#[derive(Debug, Default)]
struct Form {
    name: String,
    days: String,
    scopes: BTreeSet<String>,
}

/// `POST /admin/{organization}/tokens`. The answer is the page itself: an address that showed the token could be opened twice.
async fn create(console: Console, Posted(fields): Posted<Vec<(String, String)>>) -> Result<Response, Trouble> {
    let mut form = Form::default();
    for (field, value) in fields {
        match field.as_str() {
            "name" => form.name = value,
            "days" => form.days = value,
            "scopes" => drop(form.scopes.insert(value)),
            _ => {}
        }
    }
    let days: i64 = form.days.parse().ok().filter(|days| (1..=365).contains(days)).unwrap_or(30);
    let wish = TokenWish {
        name: form.name.clone(),
        scopes: form.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
        expires_at: console.now.saturating_add(SignedDuration::from_hours(days * 24)).unwrap_or(console.now),
        owner: None,
    };
    match console.admin().create_token(&console.actor, wish).await {
        Ok(issued) => {
            let mut page = page(&console, "", &Form::default()).await?;
            page.issued = Some((issued.token.row.name, issued.secret));
            Ok(page.respond())
        }
        Err(AdminError::Invalid(faults)) => {
            let mut page = page(&console, "", &form).await?;
            page.faults = faults;
            Ok(page.respond())
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Revoke {
    confirmed: String,
}

/// `POST /admin/{organization}/tokens/{token}/revoke`
async fn revoke(
    console: Console,
    axum::extract::Path((_, token)): axum::extract::Path<(String, String)>,
    Posted(Revoke { confirmed }): Posted<Revoke>,
) -> Result<Response, Trouble> {
    let id = TokenId::parse(&token).map_err(|_| AdminError::NoSuch("token"))?;
    if !confirmed.is_empty() {
        console.admin().revoke_token(&console.actor, id).await?;
        return Ok(Redirect::to(&console.path("tokens")).into_response());
    }
    let token = console.admin().find_token(&console.actor, id).await?;
    let used = token
        .row
        .last_used_at
        .map_or_else(|| "It was never used.".to_owned(), |at| format!("It was last used on {}.", at.strftime("%-d %b %Y, %H:%M UTC")));
    Ok(Confirm {
        frame: Frame::new(&console, Section::Tokens).below(token.row.name.clone()),
        headline: format!("Revoke “{}”?", token.row.name),
        effects: vec!["Whatever uses it is refused from the next request on. A revoked token never counts again.".to_owned(), used],
        names: Vec::new(),
        action: console.path(&format!("tokens/{id}/revoke")),
        fields: vec![("confirmed".to_owned(), "yes".to_owned())],
        typed: None,
        button: "Revoke".to_owned(),
        danger: true,
        back: console.path("tokens"),
    }
    .respond())
}
