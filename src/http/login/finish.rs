//! How a login finishes: the provider's message comes back, is taken once in the browser that asked, and goes through the one ending.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session as CookieSession;
use tracing::Instrument as _;

use super::pending::{End, Finished, Parked, PendingLogins};
use super::{ask, enter, start, test, unasked};
use crate::app::App;
use crate::core::{ConnectionId, FirstUse, PendingLogin, PendingProtocol, ReturnTo, VerifiedIdentity};
use crate::doors::{Door, Entrance, describe};
use crate::http::browser::{BrowserId, is_token};
use crate::http::input::{Asked, Posted};
use crate::http::limits;
use crate::http::origin::Origin;
use crate::http::problem::{Message, Problem};
use crate::login::{Ending, complete};
use crate::oidc::{Callback, OidcError};
use crate::session::{Cause, Selector};

/// The longest message that waits for its browser: anyone may send one, so it is no longer than a door would read.
const MAX_PARKED_BYTES: usize = crate::saml::xml::MAX_BASE64_BYTES;

/// How often a message in CBC mode behind an unsigned response is opened, however it was changed. A true one needs it once; a guess at one byte of
/// it takes a dozen (How to Break XML Encryption, CCS 2011).
const MAX_OPENINGS: u64 = 5;
const OPENINGS_WINDOW: Duration = Duration::from_hours(1);

/// So long a login that came too late does not begin anew by itself a second time.
const BEGIN_ANEW_WINDOW: Duration = Duration::from_hours(1);

/// A SAML response as the browser posts it.
#[derive(Deserialize)]
pub(in crate::http) struct SamlPost {
    #[serde(rename = "SAMLResponse")]
    response: String,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// `POST /saml/{connection}/acs`: a cross-site POST, so the Lax cookie is not with it. It is parked, and the browser comes back by GET with its cookie.
pub(in crate::http) async fn acs(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    origin: Origin,
    Posted(post): Posted<SamlPost>,
) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find_also_off(&id).ok_or(Problem::NoSuchConnection)?;
    let key = post.relay_state.unwrap_or_default();
    if entrance.connection.allow_idp_initiated && !is_token(&key) {
        return unasked::answer(&app, &entrance, &post.response, &key, &origin).await;
    }
    park(&app, &id, &key, &post.response).await
}

/// `POST /oidc/{connection}/callback`: the same for `response_mode=form_post`.
pub(in crate::http) async fn form_post(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    body: String,
) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&connection).map_err(|_| Problem::NoSuchConnection)?;
    app.doors.find_also_off(&id).ok_or(Problem::NoSuchConnection)?;
    let callback = Callback::parse(&body).map_err(|_| Problem::Malformed)?;
    park(&app, &id, callback.state(), &body).await
}

async fn park(app: &App, connection: &ConnectionId, key: &str, message: &str) -> Result<Response, Problem> {
    if message.len() > MAX_PARKED_BYTES {
        return Err(Problem::Malformed);
    }
    let pending = PendingLogins(app.ephemeral.as_ref());
    let is_key = is_token(key);
    if is_key && pending.is_open(key).await? {
        pending.park(key, &Parked { connection: connection.clone(), message: message.to_owned(), unasked: None }).await?;
    }
    // The same answer for a login that is over: the browser's cookie decides there what to say.
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("login", if is_key { key } else { "" }).finish();
    Ok(Redirect::to(&format!("/sso/continue?{query}")).into_response())
}

/// Which parked login goes on.
#[derive(Deserialize)]
pub(in crate::http) struct Continue {
    login: String,
}

/// `GET /sso/continue`: a parked POST goes on, now with the browser's cookie.
pub(in crate::http) async fn resume(
    State(app): State<Arc<App>>,
    session: CookieSession,
    Asked(Continue { login: key }): Asked<Continue>,
    headers: HeaderMap,
    origin: Origin,
) -> Result<Response, Problem> {
    let arrival = Arrival { app, session, browser: BrowserId::find(&headers), origin };
    to_the_end(async move { arrival.resume(&key).await }).await
}

