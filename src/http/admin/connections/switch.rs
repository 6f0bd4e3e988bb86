//! A connection is turned on or off, after a review.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

use super::Address;
use crate::app::App;
use crate::http::admin::console::Console;
use crate::http::admin::review::{self, Edit, What};
use crate::http::admin::trouble::Trouble;
use crate::http::input::Posted;
use crate::http::login::test;

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
    if enabled {
        test::need_proven(&app, &console.organization.id, connection).await?;
    }
    let edit = Edit { what: What::Switch { connection: connection.id.clone(), enabled }, page: format!("connections/{}", connection.id) };
    review::begin(&console, &edit).await
}
