//! The demo's pages, typed: plain values in, one response out. Neither the provider nor the app looks like Usher, because neither is.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::people::DemoPerson;

/// Who are you?
#[derive(Debug, Template)]
#[template(path = "demo/pick.html")]
pub(super) struct Pick<'a> {
    pub(super) people: &'a [DemoPerson],
    pub(super) request: String,
    pub(super) door: &'a str,
    pub(super) notice: Option<&'a str>,
}

/// For someone who came to the provider by hand.
#[derive(Debug, Template)]
#[template(path = "demo/idp_home.html")]
pub(super) struct IdpHome<'a> {
    pub(super) people: &'a [DemoPerson],
    pub(super) app_url: String,
    pub(super) notice: Option<&'a str>,
}

/// The signed response on its way, in a form with a button for browsers without script.
#[derive(Debug, Template)]
#[template(path = "demo/continue.html")]
pub(super) struct Continue<'a> {
    pub(super) name: &'a str,
    pub(super) acs_url: &'a str,
    pub(super) response: String,
    pub(super) relay_state: Option<&'a str>,
    pub(super) nonce: &'a str,
}

/// A few words from the provider.
#[derive(Debug, Template)]
#[template(path = "demo/idp_message.html")]
pub(super) struct IdpMessage<'a> {
    pub(super) title: &'a str,
    pub(super) message: String,
}

/// What the sample app received.
#[derive(Debug, Template)]
#[template(path = "demo/app.html")]
pub(super) struct Arrived<'a> {
    pub(super) name: &'a str,
    pub(super) role: &'a str,
    pub(super) seat_tier: &'a str,
    /// Why, in words: `app-admins and design`.
    pub(super) because: Option<String>,
    /// What else the login noticed.
    pub(super) notes: Vec<String>,
    /// The page that was asked for, to show that deep links are kept.
    pub(super) path: &'a str,
    /// `X-Usher-*` as they came, the long one shortened.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The claims of the JWT, if its signature is good; otherwise what is wrong.
    pub(super) claims: Result<String, String>,
    pub(super) app_url: &'a str,
    pub(super) auth_url: &'a str,
}

/// A page, never stored. Its forms may go anywhere, because a login crosses three hosts and Chromium counts every redirect of a form.
pub(super) fn page<T: Template>(status: StatusCode, view: &T, script_nonce: Option<&str>) -> Response {
    let Ok(body) = view.render() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be written.").into_response();
    };
    let script = script_nonce.map(|nonce| format!("; script-src 'nonce-{nonce}'")).unwrap_or_default();
    let policy = format!("default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'{script}");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin")),
    ];
    (status, headers, [(header::CONTENT_SECURITY_POLICY, policy)], body).into_response()
}

/// The look of the provider.
pub(super) async fn idp_style() -> Response {
    style(include_str!("../../templates/demo/idp.css"))
}

/// The look of the sample app.
pub(super) async fn app_style() -> Response {
    style(include_str!("../../templates/demo/app.css"))
}

fn style(css: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, css).into_response()
}
