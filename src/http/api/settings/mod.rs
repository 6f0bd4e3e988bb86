//! Settings of the organization: read, reviewed, saved, and taken back.
//!
//! - `shown`: what they look like; `change`: what of them is to be different
//! - `reviewed`: what a change would do to whom; `save`: the change, once it was reviewed; `switch`: the same for a connection, turned on or off
//!
//! A program does what an administrator does at the console: it gets the settings with their `ETag`, asks for a review of a change, and saves the same
//! change with the review's id and the `ETag`. Whatever has happened in between is refused.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

mod change;
mod reviewed;
mod save;
mod shown;
mod switch;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    shown::routes().merge(save::routes()).merge(switch::routes())
}
