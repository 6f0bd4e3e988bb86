//! Everything that can go wrong on the auth host, and the only place that turns it into a status and a page.
//!
//! The browser sees a plain sentence and an incident id; the log has the whole chain under that id.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::origin::Origin;
use crate::app::App;
use crate::core::{Connection, ConnectionId, IncidentId, OrganizationId, Reason};
use crate::doors::describe;
use crate::login::LoginError;
use crate::oidc::OidcError;
use crate::random::RandomError;
use crate::session::SessionError;
use crate::store::ephemeral::EphemeralError;
use crate::store::{NewAuditLine, StoreError};

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
    /// The login is too old, or was never started.
    Expired,
    /// The browser did not send the cookie that the start of the login set.
    CookieMissing,
    /// Three logins for one page within a minute.
    Loop,
    /// No such connection.
    NoSuchConnection,
    /// No such page.
    NotFound,
    /// The request does not have the form that it should.
    Malformed,
    /// Another site sent this form.
    CrossSite,
    /// A store is down, or Usher itself has a fault: nothing was decided.
    Unavailable,
}

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

    /// A message that did not verify: one log line and one audit line with the exact code, under the incident id that the page shows.
    pub(super) async fn refuse_message(app: &App, connection: &ConnectionId, code: &str, cause: &str, origin: &Origin) -> Self {
        let Ok(origin) = origin.with_incident(app) else { return Self::Unavailable };
        let Some(incident) = origin.incident else { return Self::Unavailable };
        tracing::warn!(connection.id = %connection, deny.code = code, incident.id = %incident, cause, "a login message was refused");
        let line = NewAuditLine {
            event: "login.refused",
            actor: "system",
            organization: None,
            target: Some(connection.as_str()),
            reason: Some(Reason::AuthInvalid),
            detail: serde_json::json!({ "code": code }),
            origin: &origin,
            now: app.clock.now(),
        };
        match app.store.record(line).await {
            Ok(_) => Self::InvalidMessage { incident },
            Err(error) => error.into(),
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Refused { .. } | Self::CrossSite | Self::ProviderRefused { .. } => StatusCode::FORBIDDEN,
            Self::InvalidMessage { .. } | Self::Expired | Self::CookieMissing | Self::Loop | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NoSuchConnection | Self::NotFound => StatusCode::NOT_FOUND,
            Self::ProviderUnreachable { .. } => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
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
