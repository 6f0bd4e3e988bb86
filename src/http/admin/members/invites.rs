//! Who was invited and has not come yet.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::admin::{AdminError, Fault, NewInvite};
use crate::core::{EmailAddress, InviteId, Mode, Role, SeatTier};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::Select;
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::input::Posted;
use crate::http::views::View;
use crate::store::InviteRow;

#[derive(Debug, Template)]
#[template(path = "admin/members/invites.html")]
struct Invites {
    frame: Frame,
    rows: Vec<InviteRow>,
    /// Why nobody is invited here, if so.
    closed: Option<&'static str>,
    form: Form,
    role: Select,
    seat: Option<Select>,
    faults: Vec<Fault>,
    path: String,
    sign_in: String,
    /// Only people from elsewhere are invited here.
    guests_only: bool,
}

impl View for Invites {
    fn status(&self) -> StatusCode {
        if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    email: String,
    role: String,
    seat: String,
}

/// `GET /admin/{organization}/invites`
pub(super) async fn show(console: Console) -> Result<Response, Trouble> {
    Ok(page(&console, Form::default(), Vec::new()).await?.respond())
}

async fn page(console: &Console, form: Form, faults: Vec<Fault>) -> Result<Invites, AdminError> {
    let organization = &console.organization;
    let roles = organization.roles.iter().map(|role| (role.as_str(), role.as_str()));
    let chosen = if form.role.is_empty() { organization.default_role.as_str() } else { &form.role };
    let tiers = organization.seat_tiers.iter().map(|owned| (owned.tier.as_str(), owned.tier.as_str()));
    Ok(Invites {
        role: Select::new("role", "Role", roles, chosen),
        seat: (!organization.seat_tiers.is_empty()).then(|| Select::new("seat", "Seat", tiers, &form.seat).or_nothing("The highest free")),
        closed: match organization.mode {
            Mode::Manual => None,
            _ if organization.policy.allow_guests => None,
            Mode::Jit => {
                Some("People become members by signing in here, so nobody is invited. Assign them to the app at the identity provider.")
            }
            Mode::Scim => Some("The directory makes members here, so nobody is invited. Add them to the directory."),
        },
        rows: console.admin().list_invites(&console.actor).await?,
        guests_only: organization.policy.allow_guests && organization.mode != Mode::Manual,
        path: console.path("invites"),
        sign_in: console.app.auth_origin().to_owned(),
        frame: Frame::new(console, Section::Members).below("Invites"),
        form,
        faults,
    })
}

/// `POST /admin/{organization}/invites`
pub(super) async fn create(console: Console, Posted(form): Posted<Form>) -> Result<Response, Trouble> {
    let Ok(email) = EmailAddress::parse(form.email.trim()) else {
        let fault = Fault { field: "email".to_owned(), message: "Write an email address, like jo@acme.example.".to_owned() };
        return Ok(page(&console, form, vec![fault]).await?.respond());
    };
    let role = (!form.role.is_empty()).then(|| Role::new(&*form.role));
    let seat = (!form.seat.is_empty()).then(|| SeatTier::new(&*form.seat));
    match console.admin().create_invite(&console.actor, &NewInvite { email, role, seat }).await {
        Ok(_) => Ok(Redirect::to(&console.path("invites")).into_response()),
        Err(AdminError::Invalid(faults)) => Ok(page(&console, form, faults).await?.respond()),
        Err(error) => Err(error.into()),
    }
}

fn id(text: &str) -> Result<InviteId, AdminError> {
    InviteId::parse(text).map_err(|_| AdminError::NoSuch("invite"))
}

/// `POST …/invites/{invite}/resend`
pub(super) async fn resend(console: Console, Path((_, invite)): Path<(String, String)>) -> Result<Response, Trouble> {
    console.admin().resend_invite(&console.actor, id(&invite)?).await?;
    Ok(Redirect::to(&console.path("invites")).into_response())
}

/// `POST …/invites/{invite}/revoke`
pub(super) async fn revoke(console: Console, Path((_, invite)): Path<(String, String)>) -> Result<Response, Trouble> {
    console.admin().revoke_invite(&console.actor, id(&invite)?).await?;
    Ok(Redirect::to(&console.path("invites")).into_response())
}
