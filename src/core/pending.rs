//! A login that was started and is not finished: taken once, bound to one browser.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ConnectionId, OrganizationId, ReturnTo};

/// What the start of a login leaves for its finish. Stored under its key (SAML `RelayState`, OIDC `state`) for [`PendingLogin::TTL`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLogin {
    /// The connection that it was started with; finishing with another is refused (mix-up).
    pub connection: ConnectionId,
    /// The organization to enter.
    pub organization: OrganizationId,
    /// Where to go then.
    pub return_to: ReturnTo,
    /// What the app host bound its ticket to, when the login began there.
    pub enter: Option<String>,
    /// SHA-256 of the browser id in the login cookie.
    pub browser: [u8; 32],
    /// When it started.
    pub started_at: Timestamp,
    /// An administrator tries the connection: nothing is decided, written or started at the end, and the result is kept for the console.
    #[serde(default)]
    pub test: bool,
    /// The provider has to ask the person anew: for something that needs a fresh sign-in.
    #[serde(default)]
    pub fresh: bool,
    /// What the protocol has to compare.
    pub protocol: PendingProtocol,
}

/// What the protocol has to compare at the finish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PendingProtocol {
    /// SAML.
    Saml {
        /// The ID of our `AuthnRequest`.
        request_id: String,
    },
    /// OpenID Connect.
    Oidc(PendingOidc),
}

/// What an OpenID Connect login leaves for its finish.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingOidc {
    /// The nonce in the ID token.
    pub nonce: String,
    /// The PKCE verifier: proves at the token endpoint that we are who asked.
    pub code_verifier: String,
    /// The person has to have authenticated since then, give or take the clocks; `None`: it does not matter when.
    #[serde(default)]
    pub authenticated_since: Option<Timestamp>,
}

impl std::fmt::Debug for PendingOidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingOidc").field("authenticated_since", &self.authenticated_since).finish_non_exhaustive()
    }
}

/// How the provider is asked who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asking {
    /// As usual: it may answer from its own session.
    #[default]
    Usual,
    /// It has to ask the person anew (`ForceAuthn`; `prompt=login` and `max_age=0`): for what needs a fresh sign-in.
    Anew,
}

impl PendingLogin {
    /// How long a login may take.
    pub const TTL: std::time::Duration = std::time::Duration::from_mins(10);
}
