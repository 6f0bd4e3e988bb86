//! The first page.

use askama::Template;
use axum::response::Response;

use super::console::Console;
use super::frame::{Frame, Section};
use super::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::views::View;

#[derive(Debug, Template)]
#[template(path = "admin/overview.html")]
struct Overview {
    frame: Frame,
}

impl View for Overview {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET /admin/{organization}`
pub(super) async fn show(console: Console) -> Result<Response, Trouble> {
    Ok(Overview { frame: Frame::new(&console, Section::Overview) }.respond())
}
