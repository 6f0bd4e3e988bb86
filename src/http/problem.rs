//! Everything that can go wrong on the auth host, and the only place that turns it into a status and a page.
//!
//! The browser sees a plain sentence and an incident id; the log has the whole chain under that id.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tower_http::csrf::ProtectionError;

use super::login::ask::Access;
use super::origin::Origin;
use super::views::{self, Link, NotFound, Page, ProblemKind, Reference, Refused, Unavailable, View as _};
use crate::app::{App, NoOrganization};
use crate::core::{Connection, ConnectionId, IncidentId, OrganizationId, Reason};
use crate::doors::describe;
use crate::login::LoginError;
use crate::oidc::OidcError;
use crate::random::{self, RandomError};
use crate::session::SessionError;
use crate::store::ephemeral::EphemeralError;
use crate::store::{NewAuditLine, StoreError};

/// What a program is told to wait after a 503.
pub(super) const RETRY_AFTER_SECONDS: u32 = 5;

/// What went wrong, as far as the answer depends on it.
#[derive(Debug)]
pub(super) enum Problem {
    /// The rules said no.
    Refused {
        /// Why.
        reason: Reason,
        /// Whose admins to ask.
        organization: OrganizationId,
        /// The reference.
        incident: Option<IncidentId>,
        /// Where to try with another account: sign-in, with the page that was asked for.
        again: String,
        /// Whether to ask for access.
        access: Access,
    },
    /// The provider's message was not valid. Says nothing about what was wrong with it.
    InvalidMessage {
        /// The reference.
        incident: IncidentId,
    },
    /// The provider cannot be reached, or answers with faults.
    ProviderUnreachable {
        /// Its name for people.
        name: String,
    },
    /// The person said no at the provider, or the provider said no to the person.
    ProviderRefused {
        /// Its name for people.
        name: String,
    },
    /// The login was for something that needs a fresh sign-in, and the provider did not say when it was.
    SignInTimeMissing {
        /// Its name for people.
        name: String,
        /// The reference.
        incident: IncidentId,
    },
    /// The login is too old, or was never started.
    Expired,
    /// The browser did not send the cookie that the start of the login set.
    CookieMissing,
    /// Three logins for one page within a minute.
    Loop,
    /// One address or account asks too often.
    TooManyRequests,
    /// There is no way to sign in.
    NotSetUp,
    /// No such connection.
    NoSuchConnection,
    /// No such page.
    NotFound,
    /// The request does not have the form that it should.
    Malformed,
    /// Another site sent this form.
    CrossSite,
    /// A recovery link that was used, is too old, or was never made.
    RecoveryLink,
    /// A store is down, or Usher itself has a fault: nothing was decided.
    Unavailable,
}

/// What a message that did not verify was about; the audit tells one from the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message {
    /// A login.
    Login,
    /// A logout.
    Logout,
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Login => "login message",
            Self::Logout => "logout message",
        })
    }
}

impl Message {
    const fn event(self) -> &'static str {
        match self {
            Self::Login => "login.refused",
            Self::Logout => "logout.refused",
        }
    }
}

/// So many messages of strangers are written down for a connection within [`STRANGERS_WINDOW`]: anyone can send them, and nobody may fill the audit.
const STRANGERS_LIMIT: u64 = 30;
const STRANGERS_WINDOW: Duration = Duration::from_mins(1);
/// The same for messages that answer a login of ours: anyone can begin one, but so does everybody at nine o'clock when a certificate is wrong.
const REFUSALS_LIMIT: u64 = 300;

impl Problem {
    /// A connection that cannot start a login because of its own settings.
    pub(super) fn broken_connection(connection: &Connection, cause: &str) -> Self {
        tracing::error!(connection.id = %connection.id, cause, "a login cannot be started");
        Self::ProviderUnreachable { name: connection.name.clone() }
    }

    /// A fault at the provider's side of OpenID Connect.
    pub(super) fn oidc(connection: &Connection, error: &OidcError) -> Self {
        tracing::warn!(connection.id = %connection.id, deny.code = error.code(), cause = describe(error), "the provider could not be used");
        let name = connection.name.clone();
        if error.is_provider_refusal() { Self::ProviderRefused { name } } else { Self::ProviderUnreachable { name } }
    }

