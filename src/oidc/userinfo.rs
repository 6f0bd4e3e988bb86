//! Claims from the userinfo endpoint (OpenID Connect Core 5.3): asked only after the ID token held, and only for what it lacks.

use http::{Method, StatusCode, header};
use jiff::Timestamp;
use openidconnect::AccessToken;
use serde_json::Value;
use url::Url;

use super::discovery::Provider;
use super::id_token::{check_audience, seconds};
use super::json::{Object, parse_object};
use super::jws::Kind;
use super::{OidcError, RelyingParty};
use crate::clock::CLOCK_SKEW;

const MAX_BYTES: usize = 1024 * 1024;

/// Whose claims, and with what they are asked for.
pub(super) struct Question<'a> {
    pub(super) url: &'a Url,
    pub(super) access_token: &'a AccessToken,
    pub(super) subject: &'a str,
}

impl RelyingParty {
    /// The claims about the subject. Whatever goes wrong refuses the login: without them the decision would rest on half of the facts.
    ///
    /// The library's own request is not used: it panics over an access token that does not fit into a header, and reads claims strictly.
    pub(super) async fn ask_userinfo(&self, provider: &Provider, question: Question<'_>, now: Timestamp) -> Result<Object, OidcError> {
        let request = http::Request::builder()
            .method(Method::GET)
            .uri(question.url.as_str())
            .header(header::ACCEPT, "application/json, application/jwt")
            .header(header::AUTHORIZATION, format!("Bearer {}", question.access_token.secret()))
            .body(Vec::new())
            .map_err(|_| OidcError::UserinfoInvalid("it could not be asked"))?;
        let fetched = self.outbound.send(request, self.reach, MAX_BYTES).await?;
        if fetched.status != StatusCode::OK {
            return Err(OidcError::UserinfoInvalid("the provider refused the access token"));
        }
        let claims = if fetched.media_type.as_deref() == Some("application/jwt") {
            self.read_signed(provider, &fetched.body, now).await?
        } else {
            parse_object(&fetched.body).ok_or(OidcError::UserinfoInvalid("it is not a JSON object"))?
        };
        if claims.get("sub").and_then(Value::as_str) == Some(question.subject) {
            Ok(claims)
        } else {
            Err(OidcError::UserinfoSubjectMismatch)
        }
    }

    /// A signed answer: of the same provider, for us, and with the signatures that the connection accepts (OpenID Connect Core 5.3.2).
    async fn read_signed(&self, provider: &Provider, body: &[u8], now: Timestamp) -> Result<Object, OidcError> {
        // The code of the check that failed; a provider that is down stays one that is down.
        let named = |error: OidcError| if error.is_provider_unreachable() { error } else { OidcError::UserinfoInvalid(error.code()) };
        let token = std::str::from_utf8(body).map_err(|_| OidcError::UserinfoInvalid("it is not text"))?;
        let signed = self.verify(provider, token.trim(), Kind::Id, now).await.map_err(named)?;
        self.issuer.check(&signed).map_err(named)?;
        check_audience(&signed.claims, &self.settings.client_id, &self.settings.trusted_audiences).map_err(named)?;
        let over = |expires: i64| expires <= now.as_second().saturating_sub(CLOCK_SKEW.as_secs());
        if signed.claims.contains_key("exp") && seconds(&signed.claims, "exp").is_none_or(over) {
            return Err(named(OidcError::Expired));
        }
        Ok(signed.claims)
    }
}
