//! SSO connections: how people of this organization come in, whether it works, and what went wrong when it did not.
//!
//! - `summary`: one connection in a few words, for the list, the detail and the overview
//! - `list`, `detail`: the pages
//! - `test`: a login that is only tried
//! - `switch`: on and off; `relink`: when people get new names at the provider
//! - `traces`: the last logins, ok and refused
//!
//! A connection belongs to the parent organization. What is shown of its logins is only what this organization decided.

mod detail;
mod list;
mod relink;
mod summary;
mod switch;
mod test;
mod traces;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::sync::Arc;

use super::console::Console;
use crate::admin::AdminError;
use crate::app::App;
use crate::core::{Connection, ConnectionId};
use crate::http::MAX_MESSAGE_BYTES;

pub(super) use summary::{Summary, summarize};

/// The routes, inside of the console.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/connections", get(list::show))
        .route("/admin/{organization}/connections/{connection}", get(detail::show))
        .route("/admin/{organization}/connections/{connection}/test", get(test::show))
        .route("/admin/{organization}/connections/{connection}/test/start", get(test::start))
        .route("/admin/{organization}/connections/{connection}/switch", post(switch::edit))
        .route("/admin/{organization}/connections/{connection}/relink", get(relink::show).post(relink::window))
        .route(
            "/admin/{organization}/connections/{connection}/relink/preflight",
            post(relink::preflight).layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES)),
        )
}

/// Which connection an address is about.
#[derive(serde::Deserialize)]
struct Address {
    connection: String,
}

impl Address {
    fn find<'a>(&self, console: &'a Console) -> Result<&'a Connection, AdminError> {
        let id = ConnectionId::parse(&self.connection).map_err(|_| AdminError::NoSuch("connection"))?;
        console.settings.settings.find_connection(&id).ok_or(AdminError::NoSuch("connection"))
    }
}
