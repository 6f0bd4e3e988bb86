//! Activity: the audit log on a page.
//!
//! - `query`: what the address asks for
//! - `list`: the lines, with what changed in each, on a page and as a file

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::app::App;

mod list;
mod query;

pub(super) use list::Line;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/admin/{organization}/activity", get(list::show))
}
