//! "Are you sure?" as a page: says the effect in a sentence, names who is concerned, and asks for what has to be typed.

use askama::Template;
use axum::http::StatusCode;

use super::frame::Frame;
use crate::http::headers::ContentPolicy;
use crate::http::views::View;

/// Something that has to be typed before the button counts.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// The form's field.
    pub(super) field: &'static str,
    /// "Type the number of people, 12".
    pub(super) label: String,
    /// What was wrong the last time.
    pub(super) problem: Option<String>,
}

/// The page. Its form posts `fields` to `action`.
#[derive(Debug, Template)]
#[template(path = "admin/confirm.html")]
pub(super) struct Confirm {
    pub(super) frame: Frame,
    pub(super) headline: String,
    /// What happens then, one sentence each.
    pub(super) effects: Vec<String>,
    /// Whom it is about, when that is more than one.
    pub(super) names: Vec<String>,
    pub(super) action: String,
    /// Hidden fields.
    pub(super) fields: Vec<(String, String)>,
    pub(super) typed: Option<Typed>,
    pub(super) button: String,
    /// Whether it takes something away.
    pub(super) danger: bool,
    /// Where "Cancel" goes.
    pub(super) back: String,
}

impl View for Confirm {
    fn status(&self) -> StatusCode {
        let wrong = self.typed.as_ref().is_some_and(|typed| typed.problem.is_some());
        if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}
