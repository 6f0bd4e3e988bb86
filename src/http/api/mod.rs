//! The Admin API: what the console can do, for programs, at `/api/v1` on the auth host.
//!
//! - `caller`: whom a token speaks for, in which organization; the layer that lets nobody else in
//! - `input`: bodies, queries and addresses, read strictly; `page`: lists in pages; `revision`: `ETag` and `If-Match`
//! - `error`: everything that can go wrong, as a problem document (RFC 9457); the only place
//! - `openapi`: the document, generated from the handlers; `schema`: what core types look like on the wire
//! - `tokens`, …: one file a resource, with its handlers and what it says on the wire
//!
//! **An operation more**: a handler with its `#[utoipa::path]` (method, address, scope, body with an example, what it answers when it is well) in the
//! file of its resource, named in that file's `routes`. Address parameters of the organization and all error answers are added for every operation in
//! `openapi`. Tests read the document, so they cannot forget it.
//!
//! Nothing here looks at a cookie: the only way in is `Authorization`, which no other site can make a browser send. So there is nothing to forge.
//!
//! The one rule of this folder: a handler is one call of an `admin` use case; it decides nothing, and says nothing that the document does not.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::{self, Bodies};
use crate::app::App;

mod activity;
mod caller;
mod connections;
mod error;
mod explain;
mod file;
mod input;
mod invites;
mod links;
mod members;
pub(super) mod openapi;
mod page;
mod removals;
mod requests;
mod revision;
mod roster;
mod schema;
mod seats;
mod sessions;
mod settings;
mod tokens;
mod waiting;

/// The largest body: far more than the largest settings.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Everything that acts in one organization, below its address.
fn inside() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(activity::routes())
        .merge(connections::routes())
        .merge(explain::routes())
        .merge(invites::routes())
        .merge(links::routes())
        .merge(members::routes())
        .merge(removals::routes())
        .merge(requests::routes())
        .merge(roster::routes())
        .merge(seats::routes())
        .merge(sessions::routes())
        .merge(settings::routes())
        .merge(tokens::routes())
        .merge(waiting::routes())
}

/// Everything; `guard` stands before what is inside of an organization.
fn all(guard: impl FnOnce(OpenApiRouter<Arc<App>>) -> OpenApiRouter<Arc<App>>) -> OpenApiRouter<Arc<App>> {
    let resources = OpenApiRouter::new().routes(routes!(openapi::show)).nest("/organizations/{organization}", guard(inside()));
    OpenApiRouter::with_openapi(openapi::about()).nest("/api/v1", resources.fallback(error::no_such_address))
}

/// The routes of the API; what is sent to it counts among all other bodies.
pub(super) fn routes(app: &Arc<App>, bodies: &Arc<Bodies>) -> Router<Arc<App>> {
    // The layers, from the inside: who it is comes before everything else, also before the body is read. So do the limits on how often.
    let guard = |inside: OpenApiRouter<Arc<App>>| inside.route_layer(middleware::from_fn_with_state(Arc::clone(app), caller::enter));
    let (router, _) = all(guard).split_for_parts();
    router
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(bodies.or(error::too_many), bodies::count))
        .layer(middleware::from_fn(error::show))
}
