//! How a login starts: the sign-in page, the way by email domain, and the step to the provider.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session as CookieSession;

use super::enter;
use super::pending::PendingLogins;
use crate::app::App;
use crate::core::{Connection, ConnectionId, DomainName, OrganizationId, PendingLogin, PendingProtocol, ReturnTo};
use crate::doors::{Door, describe};
use crate::http::browser::BrowserId;
use crate::http::problem::Problem;
use crate::http::views::login::{ChooseConnection, PostToProvider, TakingYou, Way};
use crate::http::views::{Page, render};
use crate::saml::Go;

/// What the sign-in page is asked.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http) struct SignIn {
    /// Where to go then; anything that is not ours means the start page.
    return_to: Option<String>,
    /// Binds the ticket to the browser that asked the app host.
    enter: Option<String>,
    /// The address, from the form.
    email: Option<String>,
    /// Ask even though someone is signed in.
    #[serde(default)]
    again: bool,
}

impl SignIn {
    fn return_to(&self, app: &App) -> ReturnTo {
        app.return_to(self.return_to.as_deref())
    }

    /// The same question, for a link.
    fn query(&self, return_to: &ReturnTo) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", &return_to.url());
        if let Some(enter) = &self.enter {
            query.append_pair("enter", enter);
        }
        query.finish()
    }
}

/// `GET /login`: straight back to the app for someone who is signed in, straight on when there is one way, else the choice.
pub(in crate::http) async fn choose(
    State(app): State<Arc<App>>,
    session: CookieSession,
    Query(asked): Query<SignIn>,
) -> Result<Response, Problem> {
    let return_to = asked.return_to(&app);
    if !asked.again
        && let Some(answer) = enter::go_on(&app, &session, &return_to, asked.enter.as_deref()).await?
    {
        return Ok(answer);
    }
    let organization = app.organization_of(&return_to)?;
    let ways = ways(&app, &asked, &return_to);
    // Nobody who asked for a page of an app needs a page with one link (interface.md: "one redirect").
    if let [only] = ways.as_slice()
        && !asked.again
        && asked.return_to.is_some()
        && return_to.origin() != app.auth_origin()
    {
        return Ok(Redirect::to(&only.url).into_response());
    }
    let page = Page::new(&app.organization_name(&organization));
    Ok(render(&ChooseConnection { page, ways, return_to: return_to.url(), enter: asked.enter, unknown_domain: None }))
}

fn ways(app: &App, asked: &SignIn, return_to: &ReturnTo) -> Vec<Way> {
    let query = asked.query(return_to);
    let way = |connection: &Connection| Way { name: connection.name.clone(), url: format!("/login/{}?{query}", connection.id) };
    app.settings().connections.iter().filter(|connection| connection.enabled).map(way).collect()
}

/// `POST /login`: the way of an email domain. The answer depends on the domain alone, never on whether a person exists.
pub(in crate::http) async fn route_by_email(State(app): State<Arc<App>>, Form(asked): Form<SignIn>) -> Result<Response, Problem> {
    let return_to = asked.return_to(&app);
    let organization = app.organization_of(&return_to)?;
    let page = Page::new(&app.organization_name(&organization));
    let typed = asked.email.as_deref().unwrap_or_default().trim();
    let domain = typed.rsplit('@').next().and_then(|domain| DomainName::parse(domain).ok());
    let settings = app.settings();
    let found = domain.and_then(|domain| settings.connections.iter().find(|c| c.enabled && settings.allows_domain(c, &domain)).cloned());
    Ok(match found {
        Some(connection) => {
            let url = format!("/login/{}?{}", connection.id, asked.query(&return_to));
            // Not a redirect: `form-action 'self'` would forbid the way on to the provider in Chromium.
            render(&TakingYou { page, name: connection.name, url })
        }
        None => {
            let ways = ways(&app, &asked, &return_to);
            let unknown_domain = Some(typed.rsplit('@').next().unwrap_or_default().chars().take(100).collect());
            render(&ChooseConnection { page, ways, return_to: return_to.url(), enter: asked.enter, unknown_domain })
        }
    })
}

/// `GET /login/{connection}`: keeps a pending login bound to this browser, and goes to the provider.
pub(in crate::http) async fn start(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    Query(asked): Query<SignIn>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find(&id).ok_or(Problem::NoSuchConnection)?;
    let return_to = asked.return_to(&app);
    let organization = app.organization_of(&return_to)?;
    let browser = BrowserId::find_or_make(&headers)?;
    let door = entrance.door.map_err(|reason| {
        tracing::warn!(connection.id = %id, reason, "a login was asked of a connection that cannot be used");
        Problem::ProviderUnreachable { name: entrance.connection.name.clone() }
    })?;
    let started = start_at(&app, &entrance.connection, &door).await?;
    let login = PendingLogin {
        connection: id,
        organization,
        return_to,
        enter: asked.enter.clone(),
        browser: browser.hash(),
        started_at: app.clock.now(),
        protocol: started.protocol,
    };
    PendingLogins(app.ephemeral.as_ref()).put(&started.key, &browser, &login).await?;
    let mut response = match started.go {
        Go::Redirect(url) => Redirect::to(&url).into_response(),
        Go::Post { action, saml_request, relay_state } => {
            render(&PostToProvider { page: Page::new(&app.organization_name(&login.organization)), name: entrance.connection.name, action, saml_request, relay_state })
        }
    };
    if let Some(cookie) = browser.cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What a door gave for a new login.
struct StartedLogin {
    /// Under what the login is kept: `RelayState` or `state`.
    key: String,
    protocol: PendingProtocol,
    go: Go,
}

async fn start_at(app: &App, connection: &Connection, door: &Door) -> Result<StartedLogin, Problem> {
    let key = crate::random::token()?;
    let now = app.clock.now();
    match door {
        Door::Saml(sp) => {
            let started = sp.start(&key, now).map_err(|error| Problem::broken_connection(connection, &describe(&error)))?;
            let protocol = PendingProtocol::Saml { request_id: started.request_id };
            Ok(StartedLogin { key, protocol, go: started.go })
        }
        Door::Oidc(rp) => {
            let started = rp.start(&key, None, now).await.map_err(|error| Problem::oidc(connection, &error))?;
            let protocol = PendingProtocol::Oidc { nonce: started.nonce, code_verifier: started.code_verifier };
            Ok(StartedLogin { key, protocol, go: Go::Redirect(started.url) })
        }
    }
}
