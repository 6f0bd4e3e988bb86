//! An organization's colour and logo, served to its pages: as a style sheet and a picture of their own, so that the policy of the pages stays what it is.
//! Their names say their content, so browsers keep them for good.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::assets::AssetBase;
use super::headers;
use super::problem::Problem;
use crate::app::App;
use crate::core::Accent;

const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

const fn folder(base: AssetBase) -> &'static str {
    match base {
        AssetBase::AuthHost => "/brand/",
        AssetBase::AppHost => "/.usher/brand/",
    }
}

/// The style sheet of a colour. Its name is the colour, and whoever asks for another gets another.
pub(super) fn accent_address(base: AssetBase, accent: Accent) -> String {
    format!("{}{}.css", folder(base), accent.to_string().trim_start_matches('#'))
}

/// A logo by the name of its file.
pub(super) fn logo_address(base: AssetBase, file: &str) -> String {
    format!("{}{file}", folder(base))
}

/// `GET /brand/{file}`
pub(super) async fn serve(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri) -> Result<Response, Problem> {
    respond(&app, uri.path()).ok_or(Problem::NotFound)
}

/// The answer for a whole path on either kind of host, when it is a colour or a logo.
pub(super) fn respond(app: &App, path: &str) -> Option<Response> {
    let bases = [AssetBase::AuthHost, AssetBase::AppHost];
    let file = bases.into_iter().find_map(|base| path.strip_prefix(folder(base)))?;
    let mut response = if let Some(digits) = file.strip_suffix(".css") {
        let accent = Accent::parse(&format!("#{digits}")).ok()?;
        ([(CONTENT_TYPE, "text/css")], accent.style_sheet()).into_response()
    } else {
        let logo = app.find_logo(file)?;
        let bytes = STANDARD.decode(&logo.content).ok()?;
        ([(CONTENT_TYPE, logo.kind.media_type())], Body::from(bytes)).into_response()
    };
    response.headers_mut().insert(CACHE_CONTROL, KEPT);
    headers::secure(response.headers_mut(), false);
    Some(response)
}
