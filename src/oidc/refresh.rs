//! A session's confirmation: the refresh token, once, for the provider's word that the person may stay (OpenID Connect Core 12). When the session is
//! over, the token is given back.

use http::StatusCode;
use jiff::Timestamp;
use openidconnect::{OAuth2TokenResponse as _, RefreshToken};

use super::id_token::{Expected, text};
use super::json::Object;
use super::jws::Kind;
use super::{OidcError, RelyingParty};
use crate::core::{RefreshGrant, Secret};

/// Of an answer that says nothing.
const MAX_BYTES: usize = 64 * 1024;

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

    /// Uses a grant: the next refresh token, if the provider gives another. A new ID token has to be about the same person (Core 12.2).
    ///
    /// # Errors
    /// [`OidcError`]: [`OidcError::ends_session`] says whether the session is.
    pub async fn refresh(&self, grant: &RefreshGrant, now: Timestamp) -> Result<Option<Secret>, OidcError> {
        let provider = self.provider(now).await?;
        let tokens = {
            let (client, token) = (self.client(&provider)?, RefreshToken::new(grant.token.reveal().to_owned()));
            let mut request = client.exchange_refresh_token(&token);
            for (name, value) in self.assertion(now)? {
                request = request.add_extra_param(name, value);
            }
            request.request_async(self).await.map_err(super::exchange::refused)?
        };
        if let Ok(id_token) = tokens.id_token() {
            let signed = self.verify(&provider, id_token, Kind::Id, now).await?;
            let expected = Expected {
                settings: &self.settings,
                issuer: &self.issuer,
                nonce: &grant.nonce,
                authenticated_since: None,
                access_token: tokens.access_token(),
                now,
            };
            expected.check_refreshed(&signed, &grant.issuer, &grant.subject)?;
        }
        Ok(tokens.next().cloned())
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