/// `GET /oidc/{connection}/callback`: a top-level GET, so the cookie is with it.
pub(in crate::http) async fn callback(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    session: CookieSession,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    origin: Origin,
) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&connection).map_err(|_| Problem::NoSuchConnection)?;
    let entrance = app.doors.find_also_off(&id).ok_or(Problem::NoSuchConnection)?;
    let callback = Callback::parse(query.as_deref().unwrap_or_default()).map_err(|_| Problem::Malformed)?;
    let arrival = Arrival { app, session, browser: BrowserId::find(&headers), origin };
    to_the_end(async move { arrival.finish(&entrance, &callback).await }).await
}

/// Goes on when the browser goes away: the second click of a double click cancels the first request, which has taken the login already.
async fn to_the_end(finish: impl Future<Output = Result<Response, Problem>> + Send + 'static) -> Result<Response, Problem> {
    tokio::spawn(finish.in_current_span()).await.map_err(|_| Problem::Unavailable)?
}

/// One browser coming back from a provider.
struct Arrival {
    app: Arc<App>,
    session: CookieSession,
    browser: Option<BrowserId>,
    origin: Origin,
}

type Taken = (BrowserId, PendingLogin);

impl Arrival {
    /// Goes on with what a cross-site POST brought.
    async fn resume(&self, key: &str) -> Result<Response, Problem> {
        let pending = PendingLogins(self.app.ephemeral.as_ref());
        pending.begin(key).await?;
        let parked = pending.take_parked(key).await?;
        let Some(Parked { connection, message, unasked }) = parked else { return self.late(key).await };
        if let Some(wish) = unasked {
            return self.resume_unasked(key, &connection, &message, &wish).await;
        }
        let (browser, login) = match self.take(key, &connection).await? {
            Ok(taken) => taken,
            Err(answer) => return Ok(answer),
        };
        let entrance = self.app.doors.find_also_off(&login.connection).ok_or(Problem::NoSuchConnection)?;
        need_open(&entrance, &login)?;
        let verified = match (&entrance.door, &login.protocol) {
            (Ok(Door::Saml(_)), PendingProtocol::Saml { request_id }) => self.verify_saml(&entrance, &message, Some(request_id)).await,
            (Ok(Door::Oidc(_)), PendingProtocol::Oidc(_)) => {
                let callback = Callback::parse(&message).map_err(|_| Problem::Malformed)?;
                self.verify_oidc(&entrance, &callback, &login).await
            }
            _ => Err(Unverified::changed()),
        };
        let verified = match verified {
            Ok(verified) => verified,
            Err(unverified) => return self.unverified(&login, unverified).await,
        };
        self.conclude(key, &browser, &login, &verified).await
    }

    /// Goes on with a message that nobody asked for.
    async fn resume_unasked(&self, key: &str, connection: &ConnectionId, message: &str, wish: &str) -> Result<Response, Problem> {
        let entrance = self.app.doors.find(connection).ok_or(Problem::NoSuchConnection)?;
        let verified = match self.verify_saml(&entrance, message, None).await {
            Ok(verified) => verified,
            Err(Unverified::Message { code, cause }) => return Err(self.refuse(connection, code, &cause).await),
            Err(Unverified::Problem(problem)) => return Err(problem),
        };
        // A browser that was never here has no id yet; it only counts.
        let browser = self.browser.clone().map_or_else(BrowserId::make, Ok)?;
        let return_to = self.app.return_to(Some(wish));
        let login = PendingLogin {
            connection: connection.clone(),
            organization: self.app.organization_of(&return_to)?,
            return_to,
            enter: None,
            browser: browser.hash(),
            started_at: self.app.clock.now(),
            test: false,
            fresh: false,
            protocol: PendingProtocol::Saml { request_id: String::new() },
        };
        self.conclude(key, &browser, &login, &verified).await
    }

