//! The page behind a recovery link.

use askama::Template;

use super::icon::Icon;
use super::{Page, View};

/// A button that uses the link. Its form posts to the page's own address, so that the secret is written down nowhere else.
#[derive(Debug, Template)]
#[template(path = "login/recovery.html")]
pub struct Recovery<'a> {
    /// What all pages share.
    pub page: Page<'a>,
}

impl View for Recovery<'_> {}
