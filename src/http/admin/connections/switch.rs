//! A connection is turned on or off, after a review.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

use super::Address;
use crate::admin::AdminError;
use crate::app::App;
use crate::core::Connection;
use crate::http::admin::console::Console;
use crate::http::admin::review::{self, Edit, What};
use crate::http::admin::trouble::Trouble;
use crate::http::input::Posted;
use crate::http::login::test::{self, TestResult};

/// Whether a connection that is off may be turned on: somebody came in through it before, or it was tried within the last day and worked.
pub(super) async fn is_proven(app: &App, console: &Console, connection: &Connection) -> Result<bool, Trouble> {
    let state = app.store.find_connection_state(&console.organization.id, &connection.id).await?;
    if state.last_success_at.is_some() {
        return Ok(true);
    }
    let tested = test::find(app, &console.organization.id, &connection.id).await?;
    Ok(tested.is_some_and(|tested| matches!(tested.result, TestResult::Verified { .. })))
}

#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    enabled: bool,
}

/// `POST /admin/{organization}/connections/{connection}/switch`
pub(super) async fn edit(
    State(app): State<Arc<App>>,
    console: Console,
    Path(address): Path<Address>,
    Posted(Wish { enabled }): Posted<Wish>,
) -> Result<Response, Trouble> {
    let connection = address.find(&console)?;
    console.actor.need_fresh()?;
    if enabled && !is_proven(&app, &console, connection).await? {
        let sentence = format!("{} was never used: test it first, then turn it on", connection.name);
        return Err(AdminError::refused("connection_not_tested", sentence).into());
    }
    let edit = Edit { what: What::Switch { connection: connection.id.clone(), enabled }, page: format!("connections/{}", connection.id) };
    review::begin(&console, &edit).await
}