    /// Finishes with what a provider sent by GET.
    async fn finish(&self, entrance: &Entrance, callback: &Callback) -> Result<Response, Problem> {
        let key = callback.state();
        PendingLogins(self.app.ephemeral.as_ref()).begin(key).await?;
        let (browser, login) = match self.take(key, &entrance.connection.id).await? {
            Ok(taken) => taken,
            Err(answer) => return Ok(answer),
        };
        need_open(entrance, &login)?;
        let verified = match self.verify_oidc(entrance, callback, &login).await {
            Ok(verified) => verified,
            Err(unverified) => return self.unverified(&login, unverified).await,
        };
        self.conclude(key, &browser, &login, &verified).await
    }

    /// Takes the pending login, once, and compares browser and connection before anything is redeemed (RFC 9700 4.4, 4.7).
    /// The inner `Err` is the answer for a login that is over.
    async fn take(&self, key: &str, connection: &ConnectionId) -> Result<Result<Taken, Response>, Problem> {
        let Some(browser) = self.browser.clone() else { return Err(Problem::CookieMissing) };
        let Some(login) = PendingLogins(self.app.ephemeral.as_ref()).take(key, &browser).await? else {
            return self.late(key).await.map(Err);
        };
        if !browser.started(&login.browser) {
            return Err(self.refuse(&login.connection, "another_browser", "the login was started in another browser").await);
        }
        if *connection != login.connection {
            return Err(self
                .refuse(&login.connection, "another_connection", "the answer came to another connection than the login was started with")
                .await);
        }
        Ok(Ok((browser, login)))
    }

    /// The login is not open: finished a moment ago, or too old. Never a dead end (gateway.md rows 24, 25).
    async fn late(&self, key: &str) -> Result<Response, Problem> {
        if let Some(browser) = &self.browser
            && let Some(end) = PendingLogins(self.app.ephemeral.as_ref()).find_finished(key, browser).await?
        {
            return match end {
                End::Admitted { url, session } => {
                    enter::replace_lost(&self.app, &self.session, session).await?;
                    Ok(Redirect::to(&url).into_response())
                }
                End::Refused { reason, organization, incident, again, access } => {
                    Err(Problem::Refused { reason, organization, incident, again, access })
                }
                End::Interrupted { again, page } => self.go_on_interrupted(&again, page.as_deref()).await,
            };
        }
        if enter::signed_in(&self.app, &self.session).await?.is_some() {
            return Ok(Redirect::to("/").into_response());
        }
        match self.begin_anew().await? {
            Some(page) => Ok(Redirect::to(&page.url()).into_response()),
            None => Err(Problem::Expired),
        }
    }

    /// An interrupted login begins anew at the provider; but whoever has come in meanwhile, in another tab, needs no other session instead of that one.
    async fn go_on_interrupted(&self, again: &str, page: Option<&str>) -> Result<Response, Problem> {
        let to = match page {
            Some(page) if enter::signed_in(&self.app, &self.session).await?.is_some() => page,
            _ => again,
        };
        Ok(Redirect::to(to).into_response())
    }

    /// The page that the last login of this browser was for, if that was left open for too long: going there begins another. Once an hour, because what
    /// comes too late a second time does not come late by itself.
    async fn begin_anew(&self) -> Result<Option<ReturnTo>, Problem> {
        let Some(browser) = &self.browser else { return Ok(None) };
        let page = browser.left_open(self.app.clock.now()).and_then(|page| self.app.find_return_to(page));
        let Some(page) = page else { return Ok(None) };
        let count = self.app.ephemeral.count(&format!("begun-anew:{}", browser.key()), BEGIN_ANEW_WINDOW).await?;
        Ok((count == 1).then_some(page))
    }

