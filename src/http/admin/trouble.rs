//! An act that was not done, as a page with the console's frame around it. The only place where [`AdminError`] becomes a status and words.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::console::Console;
use super::frame::{Frame, Section};
use crate::admin::{AdminError, Fault, Permission};
use crate::doors::describe;
use crate::http::headers::ContentPolicy;
use crate::http::problem::Problem;
use crate::http::views::View;
use crate::store::StoreError;

/// Why a page of the console is not answered.
#[derive(Debug)]
pub(super) enum Trouble {
    /// An act was not done, or may not be.
    Admin(AdminError),
    /// The same trouble as anywhere on the auth host.
    Other(Problem),
}

impl From<AdminError> for Trouble {
    fn from(error: AdminError) -> Self {
        Self::Admin(error)
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl From<crate::store::ephemeral::EphemeralError> for Trouble {
    fn from(error: crate::store::ephemeral::EphemeralError) -> Self {
        Self::Other(error.into())
    }
}

/// It travels to [`show`] inside the response, because its page needs the frame.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::Other(problem) => problem.into_response(),
            Self::Admin(AdminError::Store(error)) => Problem::from(error).into_response(),
            Self::Admin(AdminError::Session(error)) => Problem::from(error).into_response(),
            Self::Admin(error) => {
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                response.extensions_mut().insert(Arc::new(error));
                response
            }
        }
    }
}

/// Turns trouble into its page.
pub(super) fn show(console: &Console, mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<Arc<AdminError>>() else { return response };
    tracing::info!(person.id = %console.session.person, cause = describe(&*error), "an administrator was refused");
    Refusal::of(console, &error).respond()
}

/// The page of an act that was not done: what stands against it, and what to do.
#[derive(Debug, Template)]
#[template(path = "admin/trouble.html")]
struct Refusal {
    frame: Frame,
    status: StatusCode,
    headline: &'static str,
    sentence: String,
    /// What is not done because of the one who asks is no alarm.
    tone: &'static str,
    faults: Vec<Fault>,
    /// Label and address of the one thing to press.
    action: (&'static str, String),
}

impl Refusal {
    fn of(console: &Console, error: &AdminError) -> Self {
        let back = ("Back", console.back.clone());
        let (status, headline, sentence, action) = match error {
            AdminError::NotAllowed(permission) => {
                (StatusCode::FORBIDDEN, "You may not do this", format!("It needs the permission to {}.", in_words(*permission)), back)
            }
            AdminError::FreshSignInNeeded if console.was_not_asked_anew() => (
                StatusCode::FORBIDDEN,
                "Your provider did not ask you again",
                "It can do harm, so we ask who is at the keyboard. You have just come back from your provider, but it answered from an older sign-in of yours there. Sign out at the provider, then sign in again; nothing was changed yet.".to_owned(),
                ("Sign in again", console.fresh_sign_in()),
            ),
            AdminError::FreshSignInNeeded => (
                StatusCode::FORBIDDEN,
                "Sign in once more for this",
                "It can do harm, so we ask who is at the keyboard: your sign-in must be younger than ten minutes. Then do it once more; nothing was changed yet.".to_owned(),
                ("Sign in again", console.fresh_sign_in()),
            ),
            AdminError::NoSuch(what) => {
                (StatusCode::NOT_FOUND, "Nothing here", format!("There is no such {what} in {}.", console.organization.name), back)
            }
            AdminError::Refused { sentence, .. } => (StatusCode::CONFLICT, "This was not done", as_sentence(sentence), back),
            AdminError::Stale | AdminError::ReviewChanged(_) => (
                StatusCode::CONFLICT,
                "Somebody was faster",
                "This was changed by somebody else while you looked at it. Nothing was saved; look at it as it is now.".to_owned(),
                ("Look again", console.back.clone()),
            ),
            AdminError::Invalid(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Something in the form cannot be used", "Nothing was saved.".to_owned(), back)
            }
            // Both became another page before they got here.
            AdminError::Store(_) | AdminError::Session(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Not right now", "Nothing was changed. Try again in a moment.".to_owned(), back)
            }
        };
        let tone =
            if matches!(error, AdminError::FreshSignInNeeded | AdminError::Stale | AdminError::ReviewChanged(_)) { "warn" } else { "bad" };
        let faults = if let AdminError::Invalid(faults) = error { faults.clone() } else { Vec::new() };
        Self { frame: Frame::new(console, Section::Elsewhere), status, headline, sentence, tone, faults, action }
    }
}

impl View for Refusal {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// What a permission allows, after "it may".
pub(super) const fn in_words(permission: Permission) -> &'static str {
    match permission {
        Permission::MembersRead => "see members",
        Permission::MembersWrite => "change members",
        Permission::SettingsRead => "see settings",
        Permission::SettingsWrite => "change settings",
        Permission::SessionsRead => "see sessions",
        Permission::SessionsWrite => "end sessions",
        Permission::ActivityRead => "read the activity log",
        Permission::TokensWrite => "manage API tokens",
    }
}

/// With a capital and a full stop, as a page says it.
pub(super) fn as_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    if sentence.ends_with(['.', '?', '!']) { sentence } else { sentence + "." }
}
