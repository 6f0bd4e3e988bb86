//! The pages, typed: one struct and one template each. A page is plain values in and one response out; it asks nobody anything.
//!
//! - `login`: choice of connection, work email, on the way to the provider; `recovery`: the page behind a recovery link
//! - `account`: who am I, signed out
//! - `error`: every page that says no, or not now
//! - `words`: what those pages say, in one place
//! - `icon`: the drawings
//!
//! Every page works without a script, is never stored, and names no group.

mod account;
mod error;
mod icon;
mod login;
mod recovery;
mod words;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::assets::AssetBase;
use super::brand;
use super::headers::{self, ContentPolicy};
use crate::core::{Accent, Brand};

pub(in crate::http) use icon::Icon;

pub use account::{Account, AppLink, Seat, SignedOut};
pub use error::{Access, BadGateway, NotFound, Problem, Refused, Unavailable};
pub use login::{Choose, ConnectionChoice, Email, EmailProblem, PostForm, Taking};
pub use recovery::Recovery;
pub use words::ProblemKind;

/// What all pages share.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Whose sign-in this is, first thing on the page; not empty.
    pub organization_name: &'a str,
    /// Whom to ask: an email address, an `https://` address, or any words.
    pub support_contact: Option<&'a str>,
    /// Where style sheet and icons are found from this page.
    pub assets: AssetBase,
    /// The organization's colour.
    pub accent: Option<Accent>,
    /// The file of its logo.
    pub logo: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// A page on the auth host.
    #[must_use]
    pub const fn new(organization_name: &'a str, support_contact: Option<&'a str>) -> Self {
        Self { organization_name, support_contact, assets: AssetBase::AuthHost, accent: None, logo: None }
    }

    /// A page on the auth host that looks like the organization's.
    #[must_use]
    pub fn of(brand: &'a Brand) -> Self {
        let (accent, logo) = (brand.accent, brand.logo.as_deref());
        Self { accent, logo, ..Self::new(&brand.name, brand.support_contact.as_deref()) }
    }

    /// The same page, shown on an app's host.
    #[must_use]
    pub const fn on_app_host(self) -> Self {
        Self { assets: AssetBase::AppHost, ..self }
    }

    pub(in crate::http) fn asset(&self, name: &str) -> String {
        self.assets.address(name)
    }

    /// The style sheet that changes the colour.
    pub(in crate::http) fn accent_href(&self) -> Option<String> {
        self.accent.map(|accent| brand::accent_address(self.assets, accent))
    }

    /// The address of the logo.
    pub(in crate::http) fn logo_href(&self) -> Option<String> {
        self.logo.map(|file| brand::logo_address(self.assets, file))
    }

    pub(in crate::http) fn initial(&self) -> String {
        let first = self.organization_name.chars().find(|c| c.is_alphanumeric());
        first.map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
    }

    /// The support contact as a link, with the reference in the subject when it is an address to write to.
    pub(in crate::http) fn support_link(&self, reference: Option<&Reference<'_>>) -> Option<String> {
        let contact = self.support_contact?;
        if contact.starts_with("https://") {
            return Some(contact.to_owned());
        }
        let address = contact.contains('@') && !contact.contains(|c: char| c.is_whitespace() || "?&<>\"'%#/".contains(c));
        address.then(|| match reference {
            Some(reference) => {
                let subject = format!("Sign-in problem, reference {}", reference.incident);
                format!("mailto:{contact}?subject={}", utf8_percent_encode(&subject, NON_ALPHANUMERIC))
            }
            None => format!("mailto:{contact}"),
        })
    }
}

/// What an administrator needs to find this case: shown on a page, and on the log line.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// The incident's id.
    pub incident: &'a str,
    /// When it happened; shown in UTC.
    pub at: Timestamp,
    /// A reason code or another short word for the kind of trouble.
    pub code: &'a str,
}

impl Reference<'_> {
    fn time(&self) -> String {
        self.at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string()
    }

    fn datetime(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

/// Something to press that leads to another page.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// What it says.
    pub label: &'a str,
    /// Where it leads.
    pub href: &'a str,
}

/// A page that can be answered.
pub trait View: Template {
    /// The status it is answered with.
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }

    /// What the page may load, and where its forms go.
    fn policy(&self) -> ContentPolicy<'_> {
        ContentPolicy::Page
    }

    /// How many seconds a program should wait before it asks again.
    fn retry_after_seconds(&self) -> Option<u32> {
        None
    }

    /// The whole response. It is never stored by anyone, and has every security header but HSTS (see [`headers::layer`]).
    fn respond(&self) -> Response {
        let (status, body) = match self.render() {
            Ok(body) => (self.status(), body),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                (StatusCode::INTERNAL_SERVER_ERROR, "<!doctype html><title>Sorry</title><p>This page could not be written.".to_owned())
            }
        };
        let mut response = (status, body).into_response();
        let out = response.headers_mut();
        out.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        out.insert(CONTENT_SECURITY_POLICY, self.policy().header());
        if let Some(seconds) = self.retry_after_seconds() {
            out.insert(http::header::RETRY_AFTER, seconds.into());
        }
        headers::secure(out, false);
        response
    }
}

#[cfg(test)]
mod tests;
