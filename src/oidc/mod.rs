//! OpenID Connect: the door that turns a provider's callback into one verified identity. It knows nothing of members, roles or seats.
//!
//! - [`RelyingParty`]: one for each connection; starts without its provider
//! - `discovery`, `jwks`: what the provider publishes; `kept` holds it for an hour and fetches it once
//! - `issuer`: who the provider is, and which of its tenants are ours
//! - `start`, `push`: the addresses for the browser, sign-in and sign-out; the request without the browser
//! - `client_auth`: how Usher proves that it is the client
//! - [`Callback`], `exchange`: the answer and its code, for tokens
//! - `refresh` ([`Refreshed`]): the provider's word, later, that the person may stay
//! - `jws`, `id_token`: the signature, then the checks; `logout_token`: those of a provider's own logout
//! - `claims`, `userinfo`: verified claims, read leniently; `groups`: those that no claim has; `pasted`: claims that only an administrator looks at
//! - `offline`: the same checks of an ID token, without its provider
//! - [`OidcError`]: every refusal, with its code
//!
//! The one rule of this folder: nothing is read before it is verified, and the library's defaults verify too little. `openidconnect` makes
//! the addresses, the requests and the arithmetic of signatures; what is accepted is decided here, from the connection's settings, never
//! from the token or the provider's own document.

mod callback;
mod claims;
mod client_auth;
mod discovery;
mod error;
mod exchange;
mod groups;
mod id_token;
mod issuer;
mod json;
mod jwks;
mod jws;
mod kept;
mod logout_token;
mod offline;
mod pasted;
mod push;
mod refresh;
mod start;
mod userinfo;

use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

pub use callback::Callback;
pub use error::OidcError;
pub use logout_token::ProviderSaid;
pub use pasted::read_unverified;
pub use refresh::Refreshed;
pub use start::Started;

use crate::core::{
    Connection, ConnectionId, DoorSession, FirstUse, GroupClaim, Identity, OidcSettings, PendingOidc, Secret, VerifiedIdentity,
};
use crate::outbound::{Outbound, Reach, check_url};
use claims::Claims;
use client_auth::Signer;
use discovery::Provider;
use groups::ServiceAccount;
use id_token::Expected;
use issuer::Issuer;
use jwks::Keys;
use jws::{Algorithms, Kind, Signed, UnverifiedToken};
use kept::{Asker, Kept};
use userinfo::Question;

/// Usher as the client of one provider.
#[derive(Debug)]
pub struct RelyingParty {
    connection: ConnectionId,
    settings: OidcSettings,
    algorithms: Algorithms,
    issuer: Issuer,
    signer: Option<Signer>,
    service_account: Option<ServiceAccount>,
    discovery_url: Url,
    redirect_uri: Url,
    reach: Reach,
    outbound: Arc<Outbound>,
    provider: Kept<Provider>,
    keys: Kept<Keys>,
}

impl RelyingParty {
    /// Takes the settings of a connection; asks the provider nothing yet. `redirect_uri` is the callback of this connection alone, so that
    /// an answer cannot be brought to another (RFC 9700 4.4).
    ///
    /// # Errors
    /// [`OidcError::SettingsInvalid`] or [`OidcError::ProviderBlocked`]: these settings can never work.
    pub fn new(connection: &Connection, settings: &OidcSettings, redirect_uri: Url, outbound: Arc<Outbound>) -> Result<Self, OidcError> {
        let reach = Reach::of(connection);
        let issuer = Issuer::of(settings)?;
        let discovery_url = issuer.discovery_url()?;
        check_url(&discovery_url, reach)?;
        if settings.client_id.is_empty() {
            return Err(OidcError::SettingsInvalid("the client id is empty"));
        }
        let outbound = match client_auth::tls(settings)? {
            Some(tls) => {
                Arc::new(outbound.with_tls(&tls).map_err(|_| OidcError::SettingsInvalid("`client_key` or a certificate cannot be used"))?)
            }
            None => outbound,
        };
        Ok(Self {
            connection: connection.id.clone(),
            algorithms: Algorithms::parse(&settings.algorithms)?,
            issuer,
            signer: Signer::of(settings)?,
            service_account: groups::service_account(settings)?,
            settings: settings.clone(),
            discovery_url,
            redirect_uri,
            reach,
            outbound,
            provider: Kept::new(),
            keys: Kept::new(),
        })
    }

