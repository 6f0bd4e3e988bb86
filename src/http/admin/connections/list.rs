//! All connections.

use askama::Template;
use axum::response::Response;

use super::{Summary, summarize};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::views::View;

#[derive(Debug, Template)]
#[template(path = "admin/connections/list.html")]
struct List {
    frame: Frame,
    connections: Vec<Summary>,
}

impl View for List {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET /admin/{organization}/connections`
pub(super) async fn show(console: Console) -> Result<Response, Trouble> {
    let mut connections = Vec::new();
    for connection in &console.settings.settings.connections {
        connections.push(summarize(&console, connection).await?);
    }
    Ok(List { frame: Frame::new(&console, Section::Connections), connections }.respond())
}
