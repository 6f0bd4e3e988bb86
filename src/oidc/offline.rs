//! An ID token read with the provider's keys at hand, and the provider not asked.

use jiff::Timestamp;
use openidconnect::AccessToken;

use super::claims::Claims;
use super::id_token::Expected;
use super::jwks::Keys;
use super::jws::{Kind, UnverifiedToken};
use super::{Checked, OidcError, RelyingParty};

impl RelyingParty {
    /// Every check of [`Self::finish`] that needs no provider: the signature with one of `keys` (a JSON Web Key Set), then the claims.
    ///
    /// # Errors
    /// [`OidcError`]: the first check that failed.
    pub fn read_id_token(&self, token: &str, keys: &[u8], nonce: &str, access_token: &str, now: Timestamp) -> Result<Checked, OidcError> {
        let signed = UnverifiedToken::parse(token, Kind::Id, &self.algorithms)?.verify(&Keys::parse(keys)?)?;
        let expected = Expected {
            settings: &self.settings,
            issuer: &self.issuer,
            nonce,
            authenticated_since: None,
            access_token: &AccessToken::new(access_token.to_owned()),
            now,
        };
        let verified = expected.check(signed)?;
        let claims = Claims { settings: &self.settings, id_token: &verified, userinfo: None };
        self.checked(&claims, claims.groups(), token)
    }
}
