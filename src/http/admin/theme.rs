//! Light or dark, when somebody wants another than their system: a cookie of the auth host, read by the server, so that no page flashes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::app::App;
use crate::http::input::Posted;
use crate::session::cookie;

const NAME: &str = "__Host-usher-theme";
const YEAR_SECONDS: u32 = 31_536_000;

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// What the browser has chosen; `None`: as its system says.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        match cookie::find(headers, NAME)? {
            b"light" => Some(Self::Light),
            b"dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// As the page's `data-theme`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The form.
#[derive(Deserialize)]
pub(super) struct Chosen {
    theme: String,
    back: String,
}

/// `POST /admin/theme`: keeps the choice for a year; anything that is no theme means the system's.
pub(super) async fn choose(State(app): State<Arc<App>>, Posted(Chosen { theme, back }): Posted<Chosen>) -> Response {
    let theme = [Theme::Light, Theme::Dark].into_iter().find(|known| known.name() == theme);
    let kept: Option<HeaderValue> =
        theme.map_or_else(|| cookie::set(NAME, "", Some(0)), |theme| cookie::set(NAME, theme.name(), Some(YEAR_SECONDS)));
    let back = app.return_to(Some(&back));
    let mut response = Redirect::to(back.path()).into_response();
    if let Some(kept) = kept {
        response.headers_mut().append(header::SET_COOKIE, kept);
    }
    response
}