    /// `request_id`: the request that this browser started; `None` for a message that nobody asked for.
    async fn verify_saml(&self, entrance: &Entrance, message: &str, request_id: Option<&str>) -> Result<VerifiedIdentity, Unverified> {
        let Ok(Door::Saml(sp)) = &entrance.door else { return Err(Problem::NoSuchConnection.into()) };
        let now = self.app.clock.now();
        // Off this thread, which serves everyone else meanwhile: XML and signatures are the longest computation that a stranger can ask for.
        let (sp, message, request_id) = (Arc::clone(sp), message.to_owned(), request_id.map(str::to_owned));
        let (door, unopened) = (Arc::clone(&sp), message.clone());
        let openings = tokio::task::spawn_blocking(move || door.openings_key(&unopened)).await.map_err(|_| Problem::Unavailable)?;
        if let Some(key) = openings
            && self.app.ephemeral.count(&key, OPENINGS_WINDOW).await.map_err(Problem::from)? > MAX_OPENINGS
        {
            let cause = "the message was changed and sent again too often".to_owned();
            return Err(Unverified::Message { code: "decryption_paused", cause });
        }
        let finished = tokio::task::spawn_blocking(move || sp.finish(&message, request_id.as_deref(), now)).await;
        let checked = match finished.map_err(|_| Problem::Unavailable)? {
            Ok(checked) => checked,
            Err(error) => return Err(Unverified::message(error.code(), &error)),
        };
        let (key, ttl) = checked.replay_key();
        if !self.app.ephemeral.claim(&key, ttl).await.map_err(Problem::from)? {
            return Err(Unverified::Message { code: "assertion_replayed", cause: "the assertion was used before".to_owned() });
        }
        Ok(checked.accept(&FirstUse::claimed()))
    }

    async fn verify_oidc(&self, entrance: &Entrance, callback: &Callback, login: &PendingLogin) -> Result<VerifiedIdentity, Unverified> {
        let (Ok(Door::Oidc(rp)), PendingProtocol::Oidc(pending)) = (&entrance.door, &login.protocol) else {
            return Err(Unverified::changed());
        };
        match rp.finish(callback, pending, self.app.clock.now()).await {
            // The pending login was taken atomically, so its code is redeemed for the first time.
            Ok(checked) => Ok(checked.accept(&FirstUse::claimed())),
            Err(error) if !login.test && (error.is_provider_unreachable() || error.is_provider_refusal()) => {
                // Who went back at the provider by themselves is no fault of anybody's.
                if error.is_provider_unreachable() {
                    self.app.logins.ended.add((entrance.connection.id.clone(), error.code()), 1);
                }
                Err(Problem::oidc(&entrance.connection, &error).into())
            }
            // Whoever does something dangerous is told what is missing. Not that it counted anyway: the browser carries the question, so who holds the browser
            // can leave out that the person has to be asked anew, and only the provider's own word tells (OpenID Connect Core 3.1.2.1).
            Err(error @ OidcError::AuthTimeMissing) if login.fresh => {
                match self.refuse(&entrance.connection.id, error.code(), &describe(&error)).await {
                    Problem::InvalidMessage { incident } => {
                        Err(Problem::SignInTimeMissing { name: entrance.connection.name.clone(), incident }.into())
                    }
                    other => Err(other.into()),
                }
            }
            Err(error) => Err(Unverified::message(error.code(), &error)),
        }
    }

    /// A message that did not verify: the administrator who tries a connection reads why, anybody else learns nothing.
    async fn unverified(&self, login: &PendingLogin, unverified: Unverified) -> Result<Response, Problem> {
        match unverified {
            Unverified::Problem(problem) => Err(problem),
            Unverified::Message { code, cause } if login.test => test::failed(&self.app, login, code, &cause).await,
            Unverified::Message { code, cause } => Err(self.refuse(&login.connection, code, &cause).await),
        }
    }

    /// A message that was not valid: one audit line with the exact code, one page that tells the sender nothing.
    async fn refuse(&self, connection: &ConnectionId, code: &'static str, cause: &str) -> Problem {
        Problem::refuse_message(&self.app, Message::Login, connection, code, cause, &self.origin).await
    }

