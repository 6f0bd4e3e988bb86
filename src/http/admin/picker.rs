//! `/admin`: straight into the only organization that somebody administers, else the choice.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use tower_sessions::Session as CookieSession;

use super::console::{console_path, find_administrator, sign_in};
use crate::app::App;
use crate::http::login::enter::signed_in;
use crate::http::problem::Problem;
use crate::http::views::{Icon, Link, Page, View};

/// Which organization?
#[derive(Debug, Template)]
#[template(path = "admin/picker.html")]
struct Picker<'a> {
    page: Page<'a>,
    organizations: &'a [Link<'a>],
}

impl View for Picker<'_> {}

/// `GET /admin`
pub(super) async fn show(State(app): State<Arc<App>>, session: CookieSession) -> Result<Response, Problem> {
    let Some(record) = signed_in(&app, &session).await? else { return Ok(sign_in(&app, "/admin", false, false)) };
    let settings = app.store.find_settings().await?.ok_or(Problem::NotFound)?.settings;
    let mut administered = Vec::new();
    for organization in &settings.organizations {
        if find_administrator(&app, organization, &record).await?.is_some() {
            administered.push((organization.name.as_str(), console_path(&organization.id, "")));
        }
    }
    match administered.as_slice() {
        [] => Err(Problem::NotFound),
        [(_, href)] => Ok(Redirect::to(href).into_response()),
        several => {
            let links: Vec<Link<'_>> = several.iter().map(|(label, href)| Link { label, href }).collect();
            let brand = app.default_brand();
            Ok(Picker { page: Page::of(&brand), organizations: &links }.respond())
        }
    }
}
