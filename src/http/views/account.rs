//! Who am I, and out again.

use askama::Template;

use super::icon::Icon;
use super::{Link, Page, View};

/// A seat tier, and in plain words why this one.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    /// The tier's name.
    pub tier: &'a str,
    /// Why, as one sentence.
    pub why: &'a str,
}

/// An app to go to.
#[derive(Debug, Clone, Copy)]
pub struct AppLink<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Its host, shown under the name.
    pub host: &'a str,
    /// Its address.
    pub href: &'a str,
}

/// The start page of somebody who is signed in.
#[derive(Debug, Template)]
#[template(path = "account/account.html")]
pub struct Account<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// The person's name; the address again when there is none.
    pub name: &'a str,
    /// The person's address.
    pub email: Option<&'a str>,
    /// How the person signed in ("Okta").
    pub provider: Option<&'a str>,
    /// The role.
    pub role: &'a str,
    /// Why this role, as one sentence.
    pub role_why: &'a str,
    /// The seat, where seats are counted.
    pub seat: Option<Seat<'a>>,
    /// The apps this person may open.
    pub apps: &'a [AppLink<'a>],
    /// The console, for whoever administers an organization.
    pub console_href: Option<&'a str>,
}

impl Account<'_> {
    fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
        let first = words.next();
        let last = words.next_back();
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }
}

impl View for Account<'_> {}

/// After signing out.
#[derive(Debug, Template)]
#[template(path = "account/signed_out.html")]
pub struct SignedOut<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// From where: app hosts or names. Empty: from everything here.
    pub apps: &'a [&'a str],
    /// Where to sign in again.
    pub sign_in_href: &'a str,
    /// The provider's own sign-out, where the person is still signed in: its name and the address.
    pub provider: Option<Link<'a>>,
}

impl View for SignedOut<'_> {}
