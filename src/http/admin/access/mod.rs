//! Identity & access: who becomes a member, with which role and seat.
//!
//! - `form`: the form into an organization, and back
//! - `page`: what is shown beside it: how groups are known, who saved last
//! - `what_if`: what would happen to somebody
//!
//! The form only makes a change; what it means and whether it is saved is said by `review`.

mod form;
mod page;
mod what_if;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;
use crate::http::MAX_MESSAGE_BYTES;
pub(super) use form::{role_groups, tier_groups, words_of_choice};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/access", get(page::show).post(page::edit))
        .route("/admin/{organization}/access/undo", get(page::again).post(page::undo))
        .route(
            "/admin/{organization}/access/what-if",
            post(what_if::answer).get(page::again).layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES)),
        )
}
