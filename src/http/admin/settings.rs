//! Settings: whom people ask for help, and how sign-in and error pages look.

use askama::Template;
use axum::extract::{FromRequest as _, Multipart, Query, Request};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::console::Console;
use super::frame::{Frame, Section};
use super::review::{self, Edit, What};
use super::trouble::Trouble;
use crate::admin::Fault;
use crate::core::{Accent, Branding, Logo, LogoKind, Organization};
use crate::http::headers::ContentPolicy;
use crate::http::problem::Problem;
use crate::http::views::View;

const PAGE: &str = "settings";
/// The longest name and contact, in characters.
const LONGEST: usize = 200;

#[derive(Debug, Template)]
#[template(path = "admin/settings.html")]
struct Page {
    frame: Frame,
    saved: bool,
    faults: Vec<Fault>,
    organization_name: String,
    support_contact: String,
    /// What the colour field starts with.
    colour: String,
    own_colour: bool,
    shown: Option<Shown>,
    has_logo: bool,
}

/// How a colour comes out.
#[derive(Debug)]
struct Shown {
    light: String,
    dark: String,
    as_chosen: bool,
}

impl View for Page {
    fn status(&self) -> StatusCode {
        if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    saved: bool,
}

/// `GET /admin/{organization}/settings`
pub(super) async fn show(console: Console, Query(asked): Query<Asked>) -> Response {
    page(&console, &console.organization, Vec::new(), asked.saved).respond()
}

fn page(console: &Console, organization: &Organization, faults: Vec<Fault>, saved: bool) -> Page {
    let Branding { accent, support_contact, logo } = &organization.branding;
    Page {
        frame: Frame::new(console, Section::Settings),
        saved,
        faults,
        organization_name: organization.name.clone(),
        support_contact: support_contact.clone().unwrap_or_default(),
        colour: accent.map_or_else(|| "#0b556b".to_owned(), |accent| accent.to_string()),
        own_colour: accent.is_some(),
        shown: accent.map(|accent| Shown {
            light: accent.in_light().to_string(),
            dark: accent.in_dark().to_string(),
            as_chosen: accent.is_shown_as_chosen(),
        }),
        has_logo: logo.is_some(),
    }
}

/// `POST /admin/{organization}/settings`: to be reviewed, as every change of settings.
pub(super) async fn edit(console: Console, request: Request) -> Result<Response, Trouble> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| Problem::Malformed)?;
    let mut organization = console.organization.clone();
    let (mut faults, mut colour, mut own_colour) = (Vec::new(), None, false);
    while let Some(field) = form.next_field().await.map_err(|_| Problem::Malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|_| Problem::Malformed)?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        match name.as_str() {
            "name" => organization.name = one_line(&text, "name", &mut faults),
            "support_contact" => {
                let contact = one_line(&text, "support_contact", &mut faults);
                organization.branding.support_contact = Some(contact).filter(|contact| !contact.is_empty());
            }
            "own_colour" => own_colour = true,
            "colour" => colour = Some(text),
            "remove_logo" => organization.branding.logo = None,
            "logo" if !bytes.is_empty() => match logo(&bytes) {
                Ok(logo) => organization.branding.logo = Some(logo),
                Err(message) => faults.push(fault("logo", message)),
            },
            _ => {}
        }
    }
    organization.branding.accent = None;
    if let Some(text) = colour.filter(|_| own_colour) {
        match Accent::parse(&text) {
            Ok(accent) => organization.branding.accent = Some(accent),
            Err(error) => faults.push(fault("colour", &error.to_string())),
        }
    }
    if organization.name.is_empty() {
        faults.push(fault("name", "An organization needs a name."));
    }
    if !faults.is_empty() {
        return Ok(page(&console, &organization, faults, false).respond());
    }
    review::begin(&console, &Edit { what: What::Organization(Box::new(organization)), page: PAGE.to_owned() }).await
}

/// Text for one line of a page: nothing in it that is not seen.
fn one_line(text: &str, field: &str, faults: &mut Vec<Fault>) -> String {
    if text.chars().count() > LONGEST {
        faults.push(fault(field, "This is too long: 200 characters at most."));
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        faults.push(fault(field, "This has characters in it that cannot be seen."));
    }
    text.to_owned()
}

fn logo(bytes: &[u8]) -> Result<Logo, &'static str> {
    if bytes.len() > Logo::MAX_BYTES {
        return Err("The logo is too large: 32 KiB at most.");
    }
    let kind = LogoKind::of(bytes).ok_or("The logo is not a PNG, JPEG or WebP picture.")?;
    let name = Sha256::digest(bytes).iter().take(8).fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
    Ok(Logo { kind, content: STANDARD.encode(bytes), name })
}

fn fault(field: &str, message: &str) -> Fault {
    Fault { field: field.to_owned(), message: message.to_owned() }
}
