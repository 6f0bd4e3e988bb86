//! Signing an element, enveloped: our own `AuthnRequest`s, and what the demo's identity provider sends.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::algorithms::SignatureAlgorithm;
use super::{DS, SAML, attribute, c14n, is};
use crate::saml::SamlError;

pub(super) const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A private key that signs XML: RSA of at least 2048 bits, or ECDSA on P-256.
#[derive(Debug)]
pub struct SigningKey(Key);

#[derive(Debug)]
enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads a key in PKCS#8 DER.
    ///
    /// # Errors
    /// [`SamlError::KeyMalformed`], or [`SamlError::KeyRefused`] for RSA below 2048 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SamlError> {
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Ok(Self(Key::P256(key)));
        }
        let key = RsaKeyPair::from_pkcs8(der).map_err(|_| SamlError::KeyMalformed)?;
        if key.public_modulus_len() < KeySize::Rsa2048.len() {
            return Err(SamlError::KeyRefused);
        }
        Ok(Self(Key::Rsa(key)))
    }

    /// The algorithm with SHA-256 of this kind of key.
    #[must_use]
    pub const fn default_algorithm(&self) -> SignatureAlgorithm {
        match self.0 {
            Key::Rsa(_) => SignatureAlgorithm::RsaSha256,
            Key::P256(_) => SignatureAlgorithm::EcdsaSha256,
        }
    }

    /// The public key's bytes, as they stand in a certificate.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        match &self.0 {
            Key::Rsa(key) => key.public_key().as_ref(),
            Key::P256(key) => key.public_key().as_ref(),
        }
    }

    /// Signs bytes.
    ///
    /// # Errors
    /// [`SamlError::AlgorithmRefused`] when the algorithm is for another kind of key.
    pub fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, SamlError> {
        let random = SystemRandom::new();
        let encoding = match (&self.0, algorithm) {
            (Key::P256(key), SignatureAlgorithm::EcdsaSha256) => {
                return Ok(key.sign(&random, message).map_err(|_| SamlError::Random)?.as_ref().to_vec());
            }
            (Key::Rsa(_), SignatureAlgorithm::RsaSha256) => &RSA_PKCS1_SHA256,
            (Key::Rsa(_), SignatureAlgorithm::RsaSha384) => &RSA_PKCS1_SHA384,
            (Key::Rsa(_), SignatureAlgorithm::RsaSha512) => &RSA_PKCS1_SHA512,
            _ => return Err(SamlError::AlgorithmRefused),
        };
        let Key::Rsa(key) = &self.0 else { return Err(SamlError::AlgorithmRefused) };
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &random, message, &mut signature).map_err(|_| SamlError::Random)?;
        Ok(signature)
    }
}

/// Signs the element with this `ID` and puts the signature straight after its `Issuer`, as SAML Core 5.4 wants it.
///
/// `certificate_der` goes into `KeyInfo`, for readers that want it. Signing twice, the inner element first, gives a signed assertion in a signed
/// response.
///
/// # Errors
/// What the gate refuses; [`SamlError::Structure`] when the element or its issuer is not there; [`SamlError::AlgorithmRefused`].
pub fn sign_element(
    xml: &str,
    id: &str,
    key: &SigningKey,
    certificate_der: &[u8],
    algorithm: SignatureAlgorithm,
) -> Result<String, SamlError> {
    sign_element_with_prefixes(xml, id, key, certificate_der, algorithm, &[])
}

/// As [`sign_element`], with a `PrefixList`: namespaces that are part of the signed bytes although only values use them (Okta: `xs`).
///
/// # Errors
/// As [`sign_element`].
pub fn sign_element_with_prefixes(
    xml: &str,
    id: &str,
    key: &SigningKey,
    certificate_der: &[u8],
    algorithm: SignatureAlgorithm,
    prefixes: &[&str],
) -> Result<String, SamlError> {
    let xml = super::after_declaration(xml)?;
    let document = super::parse(xml)?;
    let element = document.descendants().find(|node| attribute(*node, "ID") == Some(id)).ok_or(SamlError::Structure("ID"))?;
    let issuer = element.first_element_child().filter(|child| is(*child, SAML, "Issuer")).ok_or(SamlError::Structure("Issuer"))?;
    let digest = algorithm.digest().hash(c14n::canonicalize(element, None, prefixes)?.as_bytes());
    let inclusive = match prefixes {
        [] => String::new(),
        some => format!(r#"<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE_C14N}" PrefixList="{}"></ec:InclusiveNamespaces>"#, some.join(" ")),
    };
    // Written in its canonical form already: declared namespace, no empty-element tags, no blanks.
    let signed_info = format!(
        r##"<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="{}"></ds:SignatureMethod><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"></ds:Transform><ds:Transform Algorithm="{EXCLUSIVE_C14N}">{inclusive}</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="{}"></ds:DigestMethod><ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>"##,
        algorithm.uri(),
        algorithm.digest().uri(),
        STANDARD.encode(digest),
    );
    let value = STANDARD.encode(key.sign(algorithm, signed_info.as_bytes())?);
    let certificate = STANDARD.encode(certificate_der);
    let signature = format!(
        r#"<ds:Signature xmlns:ds="{DS}">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"#
    );
    let (before, after) = xml.split_at_checked(issuer.range().end).ok_or(SamlError::NotXml)?;
    Ok(format!("{before}{signature}{after}"))
}
