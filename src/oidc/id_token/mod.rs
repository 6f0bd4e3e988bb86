//! The checks of an ID token (OpenID Connect Core 3.1.3.7), on claims whose signature holds.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use openidconnect::{AccessToken, AccessTokenHash};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::OidcError;
use super::issuer::Issuer;
use super::json::Object;
use super::jws::Signed;
use crate::clock::CLOCK_SKEW;
use crate::core::OidcSettings;

/// How long ago an ID token may have been issued: as long as a login may take.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(10);

/// What an ID token has to agree with.
pub(super) struct Expected<'a> {
    pub(super) settings: &'a OidcSettings,
    pub(super) issuer: &'a Issuer,
    pub(super) nonce: &'a str,
    /// The person has to have authenticated since then.
    pub(super) authenticated_since: Option<Timestamp>,
    pub(super) access_token: &'a AccessToken,
    pub(super) now: Timestamp,
}

impl Expected<'_> {
    /// All checks, or the first that fails. Gives the claims back.
    pub(super) fn check(&self, signed: Signed) -> Result<Object, OidcError> {
        let claims = &signed.claims;
        self.issuer.check(&signed)?;
        self.check_audience(claims)?;
        self.check_times(claims)?;
        let nonce = text(claims, "nonce").ok_or(OidcError::NonceMismatch)?;
        if self.nonce.is_empty() || !bool::from(nonce.as_bytes().ct_eq(self.nonce.as_bytes())) {
            return Err(OidcError::NonceMismatch);
        }
        self.check_access_token(&signed)?;
        if !text(claims, "sub").is_some_and(is_subject) {
            return Err(OidcError::SubjectInvalid);
        }
        self.check_authentication(claims)?;
        check_hosted_domain(claims, &self.settings.hosted_domains)?;
        Ok(signed.claims)
    }

    /// The checks of an ID token that came with a refresh: of the same person, from the same issuer, for us; it may leave out the nonce (Core 12.2).
    pub(super) fn check_refreshed(&self, signed: &Signed, issuer: &str, subject: &str) -> Result<(), OidcError> {
        let claims = &signed.claims;
        self.issuer.check(signed)?;
        if text(claims, "iss") != Some(issuer) || text(claims, "sub") != Some(subject) {
            return Err(OidcError::RefreshedSubjectMismatch);
        }
        self.check_audience(claims)?;
        self.check_times(claims)?;
        if claims.contains_key("nonce") && text(claims, "nonce") != Some(self.nonce) {
            return Err(OidcError::NonceMismatch);
        }
        self.check_access_token(signed)?;
        check_hosted_domain(claims, &self.settings.hosted_domains)
    }

    /// When and how the person authenticated (OpenID Connect Core 3.1.3.7, 12 and 13): the provider was only asked for it, so its answer is looked at.
    fn check_authentication(&self, claims: &Object) -> Result<(), OidcError> {
        if let Some(since) = self.authenticated_since {
            let skew = CLOCK_SKEW.as_secs();
            let at = seconds(claims, "auth_time").ok_or(OidcError::AuthTimeMissing)?;
            if at > self.now.as_second().saturating_add(skew) {
                return Err(OidcError::AuthenticatedInFuture);
            }
            if at < since.as_second().saturating_sub(skew) {
                return Err(OidcError::AuthenticatedTooLongAgo);
            }
        }
        let wanted = &self.settings.acr_values;
        if wanted.is_empty() || text(claims, "acr").is_some_and(|acr| wanted.iter().any(|wanted| wanted == acr)) {
            Ok(())
        } else {
            Err(OidcError::AuthenticationTooWeak)
        }
    }

    fn check_audience(&self, claims: &Object) -> Result<(), OidcError> {
        let audiences = check_audience(claims, &self.settings.client_id, &self.settings.trusted_audiences)?;
        match claims.get("azp") {
            Some(Value::String(party)) if *party == self.settings.client_id => Ok(()),
            None if audiences == 1 => Ok(()),
            _ => Err(OidcError::AuthorizedPartyMismatch),
        }
    }

    fn check_times(&self, claims: &Object) -> Result<(), OidcError> {
        let now = self.now.as_second();
        let skew = CLOCK_SKEW.as_secs();
        let expires = seconds(claims, "exp").ok_or(OidcError::ExpiryMissing)?;
        if now.saturating_sub(skew) >= expires {
            return Err(OidcError::Expired);
        }
        if claims.contains_key("nbf") && seconds(claims, "nbf").is_none_or(|from| from > now.saturating_add(skew)) {
            return Err(OidcError::NotYetValid);
        }
        let issued = seconds(claims, "iat").ok_or(OidcError::IssueTimeMissing)?;
        if issued > now.saturating_add(skew) {
            return Err(OidcError::IssuedInFuture);
        }
        if issued < now.saturating_sub(MAX_AGE.as_secs()) {
            return Err(OidcError::IssuedTooLongAgo);
        }
        Ok(())
    }

    /// `at_hash` may be left out in the code flow; where it is, it has to fit (OpenID Connect Core 3.1.3.8).
    fn check_access_token(&self, signed: &Signed) -> Result<(), OidcError> {
        let Some(claimed) = signed.claims.get("at_hash") else { return Ok(()) };
        let hash =
            AccessTokenHash::from_token(self.access_token, &signed.algorithm, &signed.key).map_err(|_| OidcError::AccessTokenMismatch)?;
        if claimed.as_str() == Some(hash.as_str()) { Ok(()) } else { Err(OidcError::AccessTokenMismatch) }
    }
}

/// The token is for this client, and for nobody beside it whom the connection does not trust. Gives how many it names.
pub(super) fn check_audience(claims: &Object, client_id: &str, trusted: &BTreeSet<String>) -> Result<usize, OidcError> {
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect::<Option<_>>().ok_or(OidcError::AudienceMismatch)?,
        _ => return Err(OidcError::AudienceMismatch),
    };
    if !audiences.contains(&client_id) {
        return Err(OidcError::AudienceMismatch);
    }
    if audiences.iter().all(|audience| *audience == client_id || trusted.contains(*audience)) {
        Ok(audiences.len())
    } else {
        Err(OidcError::AudienceUntrusted)
    }
}

/// Google has one issuer for all of the world, and `hd` says whose account it is. The parameter `hd` of the request only sorts the list of accounts.
fn check_hosted_domain(claims: &Object, domains: &BTreeSet<String>) -> Result<(), OidcError> {
    if domains.is_empty() || text(claims, "hd").is_some_and(|domain| domains.contains(domain)) {
        Ok(())
    } else {
        Err(OidcError::HostedDomainNotAllowed)
    }
}

/// OpenID Connect Core 2: at most 255 ASCII characters. Blanks at the ends would make two people of one.
pub(super) fn is_subject(subject: &str) -> bool {
    (1..=255).contains(&subject.len()) && subject.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && subject.trim() == subject
}

pub(super) fn text<'a>(claims: &'a Object, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// A `NumericDate`: whole seconds, or with a fraction, which is cut off (RFC 7519 2).
pub(super) fn seconds(claims: &Object, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and far-off times fail their checks")]
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests;
