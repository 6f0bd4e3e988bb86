//! How Usher proves at the provider's endpoints that it is the client: by a secret, by a signed assertion (RFC 7523 2.2), or by the certificate of its
//! TLS connection (RFC 8705 2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::discovery::Provider;
use super::{OidcError, RelyingParty};
use crate::core::{ClientAuth, OidcSettings, Secret};
use crate::outbound::Tls;
use crate::random;

/// How long an assertion counts: it is used at once.
const LIFE_SECONDS: i64 = 60;

/// Signs assertions with the client's key.
pub(super) struct Signer {
    key: EncodingKey,
    header: Header,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Signer {
    /// The signer of a connection that uses one.
    pub(super) fn of(settings: &OidcSettings) -> Result<Option<Self>, OidcError> {
        if settings.client_auth != Some(ClientAuth::PrivateKeyJwt) {
            return Ok(None);
        }
        let pem = settings.client_key.as_ref().ok_or(OidcError::SettingsInvalid("`client_auth` needs a `client_key`"))?;
        let (key, algorithm) = parse(pem.reveal(), settings.client_algorithm.as_deref())?;
        let x5t_s256 = settings.client_certificate.as_deref().map(thumbprint).transpose()?;
        let header = Header { kid: settings.client_key_id.clone(), x5t_s256, ..Header::new(algorithm) };
        let signer = Self { key, header };
        // A key that does not fit its algorithm shows at the first signature.
        signer.sign(&"")?;
        Ok(Some(signer))
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String, OidcError> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|_| OidcError::SettingsInvalid("`client_key` cannot sign"))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.header.alg).finish_non_exhaustive()
    }
}

fn parse(pem: &str, wanted: Option<&str>) -> Result<(EncodingKey, Algorithm), OidcError> {
    let (rsa, ec) = (EncodingKey::from_rsa_pem(pem.as_bytes()), EncodingKey::from_ec_pem(pem.as_bytes()));
    match (rsa, ec, wanted) {
        (Ok(key), _, None | Some("RS256")) => Ok((key, Algorithm::RS256)),
        (Ok(key), _, Some("PS256")) => Ok((key, Algorithm::PS256)),
        (_, Ok(key), None | Some("ES256")) => Ok((key, Algorithm::ES256)),
        (Err(_), Err(_), _) => Err(OidcError::SettingsInvalid("`client_key` is not a private key in PEM, of RSA or of the curve P-256")),
        _ => Err(OidcError::SettingsInvalid("`client_algorithm` does not fit `client_key`")),
    }
}

/// SHA-256 of the certificate, by which Entra ID finds it.
fn thumbprint(pem: &str) -> Result<String, OidcError> {
    let invalid = OidcError::SettingsInvalid("`client_certificate` is not a certificate in PEM");
    let body = pem.split("-----BEGIN CERTIFICATE-----").nth(1).and_then(|rest| rest.split("-----END").next()).ok_or(invalid.clone())?;
    let der = STANDARD.decode(body.split_whitespace().collect::<String>()).map_err(|_| invalid)?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(der)))
}

/// What the connection's TLS needs beside the usual: the client's certificate, the provider's authority.
pub(super) fn tls(settings: &OidcSettings) -> Result<Option<Tls>, OidcError> {
    let identity = match (settings.client_auth, &settings.client_certificate, &settings.client_key) {
        (Some(ClientAuth::Tls), Some(certificate), Some(key)) => Some(Secret::new(format!("{certificate}\n{}", key.reveal()))),
        (Some(ClientAuth::Tls), ..) => {
            return Err(OidcError::SettingsInvalid("`client_auth` needs a `client_key` and a `client_certificate`"));
        }
        _ => None,
    };
    let authorities = settings.provider_ca.clone();
    Ok((identity.is_some() || authorities.is_some()).then_some(Tls { identity, authorities }))
}

