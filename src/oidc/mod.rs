//! OpenID Connect: the door that turns a provider's callback into one verified identity. It knows nothing of members, roles or seats.
//!
//! - [`RelyingParty`]: one for each connection; starts without its provider
//! - `discovery`, `jwks`: what the provider publishes; `kept` holds it for an hour and fetches it once
//! - `start`: the addresses for the browser, sign-in and sign-out
//! - [`Callback`], `exchange`: the answer and its code, for tokens
//! - `jws`, `id_token`: the signature, then the checks; `logout_token`: those of a provider's own logout
//! - `claims`, `userinfo`: verified claims, read leniently
//! - [`OidcError`]: every refusal, with its code
//!
//! The one rule of this folder: nothing is read before it is verified, and the library's defaults verify too little. `openidconnect` makes
//! the addresses, the requests and the arithmetic of signatures; what is accepted is decided here, from the connection's settings, never
//! from the token or the provider's own document.

mod callback;
mod claims;
mod discovery;
mod error;
mod exchange;
mod id_token;
mod json;
mod jwks;
mod jws;
mod kept;
mod logout_token;
mod start;
mod userinfo;

use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

pub use callback::Callback;
pub use error::OidcError;
pub use logout_token::ProviderSaid;
pub use start::Started;

use crate::core::{Connection, ConnectionId, DoorSession, FirstUse, Identity, OidcSettings, VerifiedIdentity};
use crate::outbound::{Outbound, Reach, check_url};
use claims::Claims;
use discovery::Provider;
use id_token::Expected;
use jwks::Keys;
use jws::{Algorithms, Kind, Signed, UnverifiedToken};
use kept::Kept;

/// Usher as the client of one provider.
#[derive(Debug)]
pub struct RelyingParty {
    connection: ConnectionId,
    settings: OidcSettings,
    algorithms: Algorithms,
    issuer: String,
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
        let discovery_url = discovery::url_of(&settings.issuer)?;
        check_url(&discovery_url, reach)?;
        if settings.client_id.is_empty() {
            return Err(OidcError::SettingsInvalid("the client id is empty"));
        }
        Ok(Self {
            connection: connection.id.clone(),
            algorithms: Algorithms::parse(&settings.algorithms)?,
            issuer: settings.issuer.clone(),
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
    /// `nonce` and `code_verifier` are what [`Started`] gave.
    ///
    /// # Errors
    /// [`OidcError`]: the first check that failed. After a refused ID token nothing more is asked of the provider.
    pub async fn finish(&self, callback: &Callback, nonce: &str, code_verifier: &str, now: Timestamp) -> Result<Checked, OidcError> {
        let provider = self.provider(now).await?;
        let code = callback.code(&self.issuer, provider.sends_issuer)?;
        let tokens = self.redeem(&provider, code, code_verifier).await?;
        let id_token = tokens.id_token()?;
        let signed = self.verify(&provider, id_token, Kind::Id, now).await?;
        let access_token = openidconnect::OAuth2TokenResponse::access_token(&tokens);
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.settings.client_id,
            trusted_audiences: &self.settings.trusted_audiences,
            nonce,
            access_token,
            now,
        };
        let verified = expected.check(signed)?;

        let claims = Claims { settings: &self.settings, id_token: &verified, userinfo: None };
        let userinfo = match &provider.userinfo {
            Some(url) if self.settings.userinfo && claims.has_gaps() => {
                let subject = verified.get("sub").and_then(serde_json::Value::as_str).ok_or(OidcError::SubjectInvalid)?;
                Some(self.ask_userinfo(url, access_token, subject).await?)
            }
            _ => None,
        };
        self.checked(&Claims { userinfo: userinfo.as_ref(), ..claims }, id_token)
    }

    /// The issuer, as the connection names it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn provider(&self, now: Timestamp) -> Result<Arc<Provider>, OidcError> {
        self.provider.load(now, || self.discover()).await
    }

    /// Checks the signature. A key that is not there or does not fit may be newer than ours: the set is read again, once a minute at most.
    async fn verify(&self, provider: &Provider, token: &str, kind: Kind, now: Timestamp) -> Result<Signed, OidcError> {
        let token = UnverifiedToken::parse(token, kind, &self.algorithms)?;
        let fetch = || self.fetch_keys(&provider.keys);
        let keys = self.keys.load(now, fetch).await?;
        let refused = match token.verify(&keys) {
            Err(refused @ (OidcError::KeyNotFound | OidcError::SignatureInvalid)) => refused,
            verified => return verified,
        };
        match self.keys.refetch(&keys, now, fetch).await? {
            Some(newer) => token.verify(&newer),
            None => Err(refused),
        }
    }

    fn checked(&self, claims: &Claims<'_>, id_token: &str) -> Result<Checked, OidcError> {
        let identity = Identity {
            connection: self.connection.clone(),
            subject: claims.subject()?.to_owned(),
            email: claims.email(),
            name: claims.name(),
            groups: claims.groups(),
            idp_initiated: false,
        };
        let session = DoorSession {
            index: claims.session(),
            // The provider's logout calls the person by `sub`, whatever claim is the subject here.
            name_id: claims.sub(),
            issued_at: claims.issued_at(),
            id_token: Some(id_token.to_owned()),
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
