//! How a login starts: the sign-in page, the way by email domain, and the step to the provider.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session as CookieSession;

use super::enter;
use super::pending::PendingLogins;
use crate::app::App;
use crate::core::{Asking, Connection, ConnectionId, EmailAddress, OrganizationId, PendingLogin, PendingProtocol, ReturnTo};
use crate::doors::{Door, describe};
use crate::http::browser::{BrowserId, is_token};
use crate::http::input::{Asked, Posted};
use crate::http::leave::leave;
use crate::http::problem::Problem;
use crate::http::views::{Choose, ConnectionChoice, Email, EmailProblem, Page, Taking, View as _};
use crate::saml::Go;

/// So many connections are offered as links; for more, the work email finds the right one.
const MAX_CHOICES: usize = 7;

/// What the sign-in page is asked.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of its own in an address")]
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
    /// A message of the provider, which nobody asked for, led here.
    #[serde(default)]
    unasked: bool,
    /// Ask for the address rather than offer connections.
    #[serde(default)]
    by_email: bool,
    /// The provider has to ask anew: for what needs a fresh sign-in.
    #[serde(default)]
    fresh: bool,
}

impl SignIn {
    fn return_to(&self, app: &App) -> ReturnTo {
        app.return_to(self.return_to.as_deref())
    }

    /// What binds the ticket, if it has the form of a hash. Anything else was not made by an app host of ours, and whatever its length, a pending
    /// login would keep it for ten minutes for anyone who asks.
    fn enter(&self) -> Option<&str> {
        self.enter.as_deref().filter(|enter| is_token(enter))
    }

    /// The same question, for a link.
    fn query(&self, return_to: &ReturnTo) -> String {
        let query = query(return_to, self.enter());
        if self.fresh { format!("{query}&fresh=true") } else { query }
    }

    const fn asking(&self) -> Asking {
        if self.fresh { Asking::Anew } else { Asking::Usual }
    }
}

/// Asks the sign-in page to lead to `return_to`.
pub(super) fn query(return_to: &ReturnTo, enter: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", &return_to.url());
    if let Some(enter) = enter {
        query.append_pair("enter", enter);
    }
    query.finish()
}

/// `GET /login`: straight back to the app for someone who is signed in, straight on when there is one way, else the choice.
pub(in crate::http) async fn choose(
    State(app): State<Arc<App>>,
    session: CookieSession,
    Asked(asked): Asked<SignIn>,
) -> Result<Response, Problem> {
    let return_to = asked.return_to(&app);
    if !asked.again
        && asked.return_to.is_some()
        && let Some(answer) = enter::go_on(&app, &session, &return_to, asked.enter()).await?
    {
        return Ok(answer);
    }
    let query = asked.query(&return_to);
    let settings = app.settings();
    let open: Vec<&Connection> = settings.connections.iter().filter(|connection| connection.enabled).collect();
    match open.as_slice() {
        [] => Err(Problem::NotSetUp),
        // Nobody who asked for a page of an app needs a page with one link.
        [only] if !asked.again && return_to.origin() != app.auth_origin() => {
            Ok(Redirect::to(&format!("/login/{}?{query}", only.id)).into_response())
        }
        several if several.len() > MAX_CHOICES || asked.by_email => Ok(ask_email(&app, &asked, &return_to, None)),
        several => Ok(offer(&app, several, &query, &return_to)),
    }
}

fn offer(app: &App, connections: &[&Connection], query: &str, return_to: &ReturnTo) -> Response {
    let hrefs: Vec<String> = connections.iter().map(|connection| format!("/login/{}?{query}", connection.id)).collect();
    let choices: Vec<ConnectionChoice<'_>> = connections
        .iter()
        .zip(&hrefs)
        .map(|(connection, href)| ConnectionChoice { name: &connection.name, href, used_last: false })
        .collect();
    let by_email = format!("/login?by_email=true&{query}");
    let brand = app.brand_for(return_to);
    Choose {
        page: Page::of(&brand),
        application: app.find_route(return_to).map(|route| route.host.as_str()),
        connections: &choices,
        email_href: (connections.len() > 1).then_some(by_email.as_str()),
        other_account_href: None,
    }
    .respond()
}

fn ask_email(app: &App, asked: &SignIn, return_to: &ReturnTo, problem: Option<EmailProblem<'_>>) -> Response {
    let brand = app.brand_for(return_to);
    Email {
        page: Page::of(&brand),
        application: app.find_route(return_to).map(|route| route.host.as_str()),
        return_to: Some(&return_to.url()),
        enter: asked.enter(),
        email: asked.email.as_deref().unwrap_or_default(),
        problem,
    }
    .respond()
}

