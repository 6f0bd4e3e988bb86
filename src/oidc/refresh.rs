//! A session's confirmation: the refresh token, once, for the provider's word that the person may stay (OpenID Connect Core 12). When the session is
//! over, the token is given back.

use http::StatusCode;
use jiff::Timestamp;
use openidconnect::{OAuth2TokenResponse as _, RefreshToken};

use super::exchange::Tokens;
use super::id_token::{Expected, text};
use super::json::Object;
use super::jws::Kind;
use super::{OidcError, RelyingParty};
use crate::core::{RefreshGrant, Secret};

/// Of an answer that says nothing.
const MAX_BYTES: usize = 64 * 1024;

/// What came of a grant that was used.
#[derive(Debug)]
pub struct Refreshed {
    /// The next refresh token, if the provider gave another: from then on it is the one, whatever becomes of the ID token beside it. A provider that rotates
    /// its tokens takes a second use of the old one for theft (RFC 9700 4.14.2).
    pub next: Option<Secret>,
    /// Whether the person may stay, as far as this answer says; [`OidcError::ends_session`] tells a no from no answer.
    pub checked: Result<(), OidcError>,
}

impl RelyingParty {
    /// The grant of a login, where the connection wants its sessions confirmed.
    ///
    /// # Errors
    /// [`OidcError::RefreshTokenMissing`]: the connection asked, and the provider gave none.
    pub(super) fn grant(&self, token: Option<&Secret>, claims: &Object, nonce: &str) -> Result<Option<RefreshGrant>, OidcError> {
        let Some(refresh) = &self.settings.refresh else { return Ok(None) };
        let token = token.ok_or(OidcError::RefreshTokenMissing)?.clone();
        let claim = |name: &str| text(claims, name).unwrap_or_default().to_owned();
        Ok(Some(RefreshGrant {
            token,
            issuer: claim("iss"),
            subject: claim("sub"),
            nonce: nonce.to_owned(),
            every_seconds: refresh.every_seconds,
            grace_seconds: refresh.grace_seconds,
        }))
    }

    /// Uses a grant. A new ID token has to be about the same person (Core 12.2).
    pub async fn refresh(&self, grant: &RefreshGrant, now: Timestamp) -> Refreshed {
        match self.use_grant(grant, now).await {
            Ok(tokens) => Refreshed { checked: self.check_refreshed(&tokens, grant, now).await, next: tokens.next().cloned() },
            Err(error) => Refreshed { checked: Err(error), next: None },
        }
    }

    async fn use_grant(&self, grant: &RefreshGrant, now: Timestamp) -> Result<Tokens, OidcError> {
        let provider = self.provider(now).await?;
        let (client, token) = (self.client(&provider)?, RefreshToken::new(grant.token.reveal().to_owned()));
        let mut request = client.exchange_refresh_token(&token);
        for (name, value) in self.assertion(now)? {
            request = request.add_extra_param(name, value);
        }
        request.request_async(self).await.map_err(super::exchange::refused)
    }

    async fn check_refreshed(&self, tokens: &Tokens, grant: &RefreshGrant, now: Timestamp) -> Result<(), OidcError> {
        let Ok(id_token) = tokens.id_token() else { return Ok(()) };
        let signed = self.verify(&*self.provider(now).await?, id_token, Kind::Id, now).await?;
        let expected = Expected {
            settings: &self.settings,
            issuer: &self.issuer,
            nonce: &grant.nonce,
            authenticated_since: None,
            access_token: tokens.access_token(),
            now,
        };
        expected.check_refreshed(&signed, &grant.issuer, &grant.subject)
    }

    /// Gives a grant back, where the provider has a place for it (RFC 7009): a refresh token that nobody needs is one that somebody could find.
    ///
    /// # Errors
    /// [`OidcError`]: the provider did not take it. It lives as long as the provider lets it.
    pub async fn revoke(&self, grant: &RefreshGrant, now: Timestamp) -> Result<(), OidcError> {
        let provider = self.provider(now).await?;
        let Some(endpoint) = &provider.revocation else { return Ok(()) };
        let fields = [("token", grant.token.reveal()), ("token_type_hint", "refresh_token"), ("client_id", &self.settings.client_id)];
        let request = self.form(&provider, endpoint, &fields, now)?;
        let fetched = self.outbound.send(request, self.reach, MAX_BYTES).await?;
        // RFC 7009 2.2: also for a token that is none any more.
        if fetched.status == StatusCode::OK { Ok(()) } else { Err(OidcError::CodeRefused(fetched.status.as_u16().to_string())) }
    }
}
