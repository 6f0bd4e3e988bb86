//! The auth host: every route in one table, and the order of the layers.
//!
//! - `login`: start and finish of a login
//! - `account`: who am I; `recovery`: the way in without a provider
//! - `logout`: the ways out
//! - `leave`: on to a provider
//! - `admin`: the console
//! - `api`: the same for programs
//! - `connection`: what providers and apps fetch from us
//! - [`ops`]: the operations listener, `metrics` among it
//! - [`app_pages`]: what the proxy has to say on app hosts
//! - `input`: what a request brings; `bodies`: how much; `limits`: how often
//! - `problem`: errors to status and page, the only place
//! - [`views`], [`headers`], [`assets`], `brand`: what the browser gets
//!
//! The one rule of this folder: a handler turns a request into one call of a use case and its answer into a page; it decides nothing.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower::util::MapResponseLayer;
use tower_http::csrf::CsrfLayer;

use crate::app::App;
use crate::session::cookie;

/// Forms of our own pages are small, but for those that take a message or a list. Whoever posts is a stranger, and every body is collected in memory.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// A SAML message has at most 512 KiB of base64, of which every thirtieth character and every line break is longer while it is percent-encoded.
const MAX_MESSAGE_BYTES: usize = 768 * 1024;
/// A token has at most 64 KiB, a callback less.
const MAX_TOKEN_BYTES: usize = 96 * 1024;

mod account;
mod admin;
mod api;
pub mod app_pages;
pub mod assets;
mod bodies;
mod brand;
mod browser;
mod connection;
pub mod headers;
mod input;
mod leave;
mod limits;
mod login;
mod logout;
mod metrics;
pub mod ops;
mod origin;
mod problem;
mod recovery;
pub mod views;

pub(crate) use api::openapi::text as openapi;

/// The pages of the auth host.
pub fn router(app: Arc<App>) -> Router {
    let max_body = usize::try_from(app.config.server.max_body_bytes).unwrap_or(usize::MAX);
    let bodies = bodies::Bodies::new(max_body);
    let https = app.config.public_url.scheme() == "https";
    let sign_in = middleware::from_fn_with_state(Arc::clone(&app), limits::sign_in);
    let own = Router::new()
        .route("/login", get(login::choose).post(login::route_by_email))
        .route("/login/{connection}", get(login::start))
        .route_layer(sign_in.clone())
        .route("/", get(account::show))
        .route("/login/ask", post(login::ask::ask))
        .route("/login/asked", get(login::ask::asked))
        .route("/logout", post(logout::logout))
        .route("/logout/provider", get(logout::at_provider))
        .route("/signed-out", get(logout::signed_out))
        .merge(admin::routes(&app))
        .layer(DefaultBodyLimit::max(max_body.min(MAX_FORM_BYTES)))
        .layer(CsrfLayer::new().with_rejection_response(problem::cross_site));
    let recovery = Router::new()
        .route("/recovery/{token}", get(recovery::show).post(recovery::redeem))
        .layer(DefaultBodyLimit::max(max_body.min(MAX_FORM_BYTES)))
        .layer(CsrfLayer::new().with_rejection_response(problem::cross_site))
        .layer(axum_no_referrer());
    // Providers send people and messages here from their own sites: each of these checks its message instead.
    let saml = Router::new()
        .route("/saml/{connection}/acs", post(login::acs))
        .route("/saml/{connection}/slo", get(logout::saml::by_redirect).post(logout::saml::by_post))
        .layer(DefaultBodyLimit::max(max_body.min(MAX_MESSAGE_BYTES)));
    let oidc = Router::new()
        .route("/oidc/{connection}/callback", get(login::callback).post(login::form_post))
        .route("/oidc/{connection}/frontchannel-logout", get(logout::oidc::front_channel))
        .route("/oidc/{connection}/initiate", get(login::initiate).post(login::initiate_by_form))
        .layer(DefaultBodyLimit::max(max_body.min(MAX_TOKEN_BYTES)));
    // One address signs everybody out: this counts by itself.
    let back_channel = Router::new()
        .route("/oidc/{connection}/backchannel-logout", post(logout::oidc::back_channel))
        .layer(DefaultBodyLimit::max(max_body.min(MAX_TOKEN_BYTES)));
    let doors = saml.merge(oidc).route("/sso/continue", get(login::resume)).layer(sign_in);
    let doors = doors.merge(back_channel).layer(axum_no_referrer());
    own.merge(doors)
        .merge(recovery)
        .layer(app.sessions.layer())
        .layer(MapResponseLayer::new(cookie::with_whole_removal))
        .route("/saml/{connection}/metadata", get(connection::metadata))
        .route("/.well-known/jwks.json", get(connection::jwks))
        .route("/brand/{file}", get(brand::serve))
        .fallback(problem::not_found)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(middleware::from_fn_with_state(bodies.or(limits::too_many), bodies::count))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), problem::show))
        .merge(api::routes(&app, &bodies))
        .layer(middleware::map_response(headers::unkept))
        .layer(headers::layer(https))
        .with_state(app)
        .merge(assets::routes())
}

/// A callback's address holds a code or a state, and a recovery link's its secret, which no other site may learn from a `Referer`.
fn axum_no_referrer() -> MapResponseLayer<fn(axum::response::Response) -> axum::response::Response> {
    MapResponseLayer::new(headers::no_referrer)
}