    /// A message that did not verify: one log line and one audit line with the exact code, under the incident id that the page shows. A flood of them
    /// is in the log alone.
    pub(super) async fn refuse_message(
        app: &App,
        message: Message,
        connection: &ConnectionId,
        code: &'static str,
        cause: &str,
        origin: &Origin,
    ) -> Self {
        if matches!(message, Message::Login) {
            app.logins.ended.add((connection.clone(), code), 1);
        }
        let Ok(origin) = origin.with_incident(app) else { return Self::Unavailable };
        let Some(incident) = origin.incident else { return Self::Unavailable };
        tracing::warn!(connection.id = %connection, deny.code = code, incident.id = %incident, cause, "a {message} was refused");
        match app.ephemeral.count(&format!("refusals:{connection}"), STRANGERS_WINDOW).await {
            Ok(count) if count <= REFUSALS_LIMIT => {}
            Ok(_) => return Self::InvalidMessage { incident },
            Err(error) => return error.into(),
        }
        let line = NewAuditLine {
            event: message.event(),
            actor: "system",
            organization: None,
            target: Some(connection.as_str()),
            reason: Some(Reason::AuthInvalid),
            detail: serde_json::json!({ "code": code, "connection": connection }),
            origin: &origin,
            now: app.clock.now(),
        };
        match app.store.record(line).await {
            Ok(_) => Self::InvalidMessage { incident },
            Err(error) => error.into(),
        }
    }

    /// The same for a message that came without a login of ours: the sender may be anyone, and send any number.
    pub(super) async fn refuse_stranger(
        app: &App,
        message: Message,
        connection: &ConnectionId,
        code: &'static str,
        cause: &str,
        origin: &Origin,
    ) -> Self {
        match app.ephemeral.count(&format!("strangers:{connection}"), STRANGERS_WINDOW).await {
            Ok(count) if count <= STRANGERS_LIMIT => Self::refuse_message(app, message, connection, code, cause, origin).await,
            Ok(_) => match origin.with_incident(app).map(|origin| origin.incident) {
                Ok(Some(incident)) => Self::InvalidMessage { incident },
                _ => Self::Unavailable,
            },
            Err(error) => error.into(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused { reason, .. } => reason.code(),
            Self::InvalidMessage { .. } => Reason::AuthInvalid.code(),
            Self::ProviderUnreachable { .. } => "provider_unreachable",
            Self::ProviderRefused { .. } => "provider_refused",
            Self::SignInTimeMissing { .. } => "auth_time_missing",
            Self::Expired => "login_expired",
            Self::CookieMissing => "cookie_missing",
            Self::Loop => "login_loop",
            Self::TooManyRequests => "too_many_requests",
            Self::NotSetUp => "not_set_up",
            Self::NoSuchConnection | Self::NotFound => "not_found",
            Self::Malformed => "bad_request",
            Self::CrossSite => "cross_site",
            Self::RecoveryLink => "recovery_link",
            Self::Unavailable => "unavailable",
        }
    }

    /// The page. Nothing in it tells a sender which check failed.
    fn page(&self, app: &App, incident: IncidentId, at: Timestamp) -> Response {
        let brand = match self {
            Self::Refused { organization, .. } => app.brand_of(organization),
            _ => app.default_brand(),
        };
        let page = Page::of(&brand);
        let incident = incident.to_string();
        let reference = Some(Reference { incident: &incident, at, code: self.code() });
        let again = Some(Link { label: "Sign in again", href: "/login?again=true" });
        let problem = |kind| views::Problem { page, kind, action: again, reference }.respond();
        match self {
            Self::Refused { reason, again, access, .. } => Refused {
                page,
                reason: *reason,
                signed_in_as: None,
                access: match access {
                    Access::Closed => views::Access::Closed,
                    Access::Open { form } => views::Access::Open { form },
                    Access::Asked { at } => views::Access::Asked { at: *at },
                    Access::Declined { at, note } => views::Access::Declined { at: *at, note: note.as_deref() },
                },
                other_account_href: Some(again),
                reference,
            }
            .respond(),
            Self::InvalidMessage { .. } => {
                let refused = Refused {
                    page,
                    reason: Reason::AuthInvalid,
                    signed_in_as: None,
                    access: views::Access::Closed,
                    other_account_href: Some("/login?again=true"),
                    reference,
                };
                let mut response = refused.respond();
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            }
            Self::ProviderUnreachable { name } => problem(ProblemKind::ProviderUnreachable { provider: name }),
            Self::ProviderRefused { name } => problem(ProblemKind::ProviderRefused { provider: name }),
            Self::SignInTimeMissing { name, .. } => problem(ProblemKind::SignInTimeMissing { provider: name }),
            Self::Expired => problem(ProblemKind::LoginExpired),
            Self::CookieMissing => problem(ProblemKind::CookiesBlocked),
            Self::Loop => problem(ProblemKind::LoginLoop),
            Self::TooManyRequests => problem(ProblemKind::TooManyRequests),
            Self::NotSetUp => problem(ProblemKind::NotSetUp),
            Self::Malformed => problem(ProblemKind::BadRequest),
            Self::CrossSite => problem(ProblemKind::CrossSite),
            Self::RecoveryLink => problem(ProblemKind::RecoveryLink),
            Self::NoSuchConnection | Self::NotFound => NotFound { page, home_href: Some("/"), reference }.respond(),
            Self::Unavailable => Unavailable { page, retry_href: None, retry_after_seconds: RETRY_AFTER_SECONDS, reference }.respond(),
        }
    }

    const fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::Refused { incident, .. } => *incident,
            Self::InvalidMessage { incident } | Self::SignInTimeMissing { incident, .. } => Some(*incident),
            _ => None,
        }
    }
}

