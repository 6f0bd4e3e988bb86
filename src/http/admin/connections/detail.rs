//! One connection: what to copy over to the provider, what we use of what it sends, and the last logins.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use std::sync::Arc;

use super::traces::TraceLine;
use super::{Address, Summary, summarize};
use crate::app::App;
use crate::core::{Connection, IdpSource, Protocol};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::login::test;
use crate::http::views::View;

const TRACES: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "admin/connections/detail.html")]
struct Detail {
    frame: Frame,
    saved: bool,
    /// Whether it may be turned on.
    proven: bool,
    /// The relink window is open until then.
    relink_until: Option<Timestamp>,
    summary: Summary,
    /// Our side, to be copied over there: label and value.
    ours: Vec<(&'static str, String)>,
    /// Address of our metadata, where there is one.
    metadata_href: Option<String>,
    /// Their side, as it is configured.
    theirs: Vec<(&'static str, String)>,
    /// What we use: our word, and the name it has in their messages.
    map: Vec<(&'static str, String)>,
    traces: Vec<TraceLine>,
}

impl View for Detail {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    saved: bool,
}

/// `GET /admin/{organization}/connections/{connection}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    console: Console,
    Path(address): Path<Address>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let connection = address.find(&console)?;
    let summary = summarize(&console, connection).await?;
    let traces = app.store.list_login_traces(&console.organization.id, &connection.id, TRACES).await?;
    let saml = matches!(connection.protocol, Protocol::Saml(_));
    let view = Detail {
        frame: Frame::new(&console, Section::Connections).below(&connection.name),
        saved: asked.saved,
        proven: test::is_proven(&app, &console.organization.id, &connection.id).await?,
        relink_until: summary.state.relink_open_until.filter(|until| console.now < *until),
        ours: ours(&app, connection),
        metadata_href: saml.then(|| format!("/saml/{}/metadata", connection.id)),
        theirs: theirs(connection),
        map: map(connection),
        traces: traces.iter().map(TraceLine::of).collect(),
        summary,
    };
    Ok(view.respond())
}

fn ours(app: &App, connection: &Connection) -> Vec<(&'static str, String)> {
    match connection.protocol {
        Protocol::Saml(_) => {
            let ours = app.doors.sp_addresses(connection);
            vec![
                ("Entity ID", ours.entity_id.clone()),
                ("ACS URL", ours.acs_url),
                // The entity id is the address of the metadata.
                ("Metadata URL", ours.entity_id),
            ]
        }
        Protocol::Oidc(_) => vec![("Redirect URI", app.doors.redirect_uri(connection))],
    }
}

fn theirs(connection: &Connection) -> Vec<(&'static str, String)> {
    match &connection.protocol {
        Protocol::Saml(saml) => {
            let mut theirs = match &saml.idp {
                IdpSource::Metadata(_) => vec![("Metadata", "from a file".to_owned())],
                IdpSource::MetadataUrl(url) => vec![("Metadata", url.clone())],
                IdpSource::Manual { entity_id, sso_url, .. } => vec![("Entity ID", entity_id.clone()), ("Sign-in URL", sso_url.clone())],
            };
            theirs.push(("Our requests", if saml.sign_requests { "signed" } else { "not signed" }.to_owned()));
            theirs
        }
        Protocol::Oidc(oidc) => vec![
            ("Issuer", oidc.issuer.clone()),
            ("Client ID", oidc.client_id.clone()),
            ("Client secret", if oidc.client_secret.is_some() { "set, never shown" } else { "none" }.to_owned()),
            ("Scopes", oidc.scopes.join(" ")),
        ],
    }
}

fn map(connection: &Connection) -> Vec<(&'static str, String)> {
    let (subject, email, name, groups) = match &connection.protocol {
        Protocol::Saml(saml) => {
            let subject = saml.subject_attribute.clone().unwrap_or_else(|| "NameID".to_owned());
            (subject, &saml.email_attribute, &saml.name_attribute, &saml.groups_attribute)
        }
        Protocol::Oidc(oidc) => (oidc.subject_claim.clone(), &oidc.email_claim, &oidc.name_claim, &oidc.groups_claim),
    };
    vec![("Subject", subject), ("Email", email.clone()), ("Name", name.clone()), ("Groups", groups.clone())]
}
