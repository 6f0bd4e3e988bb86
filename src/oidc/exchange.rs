//! The code for tokens, at the token endpoint.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EmptyAdditionalClaims, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IdToken, IssuerUrl, JsonWebKeySet, OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
};
use serde::{Deserialize, Deserializer, Serialize};

use super::callback::is_token;
use super::discovery::Provider;
use super::error::cleaned_code;
use super::{OidcError, RelyingParty};
use crate::core::{ClientAuth, Secret};
use crate::outbound::OutboundError;

const MAX_BYTES: usize = 1024 * 1024;

/// A token response that leaves the ID token as it came. The library's own type reads the claims on the way, before any signature is
/// checked, and gives up the whole response over a claim of an odd shape.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tokens {
    access_token: AccessToken,
    #[serde(deserialize_with = "bearer")]
    token_type: CoreTokenType,
    id_token: Option<Secret>,
    #[serde(default, deserialize_with = "text", skip_serializing)]
    refresh_token: Option<Secret>,
}

impl Tokens {
    pub(super) fn id_token(&self) -> Result<&str, OidcError> {
        self.id_token.as_ref().map(Secret::reveal).ok_or(OidcError::IdTokenMissing)
    }

    /// What the next tokens may be asked for with.
    pub(super) const fn next(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }
}

/// Compared without regard to case (RFC 6749 5.1).
fn bearer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CoreTokenType, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.eq_ignore_ascii_case("bearer") { Ok(CoreTokenType::Bearer) } else { Err(serde::de::Error::custom("not a bearer token")) }
}

/// A text, or nothing: whoever does not use it does not mind what it is.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().filter(|text| is_token(text)).map(Secret::new))
}

impl OAuth2TokenResponse for Tokens {
    type TokenType = CoreTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &CoreTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

type Encryption = CoreJweContentEncryptionAlgorithm;

impl TokenResponse<EmptyAdditionalClaims, CoreGenderClaim, Encryption, CoreJwsSigningAlgorithm> for Tokens {
    fn id_token(&self) -> Option<&IdToken<EmptyAdditionalClaims, CoreGenderClaim, Encryption, CoreJwsSigningAlgorithm>> {
        None
    }
}

/// The library's client with our token response.
pub(super) type ProtocolClient = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    Encryption,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

impl RelyingParty {
    /// The client knows no keys: signatures are checked by `id_token`, with algorithms that the connection lists.
    pub(super) fn client(&self, provider: &Provider) -> Result<ProtocolClient, OidcError> {
        let issuer = IssuerUrl::new(self.issuer.name().to_owned()).map_err(|_| OidcError::SettingsInvalid("the issuer is not a URL"))?;
        let (auth, secret) = match self.client_auth(provider) {
            ClientAuth::Post => (AuthType::RequestBody, self.settings.client_secret.as_ref()),
            ClientAuth::Basic => (AuthType::BasicAuth, self.settings.client_secret.as_ref()),
            // Without a secret the library writes the client id into the form, which is what both want (RFC 8705 2).
            ClientAuth::PrivateKeyJwt | ClientAuth::Tls => (AuthType::RequestBody, None),
        };
        let client = Client::new(ClientId::new(self.settings.client_id.clone()), issuer, JsonWebKeySet::default())
            .set_auth_uri(provider.authorization.clone())
            .set_token_uri(provider.token.clone())
            .set_redirect_uri(RedirectUrl::from_url(self.redirect_uri.clone()))
            .set_auth_type(auth);
        Ok(match secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.reveal().to_owned())),
            None => client,
        })
    }

    pub(super) async fn redeem(&self, provider: &Provider, code: &str, code_verifier: &str, now: Timestamp) -> Result<Tokens, OidcError> {
        let client = self.client(provider)?;
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(code_verifier.to_owned()));
        for (name, value) in self.assertion(now)? {
            request = request.add_extra_param(name, value);
        }
        let tokens = request.request_async(self).await.map_err(refused)?;
        // The library would panic over a token that does not fit into a header.
        if is_token(tokens.access_token.secret()) {
            Ok(tokens)
        } else {
            Err(OidcError::TokenResponseMalformed("the access token is not printable"))
        }
    }
}

/// How the library's requests go out. Boxed: over the future of a closure the compiler cannot tell that a login may move between threads.
impl<'c> AsyncHttpClient<'c> for RelyingParty {
    type Error = OutboundError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OutboundError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async {
            let fetched = self.outbound.send(request, self.reach, MAX_BYTES).await?;
            let mut response = HttpResponse::new(fetched.body.into());
            *response.status_mut() = fetched.status;
            if let Some(media_type) = fetched.media_type.and_then(|text| text.parse().ok()) {
                response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
            }
            Ok(response)
        })
    }
}

pub(super) fn refused(error: RequestTokenError<OutboundError, StandardErrorResponse<CoreErrorResponseType>>) -> OidcError {
    match error {
        RequestTokenError::ServerResponse(response) => OidcError::CodeRefused(cleaned_code(response.error().as_ref())),
        RequestTokenError::Request(error) => error.into(),
        RequestTokenError::Parse(..) => OidcError::TokenResponseMalformed("a member is missing, twice, or of the wrong type"),
        RequestTokenError::Other(_) => OidcError::TokenResponseMalformed("it is empty or not JSON"),
    }
}