    /// Decides and writes; then nothing is left but the answer. When something of ours stands in the way, a store that cannot be used above all, what was
    /// proven is used up all the same: the browser that comes again is led to the provider again.
    async fn conclude(
        &self,
        key: &str,
        browser: &BrowserId,
        login: &PendingLogin,
        verified: &VerifiedIdentity,
    ) -> Result<Response, Problem> {
        if login.test {
            return test::succeeded(&self.app, login, verified).await;
        }
        let answer = self.decide(key, browser, login, verified).await;
        if matches!(answer, Err(Problem::Unavailable)) {
            let fresh = if login.fresh { "&fresh=true" } else { "" };
            let again = format!("/login/{}?{}{fresh}", login.connection, start::query(&login.return_to, login.enter.as_deref()));
            let page = (!login.fresh).then(|| login.return_to.url());
            let finished = Finished { browser: browser.hash(), end: End::Interrupted { again, page } };
            // Where this cannot be kept either, the next answer is that the login is over.
            PendingLogins(self.app.ephemeral.as_ref()).finish(key, &finished).await.ok();
        }
        answer
    }

    async fn decide(&self, key: &str, browser: &BrowserId, login: &PendingLogin, verified: &VerifiedIdentity) -> Result<Response, Problem> {
        limits::by_account(&self.app, verified.identity()).await?;
        let origin = self.origin.with_incident(&self.app)?;
        let now = self.app.clock.now();
        let pending = PendingLogins(self.app.ephemeral.as_ref());
        match complete(self.app.store.as_ref(), &self.app.logins, verified, &login.organization, &origin, now).await? {
            Ending::Admitted { row } => {
                self.app.sessions.invalidate_member(&row.member.organization, row.member.person);
                // Not before: only who was let in and comes again goes round in circles, not who was met by an outage and tries again.
                enter::stop_loops(&self.app, browser, &login.return_to).await?;
                let session = enter::sign_in(&self.app, &self.session, &row, verified, self.origin.client()).await?;
                let answer = enter::go_on(&self.app, &self.session, &login.return_to, login.enter.as_deref()).await?;
                let url = login.return_to.url();
                let end = End::Admitted { url: url.clone(), session };
                pending.finish(key, &Finished { browser: browser.hash(), end }).await?;
                Ok(answer.unwrap_or_else(|| Redirect::to(&url).into_response()))
            }
            Ending::Refused { reason, decision, removed } => {
                if let Some(row) = removed {
                    self.app.sessions.invalidate_member(&row.member.organization, row.member.person);
                    self.app.sessions.end_sessions(Selector::Member(row.member.id), Cause::Removed).await?;
                }
                let (organization, incident) = (login.organization.clone(), origin.incident);
                let again = format!("/login?again=true&{}", start::query(&login.return_to, login.enter.as_deref()));
                let refusal = ask::Refusal { organization: &organization, decision, reason, incident, again: &again };
                let access = ask::offer(&self.app, refusal).await?;
                let end =
                    End::Refused { reason, organization: organization.clone(), incident, again: again.clone(), access: access.clone() };
                pending.finish(key, &Finished { browser: browser.hash(), end }).await?;
                Err(Problem::Refused { reason, organization, incident, again, access })
            }
        }
    }
}

/// Why there is no identity.
enum Unverified {
    /// The message is not acceptable.
    Message { code: &'static str, cause: String },
    /// Something else stands in the way.
    Problem(Problem),
}

impl Unverified {
    fn message(code: &'static str, error: &dyn std::error::Error) -> Self {
        Self::Message { code, cause: describe(error) }
    }

    fn changed() -> Self {
        Self::Message { code: "connection_changed", cause: "the connection changed while the login was under way".to_owned() }
    }
}

impl From<Problem> for Unverified {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Through a connection that is off comes only an administrator who tries it.
fn need_open(entrance: &Entrance, login: &PendingLogin) -> Result<(), Problem> {
    if entrance.connection.enabled || login.test { Ok(()) } else { Err(Problem::NoSuchConnection) }
}
