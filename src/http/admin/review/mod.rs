//! Review, then save: every change of settings in the console goes through these two steps.
//!
//! - [`Edit`]: a change that somebody has in hand; kept for an hour beside the session, so that a review is an address that can be loaded again
//! - `changes`: what is different; `page`: what the review says
//! - `rebase`: a change that somebody else's save overtook
//! - `stream`: the same while it is being made, for organizations where that takes seconds
//!
//! A page with a form makes an [`Edit`] of it and answers with [`begin`]; the rest happens here.

mod changes;
mod page;
mod rebase;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use self::changes::{Change, changes};
use self::rebase::rebase;
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
/// How far back the save is looked for that somebody takes back.
const SAVES: u32 = 30;

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

/// An edit, and the organization that it was made from.
#[derive(Serialize, Deserialize)]
struct Kept {
    edit: Edit,
    base: Organization,
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/review", get(stream::show))
        .route("/admin/{organization}/review/save", get(again).post(save))
        .route("/admin/{organization}/review/discard", post(discard))
}

/// Keeps the edit and leads to its review.
pub(super) async fn begin(console: &Console, edit: &Edit) -> Result<Response, Trouble> {
    let kept = Kept { edit: edit.clone(), base: console.organization.clone() };
    let bytes = serde_json::to_vec(&kept).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    console.app.ephemeral.put(&key(console), bytes.into(), KEPT).await?;
    Ok(Redirect::to(&console.path("review")).into_response())
}

/// The edit that this administrator has in hand, as it would be made to the settings of now. One that another version of Usher kept counts as none.
pub(super) async fn find(console: &Console) -> Result<Option<Edit>, Trouble> {
    let kept = console.app.ephemeral.find(&key(console)).await?;
    let Some(Kept { mut edit, base }) = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()) else { return Ok(None) };
    if let What::Organization(wanted) = &mut edit.what {
        **wanted = rebase(&base, wanted, &console.organization).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    }
    Ok(Some(edit))
}

/// An edit that is shown, and what it makes different.
#[derive(Debug)]
struct InHand {
    edit: Edit,
    changes: Vec<Change>,
}

async fn in_hand(console: &Console) -> Result<Option<InHand>, Trouble> {
    let Some(edit) = find(console).await? else { return Ok(None) };
    let changes = match &edit.what {
        What::Organization(wanted) => changes(&console.organization, wanted),
        What::Undo { revision } => {
            let saves = console.app.store.list_replaced_settings(SAVES).await?;
            let replaced = saves.iter().find(|save| save.revision == *revision);
            let before = replaced.and_then(|save| save.settings.find_organization(&console.organization.id));
            before.map(|before| changes(&console.organization, before)).unwrap_or_default()
        }
        What::Switch { .. } => Vec::new(),
    };
    Ok(Some(InHand { edit, changes }))
}

fn key(console: &Console) -> String {
    format!("console-edit:{}:{}", console.organization.id, console.session.person)
}

impl Edit {
    /// As the use case wants it.
    fn change(&self) -> SettingsChange {
        match &self.what {
            What::Organization(organization) => SettingsChange::Organization(organization.clone()),
            What::Switch { connection, enabled } => SettingsChange::Switch { connection: connection.clone(), enabled: *enabled },
            What::Undo { revision } => SettingsChange::Undo { revision: *revision },
        }
    }

    /// Whether it needs a fresh sign-in whatever its review says.
    const fn is_dangerous(&self) -> bool {
        matches!(self.what, What::Switch { .. })
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
    let Some(in_hand) = in_hand(&console).await? else { return Err(AdminError::Stale.into()) };
    if in_hand.edit.is_dangerous() {
        console.actor.need_fresh()?;
    }
    let change = in_hand.edit.change();
    let saved = console.admin().save_settings(&console.actor, &change, &typed.review, &typed.confirmations(), &|_| ()).await;
    match saved {
        Ok(_) => {
            app.refresh(false).await?;
            app.ephemeral.delete(&key(&console)).await?;
            Ok(Redirect::to(&format!("{}?saved=true", console.path(&in_hand.edit.page))).into_response())
        }
        Err(AdminError::ReviewChanged(review)) => Ok(page::respond(&console, &in_hand, &review, Some(page::Notice::Changed))),
        // A slip of the pen: the same review once more, with what was wrong.
        Err(AdminError::Refused { code: "confirm_organization_name" | "confirm_lose_access" | "lockout_saver", sentence }) => {
            let review = console.admin().review_settings(&console.actor, &change, &|_| ()).await?;
            Ok(page::respond(&console, &in_hand, &review, Some(page::Notice::Typed(sentence))))
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
