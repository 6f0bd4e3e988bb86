//! The console: what administrators see and change, at `/admin/{organization}/…` on the auth host.
//!
//! - `console`: who is here and in which organization; the layer that lets nobody else in
//! - `trouble`: an act that was not done, as a page; the only place
//! - `frame`: what all pages share: navigation, who am I, the attributes of htmx
//! - `file`: a list as a file
//! - `parts`: values for the macros of `templates/admin/parts.html`; `confirm`: "are you sure", as a page of its own
//! - `picker`, `theme`: which organization, which colours
//! - `overview`, [`connections`], …: one file or folder a page, with its handlers and its views
//!
//! **A page more**: a file here with a handler that takes [`Console`](console::Console) and answers a view; its template in `templates/admin/`,
//! which extends `layout.html`; its routes in [`routes`]; and, if it stands in the navigation, its entry in `frame::Section`. A form posts to its own
//! address, is answered by a redirect when it was done, and asks `admin` whether it may be.
//!
//! The one rule of this folder: every step is an address and a form that work without a script; htmx only spares reloads.

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::app::App;

mod access;
mod activity;
mod confirm;
mod connections;
pub(super) mod console;
mod file;
mod frame;
mod members;
mod overview;
mod parts;
mod picker;
mod requests;
mod review;
mod seats;
mod sessions;
mod settings;
mod theme;
mod tokens;
mod trouble;

/// The routes of the console. Whatever is under `/admin/{organization}` goes through [`console::enter`].
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let inside = Router::new()
        .route("/admin/{organization}", get(overview::show))
        .merge(connections::routes())
        .merge(members::routes())
        .merge(seats::routes())
        .merge(requests::routes())
        .merge(sessions::routes())
        .merge(activity::routes())
        .merge(tokens::routes())
        .merge(access::routes())
        .merge(review::routes())
        .merge(settings::routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), console::enter));
    Router::new().route("/admin", get(picker::show)).route("/admin/theme", post(theme::choose)).merge(inside)
}
