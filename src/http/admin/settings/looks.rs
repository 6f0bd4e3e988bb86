//! Whom people ask for help, and how sign-in and error pages look.

use axum::extract::{FromRequest as _, Multipart, Request};
use axum::response::Response;

use super::{PAGE, fault, page};
use crate::admin::Fault;
use crate::core::{Accent, Branding, Logo, Organization};
use crate::http::admin::console::Console;
use crate::http::admin::review::{self, Edit, What};
use crate::http::admin::trouble::Trouble;
use crate::http::problem::Problem;
use crate::http::views::View as _;

/// The longest name and contact, in characters.
const LONGEST: usize = 200;

/// What the form shows.
#[derive(Debug)]
pub(super) struct Looks {
    pub(super) organization_name: String,
    pub(super) support_contact: String,
    /// What the colour field starts with.
    pub(super) colour: String,
    pub(super) own_colour: bool,
    pub(super) shown: Option<Shown>,
    pub(super) has_logo: bool,
}

/// How a colour comes out.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) light: String,
    pub(super) dark: String,
    pub(super) as_chosen: bool,
}

impl Looks {
    pub(super) fn of(organization: &Organization) -> Self {
        let Branding { accent, support_contact, logo } = &organization.branding;
        Self {
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
            // The name stands in the operator's file, where there is one.
            "name" if console.file().is_some() => {}
            "name" => organization.name = one_line(&text, "name", &mut faults),
            "support_contact" => {
                let contact = one_line(&text, "support_contact", &mut faults);
                organization.branding.support_contact = Some(contact).filter(|contact| !contact.is_empty());
            }
            "own_colour" => own_colour = true,
            "colour" => colour = Some(text),
            "remove_logo" => organization.branding.logo = None,
            "logo" if !bytes.is_empty() => match Logo::of(&bytes) {
                Ok(logo) => organization.branding.logo = Some(logo),
                Err(error) => faults.push(fault("logo", format!("This cannot be a logo: {error}."))),
            },
            _ => {}
        }
    }
    organization.branding.accent = None;
    if let Some(text) = colour.filter(|_| own_colour) {
        match Accent::parse(&text) {
            Ok(accent) => organization.branding.accent = Some(accent),
            Err(error) => faults.push(fault("colour", error.to_string())),
        }
    }
    if organization.name.is_empty() {
        faults.push(fault("name", "An organization needs a name."));
    }
    if !faults.is_empty() {
        let mut page = page(&console, &organization).await?;
        page.faults = faults;
        return Ok(page.respond());
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