/// `POST /login`: the way of an email domain. The answer depends on the domain alone, never on whether a person exists.
pub(in crate::http) async fn route_by_email(State(app): State<Arc<App>>, Posted(asked): Posted<SignIn>) -> Response {
    let return_to = asked.return_to(&app);
    let typed = asked.email.as_deref().unwrap_or_default();
    let Ok(email) = EmailAddress::parse(typed) else { return ask_email(&app, &asked, &return_to, Some(EmailProblem::NotAnAddress)) };
    let settings = app.settings();
    let Some(connection) = settings.connections.iter().find(|c| c.enabled && settings.allows_domain(c, email.domain())) else {
        return ask_email(&app, &asked, &return_to, Some(EmailProblem::UnknownDomain(email.domain().as_str())));
    };
    // Not a redirect: `form-action 'self'` would forbid the way on to the provider in Chromium.
    let brand = app.brand_for(&return_to);
    let href = format!("/login/{}?{}", connection.id, asked.query(&return_to));
    Taking { page: Page::of(&brand), provider: &connection.name, href: &href, host: None }.respond()
}

/// `GET /login/{connection}`: keeps a pending login bound to this browser, and goes to the provider.
pub(in crate::http) async fn start(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    Asked(asked): Asked<SignIn>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find(&id).ok_or(Problem::NoSuchConnection)?;
    let return_to = asked.return_to(&app);
    let organization = app.organization_of(&return_to)?;
    let browser = BrowserId::find_or_make(&headers)?;
    if asked.unasked {
        enter::stop_unasked_loops(&app, &browser).await?;
    }
    let door = entrance.door.map_err(|reason| {
        tracing::warn!(connection.id = %id, reason, "a login was asked of a connection that cannot be used");
        Problem::ProviderUnreachable { name: entrance.connection.name.clone() }
    })?;
    let start = Start { organization, return_to, enter: asked.enter().map(str::to_owned), asking: asked.asking(), test: false };
    go(&app, &entrance.connection, &door, &browser, start).await
}

/// What a login is started with.
pub(in crate::http) struct Start {
    pub(in crate::http) organization: OrganizationId,
    pub(in crate::http) return_to: ReturnTo,
    pub(in crate::http) enter: Option<String>,
    pub(in crate::http) asking: Asking,
    pub(in crate::http) test: bool,
}

/// Keeps the pending login, and answers with the way to the provider.
pub(in crate::http) async fn go(
    app: &App,
    connection: &Connection,
    door: &Door,
    browser: &BrowserId,
    start: Start,
) -> Result<Response, Problem> {
    let started = start_at(app, connection, door, start.asking).await?;
    let login = PendingLogin {
        connection: connection.id.clone(),
        organization: start.organization,
        return_to: start.return_to,
        enter: start.enter,
        browser: browser.hash(),
        started_at: app.clock.now(),
        test: start.test,
        fresh: start.asking == Asking::Anew,
        protocol: started.protocol,
    };
    PendingLogins(app.ephemeral.as_ref()).put(&started.key, browser, &login).await?;
    let mut response = leave(connection, &app.brand_of(&login.organization), started.go)?;
    if let Some(cookie) = browser.clone().starting(&login.return_to.url(), login.started_at).cookie() {
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

async fn start_at(app: &App, connection: &Connection, door: &Door, asking: Asking) -> Result<StartedLogin, Problem> {
    let key = crate::random::token()?;
    let now = app.clock.now();
    match door {
        Door::Saml(sp) => {
            let started = sp.start(&key, asking, now).map_err(|error| Problem::broken_connection(connection, &describe(&error)))?;
            let protocol = PendingProtocol::Saml { request_id: started.request_id };
            Ok(StartedLogin { key, protocol, go: started.go })
        }
        Door::Oidc(rp) => {
            let started = rp.start(&key, None, asking, now).await.map_err(|error| Problem::oidc(connection, &error))?;
            Ok(StartedLogin { key, protocol: PendingProtocol::Oidc(started.pending), go: Go::Redirect(started.url) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_is_kept_as_the_binding_of_a_ticket() {
        let asked = |enter: &str| SignIn { enter: Some(enter.to_owned()), ..SignIn::default() };
        let hash = crate::session::binding_of(b"nonce");
        assert_eq!(asked(&hash).enter(), Some(hash.as_str()));
        for bad in ["", "x", &"x".repeat(60_000), &"<".repeat(43)] {
            assert_eq!(asked(bad).enter(), None);
        }
    }
}
