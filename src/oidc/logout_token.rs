//! A provider's own logout, told without a browser (OpenID Connect Back-Channel Logout 1.0): the checks of a logout token.
//!
//! A logout token looks like an ID token, and must never pass for one, nor the other way round: it has the event, and no nonce.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::form_urlencoded;

use super::id_token::{check_audience, is_subject, seconds, text};
use super::json::Object;
use super::jws::Kind;
use super::{OidcError, RelyingParty};
use crate::clock::CLOCK_SKEW;
use crate::core::ProviderLogout;

/// How long ago a logout token may have been issued: it is sent at once, and kept from being played again for as long as it counts.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(2);
/// The member that makes a token a logout token (Back-Channel Logout 1.0, 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Longest id of a token that is remembered.
const MAX_ID_BYTES: usize = 255;

/// A logout that a provider told us of, verified but for its first use.
#[derive(Debug)]
pub struct ProviderSaid {
    /// Which sessions it means.
    pub logout: ProviderLogout,
    /// The token's own id, `jti`.
    id: String,
}

impl ProviderSaid {
    /// What to claim before anything is ended, and for how long: a token counts once.
    #[must_use]
    pub fn replay_key(&self) -> (String, Duration) {
        let key = format!("logout-token:{}:{}", self.logout.connection, self.id);
        // From the earliest moment at which it counts to the end of the latest second: its times are whole seconds.
        (key, (MAX_AGE + CLOCK_SKEW + CLOCK_SKEW + SignedDuration::from_secs(1)).unsigned_abs())
    }
}

impl RelyingParty {
    /// Reads the body of a back-channel request and checks the token in it.
    ///
    /// # Errors
    /// [`OidcError`]: the first check that failed. The answer is 400, and nothing ends.
    pub async fn read_logout(&self, body: &str, now: Timestamp) -> Result<ProviderSaid, OidcError> {
        let provider = self.provider(now).await?;
        let signed = self.verify(&provider, &token_of(body)?, Kind::Logout, now).await?;
        self.issuer.check(&signed)?;
        let claims = signed.claims;
        check_audience(&claims, &self.settings.client_id, &self.settings.trusted_audiences)?;
        let issued_at = check_times(&claims, now)?;
        if claims.contains_key("nonce") {
            return Err(OidcError::LogoutTokenInvalid("it has a nonce, like an ID token"));
        }
        if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
            return Err(OidcError::LogoutTokenInvalid("it does not have the event of a logout"));
        }
        let id = text(&claims, "jti").filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
        let id = id.ok_or(OidcError::LogoutTokenInvalid("it has no id"))?.to_owned();
        let name = |claim: &str| match claims.get(claim) {
            None => Ok(None),
            Some(Value::String(name)) if is_subject(name) => Ok(Some(name.clone())),
            Some(_) => Err(OidcError::LogoutTokenInvalid("its subject or session is malformed")),
        };
        let (name_id, session) = (name("sub")?, name("sid")?);
        if name_id.is_none() && session.is_none() {
            return Err(OidcError::LogoutTokenInvalid("it names neither a subject nor a session"));
        }
        let logout = ProviderLogout { connection: self.connection.clone(), name_id, indexes: session.into_iter().collect(), issued_at };
        Ok(ProviderSaid { logout, id })
    }
}

/// The form has the token once; whatever else a provider sends with it is not ours to judge.
fn token_of(body: &str) -> Result<String, OidcError> {
    let mut tokens = form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| name == "logout_token").map(|(_, value)| value);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token.into_owned()),
        _ => Err(OidcError::LogoutTokenInvalid("the request does not have it exactly once")),
    }
}

/// When it was issued: a moment ago. `exp` may be left out by older providers; where it is, it counts.
fn check_times(claims: &Object, now: Timestamp) -> Result<Timestamp, OidcError> {
    let (now, skew) = (now.as_second(), CLOCK_SKEW.as_secs());
    let issued = seconds(claims, "iat").ok_or(OidcError::IssueTimeMissing)?;
    if issued > now.saturating_add(skew) {
        return Err(OidcError::IssuedInFuture);
    }
    if issued < now.saturating_sub(MAX_AGE.as_secs() + skew) {
        return Err(OidcError::IssuedTooLongAgo);
    }
    if claims.contains_key("exp") && seconds(claims, "exp").is_none_or(|expires| expires <= now.saturating_sub(skew)) {
        return Err(OidcError::Expired);
    }
    Timestamp::from_second(issued).map_err(|_| OidcError::IssueTimeMissing)
}
