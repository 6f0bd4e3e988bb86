//! The list as a file.

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use crate::http::admin::console::Console;
use crate::http::admin::trouble::Trouble;
use crate::store::{RosterFilter, RosterOrder};

/// As CSV, streamed.
pub(super) async fn download(console: &Console, filter: RosterFilter, order: RosterOrder) -> Result<Response, Trouble> {
    let file = console.admin().export_roster(&console.actor, filter, order).await?;
    let name = format!("attachment; filename=\"{}-members-{}.csv\"", console.organization.id, console.now.strftime("%Y-%m-%d"));
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], Body::from_stream(file)).into_response())
}
