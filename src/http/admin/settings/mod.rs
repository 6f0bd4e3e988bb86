//! Settings of the organization: how its pages look, who may come in how, and how long things last.
//!
//! - `looks`: name, support contact, colour, logo
//! - `policy`: sign-in, sessions, and the times of the rules
//!
//! Both forms only make a change; what it means and whether it is saved is said by `review`.

mod looks;
mod policy;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::console::Console;
use super::frame::{Frame, Section};
use super::trouble::Trouble;
use crate::admin::Fault;
use crate::app::App;
use crate::core::Organization;
use crate::http::headers::ContentPolicy;
use crate::http::views::View;
use looks::Looks;
use policy::PolicyForm;

/// Where a review leads back to.
const PAGE: &str = "settings";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/settings", get(show).post(looks::edit))
        .route("/admin/{organization}/settings/policy", get(again).post(policy::edit))
}

#[derive(Debug, Template)]
#[template(path = "admin/settings.html")]
struct Page {
    frame: Frame,
    saved: bool,
    faults: Vec<Fault>,
    looks: Looks,
    policy: PolicyForm,
}

impl View for Page {
    fn status(&self) -> StatusCode {
        if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    saved: bool,
}

/// `GET /admin/{organization}/settings`
async fn show(console: Console, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    let mut page = page(&console, &console.organization).await?;
    page.saved = asked.saved;
    Ok(page.respond())
}

/// `GET /admin/{organization}/settings/policy`: where a reload after a fault comes to.
async fn again(console: Console) -> Response {
    Redirect::to(&console.path(PAGE)).into_response()
}

/// The page with the organization as it is, or as it is to be.
async fn page(console: &Console, organization: &Organization) -> Result<Page, Trouble> {
    let proof = console.app.store.find_sso_proof(&console.organization.id).await?;
    Ok(Page {
        frame: Frame::new(console, Section::Settings),
        saved: false,
        faults: Vec::new(),
        looks: Looks::of(organization),
        policy: PolicyForm::of(console, organization, proof),
    })
}

fn fault(field: &str, message: impl Into<String>) -> Fault {
    Fault { field: field.to_owned(), message: message.into() }
}
