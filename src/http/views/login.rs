//! The way in: choose a connection or give a work email, then off to the identity provider.

use askama::Template;
use http::StatusCode;
use url::Url;

use super::icon::Icon;
use super::{Page, View};
use crate::http::headers::{ContentPolicy, Nonce};
use crate::random::RandomError;

/// One way to sign in.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionChoice<'a> {
    /// What people call it ("Okta", "Partner login").
    pub name: &'a str,
    /// `/login/{connection}` with its return target. A link, not a form: see [`crate::http::headers`].
    pub href: &'a str,
    /// Whether this browser came in by it the last time.
    pub used_last: bool,
}

/// The sign-in page with one connection or several, in the order given (the one used last first).
#[derive(Debug, Template)]
#[template(path = "login/choose.html")]
pub struct Choose<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// Where the person wants to go, by name ("Acme Wiki"), if that is known.
    pub application: Option<&'a str>,
    /// At least one. With none, answer [`super::ProblemKind::NotSetUp`].
    pub connections: &'a [ConnectionChoice<'a>],
    /// The page with the work email form, if there is one.
    pub email_href: Option<&'a str>,
    /// A way in that makes the provider ask who it is (`prompt=login`, `ForceAuthn`).
    pub other_account_href: Option<&'a str>,
}

impl View for Choose<'_> {}

/// Why the email form is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailProblem<'a> {
    /// Not an address.
    NotAnAddress,
    /// Nobody signs in with this domain. Says nothing about the person.
    UnknownDomain(&'a str),
}

/// The work email form. It posts to `/login` and is answered by [`Taking`], never by a redirect.
#[derive(Debug, Template)]
#[template(path = "login/email.html")]
pub struct Email<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// Where the person wants to go, by name, if that is known.
    pub application: Option<&'a str>,
    /// Goes along in the form, to be checked again.
    pub return_to: Option<&'a str>,
    /// What the app host bound its ticket to; kept on the way.
    pub enter: Option<&'a str>,
    /// What was typed the last time.
    pub email: &'a str,
    /// What was wrong with it.
    pub problem: Option<EmailProblem<'a>>,
}

impl View for Email<'_> {
    fn status(&self) -> StatusCode {
        if self.problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
    }
}

/// "Taking you to Okta": moves on by itself, and by its link.
#[derive(Debug, Template)]
#[template(path = "login/taking.html")]
pub struct Taking<'a> {
    /// What all pages share.
    pub page: Page<'a>,
    /// The provider's name.
    pub provider: &'a str,
    /// The start of the login: `/login/{connection}` or the provider's own address.
    pub href: &'a str,
    /// The host it leads to, shown so that people can check it ("acme.okta.example").
    pub host: Option<&'a str>,
}

impl View for Taking<'_> {}

/// Carries a SAML message to the provider by POST (SAML Bindings 3.5.4): a form with a button, pressed by a script where one may run.
#[derive(Debug, Template)]
#[template(path = "login/post.html")]
pub struct PostForm<'a> {
    page: Page<'a>,
    provider: &'a str,
    action: &'a Url,
    fields: &'a [(&'a str, &'a str)],
    nonce: Nonce,
}

impl<'a> PostForm<'a> {
    /// `fields`: the form's hidden fields in order, `SAMLRequest` (or `SAMLResponse`) and `RelayState`.
    ///
    /// # Errors
    /// [`RandomError`] when there is no randomness for the script's nonce.
    pub fn new(page: Page<'a>, provider: &'a str, action: &'a Url, fields: &'a [(&'a str, &'a str)]) -> Result<Self, RandomError> {
        Ok(Self { page, provider, action, fields, nonce: Nonce::new()? })
    }
}

impl View for PostForm<'_> {
    fn policy(&self) -> ContentPolicy<'_> {
        ContentPolicy::PostForm(&self.nonce)
    }
}
