//! The provider's one RSA key, made at start and gone at the end: it signs assertions and ID tokens.

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::demo::DemoError;
use crate::saml::sign::SigningKey;

/// The name of the key in the JWKS.
const KID: &str = "demo-idp";

/// The key, its certificate for SAML and its JWK for OpenID Connect.
pub(super) struct Keys {
    saml: SigningKey,
    certificate_pem: String,
    certificate_der: Vec<u8>,
    encoding: EncodingKey,
    jwks: JwkSet,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    pub(super) fn generate() -> Result<Self, DemoError> {
        let keys = || -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "Demo identity provider");
            let certificate = params.self_signed(&key)?;
            let saml = SigningKey::from_pkcs8(&key.serialize_der())?;
            let encoding = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes())?;
            let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256)?;
            jwk.common.key_id = Some(KID.to_owned());
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            let (certificate_pem, certificate_der) = (certificate.pem(), certificate.der().to_vec());
            Ok(Self { saml, certificate_pem, certificate_der, encoding, jwks: JwkSet { keys: vec![jwk] } })
        };
        keys().map_err(DemoError::Keys)
    }

    /// The certificate in PEM, for metadata.
    pub(super) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The certificate in DER, for `KeyInfo`.
    pub(super) fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// The key as the signer of assertions wants it.
    pub(super) const fn saml(&self) -> &SigningKey {
        &self.saml
    }

    pub(super) const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }

    /// Signs claims with RS256.
    pub(super) fn sign<T: Serialize>(&self, claims: &T) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header { kid: Some(KID.to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.encoding)
    }

    /// The claims of an ID token that this provider signed, however old it is: what a logout hint has to be.
    pub(super) fn read_hint(&self, token: &str) -> Option<Map<String, Value>> {
        let key = DecodingKey::from_jwk(self.jwks.find(KID)?).ok()?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        jsonwebtoken::decode(token, &key, &validation).ok().map(|data| data.claims)
    }
}
