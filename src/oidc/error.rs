//! Why a login over OpenID Connect did not come about: one variant for each refusal, each with a stable code.

use crate::outbound::OutboundError;
use crate::random::RandomError;

/// A refusal. [`OidcError::code`] is stable; the text is for logs and admins, and holds no token, no address of a person and no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum OidcError {
    /// The connection's settings cannot work.
    #[error("the connection is not set up right: {0}")]
    SettingsInvalid(&'static str),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] RandomError),

    /// The provider did not answer, or cannot serve now.
    #[error("the provider cannot be reached: {0}")]
    ProviderUnreachable(OutboundError),
    /// An address that this connection may not use, or a redirect.
    #[error("the provider's address is refused: {0}")]
    ProviderBlocked(OutboundError),
    /// A larger answer than Usher takes.
    #[error("the provider's answer is too large: {0}")]
    ProviderAnswerTooLarge(OutboundError),

    /// The discovery document is not there, not JSON, or lacks something.
    #[error("the discovery document cannot be used: {0}")]
    DiscoveryInvalid(String),
    /// The discovery document speaks for another issuer (OpenID Connect Discovery 4.3).
    #[error("the discovery document names another issuer than the connection")]
    DiscoveryIssuerMismatch,
    /// The provider says which PKCE methods it knows, and S256 is not among them (RFC 9700 2.1.1).
    #[error("the provider does not offer PKCE with S256")]
    PkceUnsupported,
    /// The key set is not there or not a key set.
    #[error("the provider's key set cannot be used: {0}")]
    KeysInvalid(String),

    /// The provider refused a pushed request, or named none (RFC 9126 2.3).
    #[error("the provider refused the pushed request: {0}")]
    PushRefused(String),

    /// The callback has no `state`, both `code` and `error`, neither, a parameter twice, or is too long.
    #[error("the callback is malformed: {0}")]
    CallbackMalformed(&'static str),
    /// The provider promises `iss` in callbacks, and it is not there (RFC 9207 2.4).
    #[error("the callback lacks the issuer that the provider promises to send")]
    CallbackIssuerMissing,
    /// The callback comes from another issuer than the login was started with (mix-up, RFC 9207).
    #[error("the callback names another issuer than the connection")]
    CallbackIssuerMismatch,
    /// The person said no at the provider, or may not use it.
    #[error("the provider answered access_denied: {0}")]
    AccessDenied(String),
    /// Any other error that the provider sent to the callback.
    #[error("the provider answered {error}: {description}")]
    ProviderRefused {
        /// The error code, cleaned.
        error: String,
        /// What the provider wrote with it, cleaned; for logs only.
        description: String,
    },

    /// The token endpoint refused the code, or Usher itself (`invalid_client`).
    #[error("the token endpoint answered {0}")]
    CodeRefused(String),
    /// The token endpoint's answer is not a token response.
    #[error("the token endpoint's answer is not a token response: {0}")]
    TokenResponseMalformed(&'static str),
    /// The token response has no ID token.
    #[error("the token response has no ID token")]
    IdTokenMissing,

    /// Larger than 64 KiB.
    #[error("the ID token is too large")]
    IdTokenTooLarge,
    /// Not three parts of base64url, not JSON, or a member twice.
    #[error("the ID token is malformed: {0}")]
    IdTokenMalformed(&'static str),
    /// The header has `crit`, `cty` or a `typ` of another kind of token.
    #[error("the ID token is of another kind: {0}")]
    IdTokenWrongType(&'static str),
    /// Signed with an algorithm that the connection does not list, or not at all.
    #[error("the ID token is signed with an algorithm that the connection does not list")]
    AlgorithmNotAllowed,
    /// No key of the provider fits, also after looking again.
    #[error("no key of the provider fits the ID token")]
    KeyNotFound,
    /// Several keys fit, and the token does not say which.
    #[error("the ID token does not say which of several keys signed it")]
    KeyAmbiguous,
    /// The signature is wrong, also after looking at the keys again.
    #[error("the signature of the ID token is wrong")]
    SignatureInvalid,

    /// `iss` is missing or another one.
    #[error("the ID token is from another issuer")]
    IssuerMismatch,
    /// `aud` does not name us.
    #[error("the ID token is for another client")]
    AudienceMismatch,
    /// `aud` names others beside us that the connection does not trust.
    #[error("the ID token is for other clients as well")]
    AudienceUntrusted,
    /// `azp` is not us, or is missing where there are several audiences.
    #[error("the ID token was issued to another client")]
    AuthorizedPartyMismatch,
    /// `exp` is missing or not a number.
    #[error("the ID token does not say when it expires")]
    ExpiryMissing,
    /// Past `exp`.
    #[error("the ID token has expired")]
    Expired,
    /// Before `nbf`, or `nbf` is not a number.
    #[error("the ID token is not valid yet")]
    NotYetValid,
    /// `iat` is missing or not a number.
    #[error("the ID token does not say when it was issued")]
    IssueTimeMissing,
    /// `iat` lies in the future.
    #[error("the ID token was issued in the future")]
    IssuedInFuture,
    /// `iat` is longer ago than a login takes.
    #[error("the ID token was issued too long ago")]
    IssuedTooLongAgo,
    /// `nonce` is missing or another one.
    #[error("the ID token belongs to another login")]
    NonceMismatch,
    /// `at_hash` does not fit the access token.
    #[error("the access token does not belong to the ID token")]
    AccessTokenMismatch,
    /// The subject is missing, empty, too long, or not printable ASCII.
    #[error("the subject is missing or malformed")]
    SubjectInvalid,

    /// `tid` is missing, or a tenant that the connection does not name.
    #[error("the ID token is from a tenant that the connection does not name")]
    TenantNotAllowed,
    /// `hd` is missing, or a domain that the connection does not name.
    #[error("the ID token is from a Google Workspace domain that the connection does not name")]
    HostedDomainNotAllowed,
    /// `auth_time` is missing or not a number, where `max_age` was asked for.
    #[error("the ID token does not say when the person authenticated")]
    AuthTimeMissing,
    /// `auth_time` lies in the future.
    #[error("the person authenticated in the future")]
    AuthenticatedInFuture,
    /// `auth_time` is before what was asked for: the provider answered from an old session.
    #[error("the person authenticated too long ago")]
    AuthenticatedTooLongAgo,
    /// `acr` is missing, or none of those that the connection wants.
    #[error("the person authenticated in a way that the connection does not accept")]
    AuthenticationTooWeak,

    /// The connection has its sessions confirmed, and the provider gave nothing to do it with.
    #[error("the token response has no refresh token")]
    RefreshTokenMissing,
    /// A refreshed ID token is about another person, or from another issuer (OpenID Connect Core 12.2).
    #[error("the refreshed ID token is about another person")]
    RefreshedSubjectMismatch,

    /// A logout token that is none: another event, a nonce, nobody named, or no id (Back-Channel Logout 1.0, 2.6).
    #[error("the logout token is not valid: {0}")]
    LogoutTokenInvalid(&'static str),

    /// The userinfo endpoint refused, or its answer is not a JSON object.
    #[error("the userinfo answer cannot be used: {0}")]
    UserinfoInvalid(&'static str),
    /// Userinfo speaks of somebody else (OpenID Connect Core 5.3.2).
    #[error("the userinfo answer is about another person")]
    UserinfoSubjectMismatch,
}

impl OidcError {
    /// The code of the refusal, stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// Whether the provider is down rather than the login refused: the page then says so, and trying again may help.
    #[must_use]
    pub const fn is_provider_unreachable(&self) -> bool {
        matches!(self, Self::ProviderUnreachable(_))
    }

    /// Whether a session that was to be confirmed is over, rather than the provider out of order: it took its grant back, or speaks of somebody else. A key
    /// that the provider does not publish, also when it was asked again, says neither.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        match self {
            Self::CodeRefused(error) => error == "invalid_grant",
            Self::ProviderUnreachable(_)
            | Self::ProviderBlocked(_)
            | Self::ProviderAnswerTooLarge(_)
            | Self::DiscoveryInvalid(_)
            | Self::DiscoveryIssuerMismatch
            | Self::PkceUnsupported
            | Self::KeysInvalid(_)
            | Self::KeyNotFound
            | Self::KeyAmbiguous
            | Self::SettingsInvalid(_)
            | Self::NoRandomness(_)
            | Self::TokenResponseMalformed(_) => false,
            _ => true,
        }
    }

    /// Whether the provider itself sent the person back without a login: cancelled there, or not assigned to this app.
    #[must_use]
    pub const fn is_provider_refusal(&self) -> bool {
        matches!(self, Self::AccessDenied(_) | Self::ProviderRefused { .. })
    }
}

impl From<OutboundError> for OidcError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Unreachable { .. } | OutboundError::Unavailable { .. } => Self::ProviderUnreachable(error),
            OutboundError::TooLarge { .. } => Self::ProviderAnswerTooLarge(error),
            OutboundError::Status { .. } => Self::DiscoveryInvalid(error.to_string()),
            OutboundError::Address(_) | OutboundError::Forbidden(_) | OutboundError::Redirect { .. } | OutboundError::Client(_) => {
                Self::ProviderBlocked(error)
            }
        }
    }
}

/// Text of the provider, made fit for a log: one line of printable ASCII, at most 200 characters, words that look like an address left out.
pub(super) fn cleaned(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(|word| if word.contains('@') { "[address]" } else { word }).collect();
    words.join(" ").chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(200).collect()
}

/// An OAuth error code, made fit for a log: RFC 6749 5.2 allows more, nobody uses it.
pub(super) fn cleaned_code(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_provider_is_one_line_without_addresses() {
        let text = "User 'ada@acme.example' was\r\n\u{1b}[31mrefused\u{202e} <b>here</b>";
        assert_eq!(cleaned(text), "User [address] was [31mrefused? <b>here</b>");
        assert_eq!(cleaned(&"x".repeat(5000)).len(), 200);
        assert_eq!(cleaned_code("access_denied\n<script>"), "access_deniedscript");
    }

    #[test]
    fn codes_are_snake_case() {
        assert_eq!(OidcError::AccessDenied(String::new()).code(), "access_denied");
        assert_eq!(OidcError::SettingsInvalid("x").code(), "settings_invalid");
    }
}
