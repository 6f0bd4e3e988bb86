//! A connection is tried: what came, what we used of it, and what a login would do. Nothing is created or changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::Address;
use crate::admin::AdminError;
use crate::app::App;
use crate::core::{Asking, GroupClaim, Identity, explain};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::Told;
use crate::http::admin::trouble::{Trouble, as_sentence};
use crate::http::browser::BrowserId;
use crate::http::headers::ContentPolicy;
use crate::http::login::start::{Start, go};
use crate::http::login::test::{self, TestResult, Tested};
use crate::http::problem::Problem;
use crate::http::views::View;

#[derive(Debug, Template)]
#[template(path = "admin/connections/test.html")]
struct Page {
    frame: Frame,
    name: String,
    start_href: String,
    tested: Option<Result<Verified, Refused>>,
    at: Option<jiff::Timestamp>,
}

/// A test that went through.
#[derive(Debug)]
struct Verified {
    /// Our word, and the value that came.
    received: Vec<(&'static str, String)>,
    groups: Vec<String>,
    /// What is said of groups that did not come.
    no_groups: &'static str,
    told: Told,
    checks: &'static str,
}

#[derive(Debug)]
struct Refused {
    code: String,
    sentence: String,
}

impl View for Page {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET /admin/{organization}/connections/{connection}/test`
pub(super) async fn show(State(app): State<Arc<App>>, console: Console, Path(address): Path<Address>) -> Result<Response, Trouble> {
    let connection = address.find(&console)?;
    let tested = test::find(&app, &console.organization.id, &connection.id).await?;
    let saml = matches!(connection.protocol, crate::core::Protocol::Saml(_));
    let page = Page {
        frame: Frame::new(&console, Section::Connections)
            .below_link(&connection.name, console.path(&format!("connections/{}", connection.id)))
            .below("Test"),
        name: connection.name.clone(),
        start_href: console.path(&format!("connections/{}/test/start", connection.id)),
        at: tested.as_ref().map(|tested| tested.at),
        tested: tested.map(|tested| told(tested, saml)),
    };
    Ok(page.respond())
}

fn told(tested: Tested, saml: bool) -> Result<Verified, Refused> {
    match tested.result {
        TestResult::Refused { code, cause } => Err(Refused { code, sentence: as_sentence(&cause) }),
        TestResult::Verified { identity, decision } => Ok(Verified {
            received: received(&identity),
            groups: test::groups(&identity).into_iter().collect(),
            no_groups: match identity.groups {
                GroupClaim::Present(_) => "",
                GroupClaim::Empty => "in no group",
                GroupClaim::Absent => "not sent: check the name of the attribute, and whether the provider sends groups at all",
                GroupClaim::Malformed => "not a list of texts",
                GroupClaim::Overage => "too many to send: assign fewer groups to the app",
            },
            told: Told::of(&explain(&decision)),
            checks: if saml {
                "Signature, audience, recipient, time, InResponseTo and first use: all fine."
            } else {
                "Signature, issuer, audience, nonce, time and first use: all fine."
            },
        }),
    }
}

fn received(identity: &Identity) -> Vec<(&'static str, String)> {
    let missing = || "–".to_owned();
    vec![
        ("Subject", identity.subject.clone()),
        ("Email", identity.email.as_ref().map_or_else(missing, ToString::to_string)),
        ("Name", identity.name.clone().unwrap_or_else(missing)),
    ]
}

/// `GET /admin/{organization}/connections/{connection}/test/start`: to the provider, as for a login. A link, because no form may end there.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    console: Console,
    Path(address): Path<Address>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let connection = address.find(&console)?;
    let entrance = app.doors.find_also_off(&connection.id).ok_or(AdminError::NoSuch("connection"))?;
    let door =
        entrance.door.map_err(|reason| AdminError::refused("connection_closed", format!("this connection cannot be used: {reason}")))?;
    let browser = BrowserId::find_or_make(&headers).map_err(Problem::from)?;
    let back = console.path(&format!("connections/{}/test", connection.id));
    let start = Start {
        organization: console.organization.id.clone(),
        return_to: app.return_to(Some(&back)),
        enter: None,
        asking: Asking::Usual,
        test: true,
    };
    Ok(go(&app, connection, &door, &browser, start).await?)
}
