//! What the provider says about itself (OpenID Connect Discovery 4): read once an hour, believed only where the connection leaves it open.

use openidconnect::{AuthUrl, EndSessionUrl, TokenUrl};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::json::parse_object;
use super::{OidcError, RelyingParty};
use crate::core::ClientAuth;
use crate::outbound::{Reach, check_url};

const MAX_BYTES: usize = 1024 * 1024;

/// The members that Usher reads; whatever else the document holds may be malformed without harm.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    end_session_endpoint: Option<Url>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// A provider whose document was checked.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) authorization: AuthUrl,
    pub(super) token: TokenUrl,
    pub(super) keys: Url,
    pub(super) userinfo: Option<Url>,
    pub(super) end_session: Option<EndSessionUrl>,
    /// Callbacks carry `iss` (RFC 9207 3).
    pub(super) sends_issuer: bool,
    /// How the provider wants the secret, when it says so.
    pub(super) client_auth: Option<ClientAuth>,
}

impl RelyingParty {
    pub(super) async fn discover(&self) -> Result<Provider, OidcError> {
        let fetched = self.outbound.fetch(&self.discovery_url, self.reach, MAX_BYTES).await?;
        let document = parse_object(&fetched.body).ok_or_else(|| OidcError::DiscoveryInvalid("it is not a JSON object".to_owned()))?;
        read(document, &self.issuer, self.reach)
    }
}

/// Where the document of an issuer is; a slash at the end of the issuer is taken off (OpenID Connect Discovery 4).
pub(super) fn url_of(issuer: &str) -> Result<Url, OidcError> {
    let url = Url::parse(issuer).map_err(|_| OidcError::SettingsInvalid("the issuer is not a URL"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(OidcError::SettingsInvalid("an issuer has no query and no fragment"));
    }
    let text = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
    Url::parse(&text).map_err(|_| OidcError::SettingsInvalid("the issuer is not a URL"))
}

fn read(mut document: super::json::Object, issuer: &str, reach: Reach) -> Result<Provider, OidcError> {
    // `null` is how some providers write "not there".
    document.retain(|_, value| !value.is_null());
    let document: Document = serde_json::from_value(Value::Object(document))
        .map_err(|error| OidcError::DiscoveryInvalid(super::error::cleaned(&error.to_string())))?;
    if document.issuer != issuer {
        return Err(OidcError::DiscoveryIssuerMismatch);
    }
    if document.code_challenge_methods_supported.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
        return Err(OidcError::PkceUnsupported);
    }
    let endpoints = [Some(&document.authorization_endpoint), Some(&document.token_endpoint), Some(&document.jwks_uri)];
    for url in endpoints.into_iter().chain([document.userinfo_endpoint.as_ref(), document.end_session_endpoint.as_ref()]).flatten() {
        check_url(url, reach)?;
    }
    Ok(Provider {
        authorization: AuthUrl::from_url(document.authorization_endpoint),
        token: TokenUrl::from_url(document.token_endpoint),
        keys: document.jwks_uri,
        userinfo: document.userinfo_endpoint,
        end_session: document.end_session_endpoint.map(EndSessionUrl::from_url),
        sends_issuer: document.authorization_response_iss_parameter_supported,
        client_auth: document.token_endpoint_auth_methods_supported.as_deref().and_then(preferred),
    })
}

/// Basic is the default where the provider says nothing (OpenID Connect Discovery 3).
fn preferred(methods: &[String]) -> Option<ClientAuth> {
    let offers = |name: &str| methods.iter().any(|method| method == name);
    if offers("client_secret_basic") {
        Some(ClientAuth::Basic)
    } else if offers("client_secret_post") {
        Some(ClientAuth::Post)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://op.example/realm";

    fn document(changes: Value) -> super::super::json::Object {
        let Value::Object(mut document) = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://op.example/a", "token_endpoint": "https://op.example/t",
            "jwks_uri": "https://keys.example/k", "op_policy_uri": "", "ui_locales_supported": 7, "userinfo_endpoint": null,
        }) else {
            panic!("an object")
        };
        let Value::Object(changes) = changes else { panic!("an object") };
        document.extend(changes);
        document
    }

    fn code(changes: Value) -> &'static str {
        read(document(changes), ISSUER, Reach::Public).map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn members_that_usher_does_not_need_may_be_malformed() {
        assert_eq!(code(json!({})), "ok");
    }

    #[test]
    fn the_issuer_is_compared_exactly() {
        for other in ["https://op.example/realm/", "https://OP.example/realm", "https://op.example", ""] {
            assert_eq!(code(json!({ "issuer": other })), "discovery_issuer_mismatch", "{other}");
        }
    }

    #[test]
    fn a_provider_without_s256_is_refused_only_when_it_says_so() {
        assert_eq!(code(json!({ "code_challenge_methods_supported": ["plain"] })), "pkce_unsupported");
        assert_eq!(code(json!({ "code_challenge_methods_supported": [] })), "pkce_unsupported");
        assert_eq!(code(json!({ "code_challenge_methods_supported": ["plain", "S256"] })), "ok");
    }

    #[test]
    fn every_endpoint_has_to_be_https_and_within_reach() {
        for member in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"] {
            for url in [
                "http://op.example/x",
                "javascript:alert(1)",
                "https://127.0.0.1/x",
                "https://user:pass@op.example/x",
                "https://x.localhost/",
            ] {
                assert_eq!(code(json!({ member: url })), "provider_blocked", "{member} {url}");
            }
        }
    }

    #[test]
    fn a_member_of_a_wrong_type_is_refused() {
        for changes in [json!({ "token_endpoint": 7 }), json!({ "token_endpoint": null }), json!({ "jwks_uri": "keys" })] {
            assert_eq!(code(changes), "discovery_invalid");
        }
    }

    #[test]
    fn the_document_lies_below_the_issuer() {
        for (issuer, url) in [
            ("https://op.example", "https://op.example/.well-known/openid-configuration"),
            ("https://op.example/", "https://op.example/.well-known/openid-configuration"),
            ("https://op.example/a/v2.0", "https://op.example/a/v2.0/.well-known/openid-configuration"),
        ] {
            assert_eq!(url_of(issuer).unwrap().as_str(), url);
        }
        for bad in ["op.example", "https://op.example?x=y", "https://op.example#x"] {
            assert_eq!(url_of(bad).unwrap_err().code(), "settings_invalid");
        }
    }

    #[test]
    fn the_secret_goes_the_way_that_the_provider_offers() {
        let methods = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(preferred(&methods(&["client_secret_post", "client_secret_basic"])), Some(ClientAuth::Basic));
        assert_eq!(preferred(&methods(&["private_key_jwt", "client_secret_post"])), Some(ClientAuth::Post));
        assert_eq!(preferred(&methods(&["private_key_jwt"])), None);
    }
}