/// The problem travels to [`show`] inside the response, because its page needs the organization's name.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Turns a problem into its page, under an incident id that the log line has too.
pub(super) async fn show(State(app): State<Arc<App>>, origin: Origin, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() else { return response };
    let now = app.clock.now();
    let made = || random::uuid(now).map(IncidentId::from_uuid);
    let Ok(incident) = problem.incident().map_or_else(made, Ok) else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    tracing::info!(request.id = origin.request(), incident.id = %incident, deny.reason = problem.code(), "answered with an error page");
    let mut page = problem.page(&app, incident, now);
    // A problem of a callback keeps the callback's own headers, and its stricter policy about its address.
    for (name, value) in response.headers() {
        if name == header::REFERRER_POLICY {
            page.headers_mut().insert(name, value.clone());
        } else if name != header::CONTENT_LENGTH && !page.headers().contains_key(name) {
            page.headers_mut().append(name, value.clone());
        }
    }
    page
}

/// No such page.
pub(super) async fn not_found() -> Problem {
    Problem::NotFound
}

/// A form that another site sent.
pub(super) fn cross_site(_: ProtectionError) -> Response {
    Problem::CrossSite.into_response()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(cause = describe(&error), "the store failed");
        Self::Unavailable
    }
}

impl From<EphemeralError> for Problem {
    fn from(error: EphemeralError) -> Self {
        tracing::error!(cause = describe(&error), "the session store failed");
        Self::Unavailable
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        if matches!(error, SessionError::EndedByProvider) {
            return Self::Expired;
        }
        tracing::error!(cause = describe(&error), "a session could not be used");
        Self::Unavailable
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        tracing::error!(cause = describe(&error), "a login could not be finished");
        Self::Unavailable
    }
}

impl From<RandomError> for Problem {
    fn from(error: RandomError) -> Self {
        tracing::error!(cause = describe(&error), "no randomness");
        Self::Unavailable
    }
}

impl From<tower_sessions::session::Error> for Problem {
    fn from(error: tower_sessions::session::Error) -> Self {
        tracing::error!(cause = describe(&error), "the session could not be read or written");
        Self::Unavailable
    }
}

impl From<NoOrganization> for Problem {
    fn from(_: NoOrganization) -> Self {
        Self::NotSetUp
    }
}
