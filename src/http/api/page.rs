//! Lists in pages: each answer says where the next page starts, by an opaque text that stays good when rows come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;

/// How long a page is when nobody says.
const DEFAULT_LIMIT: u32 = 50;
/// The longest page.
pub(super) const MAX_LIMIT: u32 = 200;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// The rows.
    items: Vec<T>,
    /// Send this as `cursor` for the next page; `null`: this is the last one.
    next: Option<String>,
}

impl<T> Page<T> {
    /// A page whose end somebody else knows.
    pub(super) fn new(items: Vec<T>, next: Option<&impl ToString>) -> Self {
        Self { items, next: next.map(cursor) }
    }

    /// A page of at most `limit`, from a list that was asked for one row more.
    pub(super) fn cut(mut items: Vec<T>, limit: u32, place: impl FnOnce(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| cursor(&place(last)));
        Self { items, next }
    }
}

/// Which page. Lists with filters have the same two fields among theirs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// The `next` of the page before.
    #[param(max_length = 400, nullable = false)]
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<u32>,
}

impl Paging {
    pub(super) const fn new(cursor: Option<String>, limit: Option<u32>) -> Self {
        Self { cursor, limit }
    }

    /// Rows of a page.
    pub(super) fn limit(&self) -> Result<u32, ApiError> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            Some(_) => Err(ApiError::invalid("limit", format!("use 1 to {MAX_LIMIT}"))),
        }
    }

    /// Where the page starts, read by `parse`.
    pub(super) fn after<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let place = text.as_deref().and_then(parse);
        place.map(Some).ok_or_else(|| ApiError::invalid("cursor", "this is no `next` of this list"))
    }
}

fn cursor(place: &impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(place.to_string())
}
