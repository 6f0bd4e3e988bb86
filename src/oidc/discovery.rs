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
    pushed_authorization_request_endpoint: Option<Url>,
    revocation_endpoint: Option<Url>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    mtls_endpoint_aliases: Aliases,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where clients go that show a certificate (RFC 8705 5).
#[derive(Default, Deserialize)]
struct Aliases {
    #[serde(rename = "token_endpoint")]
    token: Option<Url>,
    #[serde(rename = "userinfo_endpoint")]
    userinfo: Option<Url>,
    #[serde(rename = "pushed_authorization_request_endpoint")]
    pushed_requests: Option<Url>,
    #[serde(rename = "revocation_endpoint")]
    revocation: Option<Url>,
}

/// A provider whose document was checked.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) authorization: AuthUrl,
    pub(super) token: TokenUrl,
    pub(super) keys: Url,
    pub(super) userinfo: Option<Url>,
    pub(super) end_session: Option<EndSessionUrl>,
    /// Where requests are pushed to.
    pub(super) pushed_requests: Option<Url>,
    /// Where tokens are given back (RFC 8414 2).
    pub(super) revocation: Option<Url>,
    /// The provider takes no others.
    pub(super) wants_pushed_requests: bool,
    /// Callbacks carry `iss` (RFC 9207 3).
    pub(super) sends_issuer: bool,
    /// How the provider wants the secret, when it says so.
    pub(super) client_auth: Option<ClientAuth>,
}

impl RelyingParty {
    pub(super) async fn discover(&self) -> Result<Provider, OidcError> {
        let fetched = self.outbound.fetch(&self.discovery_url, self.reach, MAX_BYTES).await?;
        let document = parse_object(&fetched.body).ok_or_else(|| OidcError::DiscoveryInvalid("it is not a JSON object".to_owned()))?;
        read(document, self.issuer.name(), self.reach, self.settings.client_auth == Some(ClientAuth::Tls))
    }
}

/// `tls`: the client shows a certificate, and uses the addresses that are for such clients.
fn read(mut document: super::json::Object, issuer: &str, reach: Reach, tls: bool) -> Result<Provider, OidcError> {
    // `null` is how some providers write "not there".
    document.retain(|_, value| !value.is_null());
    let mut document: Document = serde_json::from_value(Value::Object(document))
        .map_err(|error| OidcError::DiscoveryInvalid(super::error::cleaned(&error.to_string())))?;
    if document.issuer != issuer {
        return Err(OidcError::DiscoveryIssuerMismatch);
    }
    if document.code_challenge_methods_supported.as_ref().is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
        return Err(OidcError::PkceUnsupported);
    }
    if tls {
        document.use_aliases();
    }
    document.endpoints().try_for_each(|url| check_url(url, reach))?;
    Ok(Provider {
        authorization: AuthUrl::from_url(document.authorization_endpoint),
        token: TokenUrl::from_url(document.token_endpoint),
        keys: document.jwks_uri,
        userinfo: document.userinfo_endpoint,
        end_session: document.end_session_endpoint.map(EndSessionUrl::from_url),
        pushed_requests: document.pushed_authorization_request_endpoint,
        revocation: document.revocation_endpoint,
        wants_pushed_requests: document.require_pushed_authorization_requests,
        sends_issuer: document.authorization_response_iss_parameter_supported,
        client_auth: document.token_endpoint_auth_methods_supported.as_deref().and_then(preferred),
    })
}

impl Document {
    fn use_aliases(&mut self) {
        let Aliases { token, userinfo, pushed_requests, revocation } = std::mem::take(&mut self.mtls_endpoint_aliases);
        if let Some(url) = token {
            self.token_endpoint = url;
        }
        self.userinfo_endpoint = userinfo.or_else(|| self.userinfo_endpoint.take());
        self.pushed_authorization_request_endpoint = pushed_requests.or_else(|| self.pushed_authorization_request_endpoint.take());
        self.revocation_endpoint = revocation.or_else(|| self.revocation_endpoint.take());
    }

    /// Every address that Usher, or the browser, will go to.
    fn endpoints(&self) -> impl Iterator<Item = &Url> {
        let always = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let pushed_requests = &self.pushed_authorization_request_endpoint;
        let perhaps = [&self.userinfo_endpoint, &self.end_session_endpoint, pushed_requests, &self.revocation_endpoint];
        always.into_iter().chain(perhaps.into_iter().flatten())
    }
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
        read(document(changes), ISSUER, Reach::Public, false).map_or_else(|error| error.code(), |_| "ok")
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
        for member in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
            "pushed_authorization_request_endpoint",
            "revocation_endpoint",
        ] {
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
    fn a_client_with_a_certificate_goes_where_such_clients_go() {
        let aliases = json!({ "mtls_endpoint_aliases": {
            "token_endpoint": "https://mtls.op.example/t", "pushed_authorization_request_endpoint": "https://mtls.op.example/p",
        }, "userinfo_endpoint": "https://op.example/u", "pushed_authorization_request_endpoint": "https://op.example/p" });
        let of = |tls| {
            let provider = read(document(aliases.clone()), ISSUER, Reach::Public, tls).unwrap();
            [provider.token.url().to_string(), provider.userinfo.unwrap().into(), provider.pushed_requests.unwrap().into()]
        };
        assert_eq!(of(false), ["https://op.example/t", "https://op.example/u", "https://op.example/p"]);
        assert_eq!(of(true), ["https://mtls.op.example/t", "https://op.example/u", "https://mtls.op.example/p"]);
        let inside = document(json!({ "mtls_endpoint_aliases": { "token_endpoint": "https://169.254.169.254/t" } }));
        assert_eq!(read(inside, ISSUER, Reach::Public, true).unwrap_err().code(), "provider_blocked");
    }

    #[test]
    fn the_secret_goes_the_way_that_the_provider_offers() {
        let methods = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(preferred(&methods(&["client_secret_post", "client_secret_basic"])), Some(ClientAuth::Basic));
        assert_eq!(preferred(&methods(&["private_key_jwt", "client_secret_post"])), Some(ClientAuth::Post));
        assert_eq!(preferred(&methods(&["private_key_jwt"])), None);
    }
}
