//! The browser leaves for a provider: by a redirect, or by a page that posts a form.

use axum::response::{IntoResponse as _, Redirect, Response};
use url::Url;

use super::problem::Problem;
use super::views::{Page, PostForm, View as _};
use crate::core::{Brand, Connection};
use crate::saml::Go;

/// The answer that sends it there.
pub(super) fn leave(connection: &Connection, brand: &Brand, go: Go) -> Result<Response, Problem> {
    match go {
        Go::Redirect(url) => Ok(Redirect::to(&url).into_response()),
        Go::Post { action, fields } => {
            let action = Url::parse(&action).map_err(|error| Problem::broken_connection(connection, &error.to_string()))?;
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Ok(PostForm::new(Page::of(brand), &connection.name, &action, &fields)?.respond())
        }
    }
}