    /// Finishes a login. The caller has already taken the pending login of [`Callback::state`], once, for the browser that started it;
    /// `pending` is what [`Started`] gave.
    ///
    /// # Errors
    /// [`OidcError`]: the first check that failed. After a refused ID token nothing more is asked of the provider.
    pub async fn finish(&self, callback: &Callback, pending: &PendingOidc, now: Timestamp) -> Result<Checked, OidcError> {
        let provider = self.provider(now).await?;
        let code = callback.code(&self.issuer, provider.sends_issuer)?;
        let tokens = self.redeem(&provider, code, &pending.code_verifier, now).await?;
        let id_token = tokens.id_token()?;
        let signed = self.verify(&provider, id_token, Kind::Id, now).await?;
        let access_token = openidconnect::OAuth2TokenResponse::access_token(&tokens);
        let expected = Expected {
            settings: &self.settings,
            issuer: &self.issuer,
            nonce: &pending.nonce,
            authenticated_since: pending.authenticated_since,
            access_token,
            now,
        };
        let verified = expected.check(signed)?;

        let claims = Claims { settings: &self.settings, id_token: &verified, userinfo: None };
        let userinfo = match &provider.userinfo {
            Some(url) if self.settings.userinfo && claims.has_gaps() => {
                let subject = verified.get("sub").and_then(serde_json::Value::as_str).ok_or(OidcError::SubjectInvalid)?;
                Some(self.ask_userinfo(&provider, Question { url, access_token, subject }, now).await?)
            }
            _ => None,
        };
        let claims = Claims { userinfo: userinfo.as_ref(), ..claims };
        let groups = self.groups(&provider, &verified, claims.groups(), now).await;
        let mut checked = self.checked(&claims, groups, id_token)?;
        checked.session.refresh = self.grant(tokens.next(), &verified, &pending.nonce)?;
        checked.session.refresh_every_seconds = checked.session.refresh.as_ref().map(|grant| grant.every_seconds);
        Ok(checked)
    }

    /// Whether this is the issuer, or one of the tenants' that the connection names.
    #[must_use]
    pub fn is_issuer(&self, named: &str) -> bool {
        self.issuer.is(named)
    }

    async fn provider(&self, now: Timestamp) -> Result<Arc<Provider>, OidcError> {
        self.provider.load(now, || self.discover()).await
    }

    /// Checks the signature. A key that is not there or does not fit may be newer than ours: the set is read again, once a minute at most for what the
    /// provider itself gave us, and once for what anybody can send.
    async fn verify(&self, provider: &Provider, token: &str, kind: Kind, now: Timestamp) -> Result<Signed, OidcError> {
        let token = UnverifiedToken::parse(token, kind, &self.algorithms)?;
        let fetch = || self.fetch_keys(&provider.keys);
        let keys = self.keys.load(now, fetch).await?;
        let refused = match token.verify(&keys) {
            Err(refused @ (OidcError::KeyNotFound | OidcError::SignatureInvalid)) => refused,
            verified => return verified,
        };
        let asker = match kind {
            Kind::Id => Asker::Provider,
            Kind::Logout => Asker::Stranger,
        };
        match self.keys.refetch(&keys, asker, now, fetch).await? {
            Some(newer) => token.verify(&newer),
            None => Err(refused),
        }
    }

    fn checked(&self, claims: &Claims<'_>, groups: GroupClaim, id_token: &str) -> Result<Checked, OidcError> {
        let identity = Identity {
            connection: self.connection.clone(),
            subject: claims.subject(self.issuer.has_tenants())?,
            email: claims.email(),
            name: claims.name(),
            groups,
            idp_initiated: false,
        };
        let session = DoorSession {
            index: claims.session(),
            // The provider's logout calls the person by `sub`, whatever claim is the subject here.
            name_id: claims.sub(),
            issued_at: claims.issued_at(),
            authenticated_at: claims.authenticated_at(),
            id_token: Some(Secret::new(id_token)),
            ..DoorSession::default()
        };
        Ok(Checked { identity, session })
    }
}

/// An identity that passed every check but one: that its login was finished only once.
pub struct Checked {
    identity: Identity,
    session: DoorSession,
}

impl Checked {
    /// What was asserted.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Signs in. A code is used once because its pending login is taken once, which is what `first_use` proves.
    #[must_use]
    pub fn accept(self, first_use: &FirstUse) -> VerifiedIdentity {
        VerifiedIdentity::vouch(self.identity, self.session, first_use)
    }
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checked").finish_non_exhaustive()
    }
}
