//! Every page that says no, or not now. The same three parts each time: what happened, what you can do, what your administrator needs.

use askama::Template;
use http::StatusCode;
use jiff::Timestamp;

use super::icon::Icon;
use super::words::{self, ProblemKind};
use super::{Link, Page, Reference, View};
use crate::core::Reason;

/// Asking for access on a refusal.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// Not here.
    Closed,
    /// A form that may be sent once.
    Open {
        /// Its secret.
        form: &'a str,
    },
    /// Asked; nobody has answered.
    Asked {
        /// When.
        at: Timestamp,
    },
    /// The answer was no.
    Declined {
        /// When.
        at: Timestamp,
        /// The administrators' note.
        note: Option<&'a str>,
    },
}

/// A login that was understood and refused: one page per reason code, status 403.
#[derive(Debug, Template)]
#[template(path = "error/refused.html")]
pub struct Refused<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// Why; decides every word.
    pub reason: Reason,
    /// The address the provider named: often it is simply the wrong account.
    pub signed_in_as: Option<&'a str>,
    /// What the person can do about it here.
    pub access: Access<'a>,
    /// A way in that makes the provider ask who it is. After [`Reason::AuthInvalid`] it is offered as "Sign in again".
    pub other_account_href: Option<&'a str>,
    /// For the administrator.
    pub reference: Option<Reference<'a>>,
}

impl Refused<'_> {
    fn words(&self) -> words::Refusal {
        words::refusal(self.reason)
    }

    /// `3 Nov 2026`.
    #[expect(clippy::unused_self, reason = "templates ask the view")]
    fn day(&self, at: &Timestamp) -> String {
        at.strftime("%-d %b %Y").to_string()
    }

    /// A broken message says nothing about the account; every other refusal may be just the wrong one.
    fn action(&self) -> &'static str {
        if self.reason == Reason::AuthInvalid { "Sign in again" } else { "Use another account" }
    }
}

impl View for Refused<'_> {
    fn status(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }
}

/// Anything else that went wrong on the way; what it says follows from its kind.
#[derive(Debug, Template)]
#[template(path = "error/problem.html")]
pub struct Problem<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// What went wrong.
    pub kind: ProblemKind<'a>,
    /// The one thing to press, usually "Sign in again".
    pub action: Option<Link<'a>>,
    /// For the administrator.
    pub reference: Option<Reference<'a>>,
}

impl Problem<'_> {
    fn words(&self) -> words::Words {
        self.kind.words()
    }
}

impl View for Problem<'_> {
    fn status(&self) -> StatusCode {
        self.kind.status()
    }
}

/// The app behind the proxy does not answer (502). The session is untouched, and the page says so.
#[derive(Debug, Template)]
#[template(path = "error/bad_gateway.html")]
pub struct BadGateway<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// The app's host or name.
    pub application: &'a str,
    /// Whether there is a session; a public path may have none.
    pub signed_in: bool,
    /// The path that was asked for, where asking again does no harm (GET).
    pub retry_href: Option<&'a str>,
    /// For the administrator.
    pub reference: Option<Reference<'a>>,
}

impl View for BadGateway<'_> {
    fn status(&self) -> StatusCode {
        StatusCode::BAD_GATEWAY
    }
}

/// Usher itself cannot decide now (503): its store is down, or it is starting. Nobody is signed out by this.
#[derive(Debug, Template)]
#[template(path = "error/unavailable.html")]
pub struct Unavailable<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// The path that was asked for, where asking again does no harm (GET).
    pub retry_href: Option<&'a str>,
    /// For the `Retry-After` header.
    pub retry_after_seconds: u32,
    /// For the administrator.
    pub reference: Option<Reference<'a>>,
}

impl View for Unavailable<'_> {
    fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn retry_after_seconds(&self) -> Option<u32> {
        Some(self.retry_after_seconds)
    }
}

/// No such page (404).
#[derive(Debug, Template)]
#[template(path = "error/not_found.html")]
pub struct NotFound<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// A page that is there.
    pub home_href: Option<&'a str>,
    /// For the administrator.
    pub reference: Option<Reference<'a>>,
}

impl View for NotFound<'_> {
    fn status(&self) -> StatusCode {
        StatusCode::NOT_FOUND
    }
}
