//! Review, then save: every change of settings in the console goes through these two steps.
//!
//! - [`Edit`]: a change that somebody has in hand; kept for an hour beside the session, so that a review is an address that can be loaded again
//! - `page`: what the review says
//! - `stream`: the same while it is being made, for organizations where that takes seconds
//!
//! A page with a form makes an [`Edit`] of it and answers with [`begin`]; the rest happens here.

mod page;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::console::Console;
use super::trouble::Trouble;
use crate::admin::settings::{Confirmations, SettingsChange};
use crate::admin::{AdminError, Who};
use crate::app::App;
use crate::core::{ConnectionId, Organization};
use crate::http::input::Posted;
use crate::store::StoreError;

/// How long a change waits for its review.
const KEPT: Duration = Duration::from_hours(1);

/// A change that was not saved yet, and the page that it belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Edit {
    /// What is to be different.
    pub(super) what: What,
    /// The page, as the end of its address in the console: where "Back" and a save lead.
    pub(super) page: String,
}

/// What is to be different. Holds no secret, because it is kept outside of the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Mode, mappings, policy, branding: the organization as it is to be.
    Organization(Box<Organization>),
    /// A connection is turned on or off.
    Switch { connection: ConnectionId, enabled: bool },
    /// A save is taken back.
    Undo { revision: i64 },
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/review", get(stream::show))
        .route("/admin/{organization}/review/save", get(again).post(save))
        .route("/admin/{organization}/review/discard", post(discard))
}

/// Keeps the edit and leads to its review.
pub(super) async fn begin(console: &Console, edit: &Edit) -> Result<Response, Trouble> {
    let bytes = serde_json::to_vec(edit).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    console.app.ephemeral.put(&key(console), bytes.into(), KEPT).await?;
    Ok(Redirect::to(&console.path("review")).into_response())
}

/// The edit that this administrator has in hand. One that another version of Usher kept counts as none.
pub(super) async fn find(console: &Console) -> Result<Option<Edit>, Trouble> {
    let kept = console.app.ephemeral.find(&key(console)).await?;
    Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn key(console: &Console) -> String {
    format!("console-edit:{}:{}", console.organization.id, console.session.person)
}

impl Edit {
    /// As the use case wants it.
    fn change(&self, console: &Console) -> Result<SettingsChange, AdminError> {
        Ok(match &self.what {
            What::Organization(organization) => SettingsChange::Organization(organization.clone()),
            What::Switch { connection, enabled } => {
                let found = console.settings.settings.find_connection(connection).ok_or(AdminError::NoSuch("connection"))?;
                let mut connection = found.clone();
                connection.enabled = *enabled;
                SettingsChange::Connection(Box::new(connection))
            }
            What::Undo { revision } => SettingsChange::Undo { revision: *revision },
        })
    }

    /// What the headline says.
    fn headline(&self, console: &Console) -> String {
        match &self.what {
            What::Organization(_) => "Review your changes".to_owned(),
            What::Switch { connection, enabled } => {
                let found = console.settings.settings.find_connection(connection);
                let name = found.map_or_else(|| connection.to_string(), |found| found.name.clone());
                format!("Turn {} {name}", if *enabled { "on" } else { "off" })
            }
            What::Undo { .. } => "Undo the last save".to_owned(),
        }
    }
}

/// What was typed on the review page.
#[derive(Debug, Deserialize)]
struct Typed {
    review: String,
    organization_name: Option<String>,
    lose_access: Option<String>,
    apply_now: Option<String>,
}

impl Typed {
    fn confirmations(&self) -> Confirmations {
        Confirmations {
            organization_name: self.organization_name.clone().filter(|text| !text.trim().is_empty()),
            lose_access: self.lose_access.as_deref().and_then(|text| text.trim().parse().ok()),
            apply_now: self.apply_now.is_some(),
        }
    }
}

/// `GET /admin/{organization}/review/save`: where a reload after a refusal comes to.
async fn again(console: Console) -> Redirect {
    Redirect::to(&console.path("review"))
}

/// `POST /admin/{organization}/review/save`
async fn save(State(app): State<Arc<App>>, console: Console, Posted(typed): Posted<Typed>) -> Result<Response, Trouble> {
    let Some(edit) = find(&console).await? else { return Err(AdminError::Stale.into()) };
    let change = edit.change(&console)?;
    let saved = console.admin().save_settings(&console.actor, &change, &typed.review, &typed.confirmations(), &|_| ()).await;
    match saved {
        Ok(_) => {
            app.refresh(false).await?;
            app.ephemeral.delete(&key(&console)).await?;
            Ok(Redirect::to(&format!("{}?saved=true", console.path(&edit.page))).into_response())
        }
        Err(AdminError::ReviewChanged(review)) => Ok(page::respond(&console, &edit, &review, Some(page::Notice::Changed))),
        // A slip of the pen: the same review once more, with what was wrong.
        Err(AdminError::Refused { code: "confirm_organization_name" | "confirm_lose_access" | "lockout_saver", sentence }) => {
            let review = console.admin().review_settings(&console.actor, &change, &|_| ()).await?;
            Ok(page::respond(&console, &edit, &review, Some(page::Notice::Typed(sentence))))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/{organization}/review/discard`
async fn discard(State(app): State<Arc<App>>, console: Console) -> Result<Response, Trouble> {
    let page = find(&console).await?.map(|edit| edit.page).unwrap_or_default();
    app.ephemeral.delete(&key(&console)).await?;
    Ok(Redirect::to(&console.path(&page)).into_response())
}

/// Whether the danger zone is open to this administrator now.
fn is_fresh(console: &Console) -> bool {
    matches!(console.actor.who, Who::Person { fresh: true, .. })
}