/// A proof, as a request carries it.
pub(super) enum Proof {
    /// In this header.
    Authorization(String),
    /// In these fields of the form.
    Fields(Vec<(&'static str, String)>),
}

impl RelyingParty {
    /// How the client proves itself at this provider.
    pub(super) fn client_auth(&self, provider: &Provider) -> ClientAuth {
        self.settings.client_auth.or(provider.client_auth).unwrap_or(ClientAuth::Basic)
    }

    /// The fields of a signed assertion; none for a client that does without. Its audience is the issuer, or what the operator wrote,
    /// and one alone: an endpoint's address out of discovery could be one that a hostile provider copied, and the assertion would count at the true one
    /// (OAuth audience injection, 2025).
    pub(super) fn assertion(&self, now: Timestamp) -> Result<Vec<(&'static str, String)>, OidcError> {
        let Some(signer) = &self.signer else { return Ok(Vec::new()) };
        let id = &self.settings.client_id;
        let issued = now.as_second();
        let claims = Assertion {
            iss: id,
            sub: id,
            aud: self.settings.client_audience.as_deref().unwrap_or_else(|| self.issuer.name()),
            jti: random::token()?,
            iat: issued,
            exp: issued.saturating_add(LIFE_SECONDS),
        };
        let assertion = signer.sign(&claims)?;
        Ok(vec![
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", assertion),
        ])
    }

    /// The proof for a request that is made by hand.
    pub(super) fn proof(&self, provider: &Provider, now: Timestamp) -> Result<Proof, OidcError> {
        let secret = self.settings.client_secret.as_ref();
        match (self.client_auth(provider), secret) {
            (ClientAuth::PrivateKeyJwt, _) => Ok(Proof::Fields(self.assertion(now)?)),
            (ClientAuth::Basic, Some(secret)) => {
                // RFC 6749 2.3.1: both are form-encoded first.
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(&self.settings.client_id), encode(secret.reveal()));
                Ok(Proof::Authorization(format!("Basic {}", STANDARD.encode(pair))))
            }
            (ClientAuth::Post, Some(secret)) => Ok(Proof::Fields(vec![("client_secret", secret.reveal().to_owned())])),
            (ClientAuth::Tls, _) | (_, None) => Ok(Proof::Fields(Vec::new())),
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::core::{Connection, ConnectionId, Protocol};
    use crate::outbound::Outbound;

    fn signer(key: &str, algorithm: Option<&str>) -> Result<Algorithm, &'static str> {
        let settings = OidcSettings {
            client_auth: Some(ClientAuth::PrivateKeyJwt),
            client_key: Some(Secret::new(key)),
            client_algorithm: algorithm.map(str::to_owned),
            ..OidcSettings::new("https://op.example", "usher")
        };
        Signer::of(&settings).map(|signer| signer.unwrap().header.alg).map_err(|error| error.code())
    }

    #[test]
    fn the_key_decides_the_algorithm_and_has_to_fit_the_one_that_is_written() {
        let ec = include_str!("../../tests/fixtures/saml/ec.key.pem");
        let rsa = include_str!("../../tests/fixtures/saml/idp.key.pem");
        assert_eq!(signer(rsa, None), Ok(Algorithm::RS256));
        assert_eq!(signer(rsa, Some("PS256")), Ok(Algorithm::PS256));
        assert_eq!(signer(ec, None), Ok(Algorithm::ES256));
        for (key, algorithm) in [(rsa, "ES256"), (ec, "RS256"), (rsa, "none"), (rsa, "HS256")] {
            assert_eq!(signer(key, Some(algorithm)), Err("settings_invalid"), "{algorithm}");
        }
    }

    #[test]
    fn a_key_that_is_none_or_too_short_is_refused() {
        for key in ["", "x", include_str!("../../tests/fixtures/saml/short.key.pem"), include_str!("../../tests/fixtures/saml/idp.crt.pem")]
        {
            assert_eq!(signer(key, None), Err("settings_invalid"), "{key}");
        }
    }

    /// Whoever catches one has a minute.
    #[test]
    fn an_assertion_counts_for_a_minute() {
        let settings = OidcSettings {
            client_auth: Some(ClientAuth::PrivateKeyJwt),
            client_key: Some(Secret::new(include_str!("../../tests/fixtures/saml/ec.key.pem"))),
            ..OidcSettings::new("https://op.example", "usher")
        };
        let connection = Connection {
            id: ConnectionId::parse("op").unwrap(),
            name: "Op".to_owned(),
            enabled: true,
            domains: std::collections::BTreeSet::new(),
            internal: false,
            allow_idp_initiated: false,
            protocol: Protocol::Oidc(settings.clone()),
        };
        let back = url::Url::parse("https://auth.example/oidc/op/callback").unwrap();
        let party = RelyingParty::new(&connection, &settings, back, std::sync::Arc::new(Outbound::new().unwrap())).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fields = party.assertion(now).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(fields[1].1.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!([claims["iat"].as_i64(), claims["exp"].as_i64()], [Some(now.as_second()), Some(now.as_second() + 60)]);
    }

    #[test]
    fn a_key_is_not_in_the_debug_form() {
        let key = include_str!("../../tests/fixtures/saml/idp.key.pem");
        let settings = OidcSettings {
            client_auth: Some(ClientAuth::PrivateKeyJwt),
            client_key: Some(Secret::new(key)),
            ..OidcSettings::new("https://op.example", "usher")
        };
        let shown = format!("{settings:?} {:?}", Signer::of(&settings).unwrap());
        assert!(!shown.contains(&key[100..140]), "{shown}");
    }
}
