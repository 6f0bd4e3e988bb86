//! Encrypted assertions (XML Encryption 1.1): AES-GCM under an RSA-OAEP key. CBC and RSA PKCS#1 v1.5 have no name here: both turn a server that
//! answers into a decryption oracle.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::SamlError;
use super::message::decode_base64;
use super::xml::{self, DS, SAML, attribute, c14n, is, value};
use crate::random;

pub(super) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
pub(super) const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub(super) const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub(super) const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub(super) const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";

/// Opens a `saml:EncryptedAssertion`. The text that comes out is as hostile as any other until a signature was verified.
///
/// # Errors
/// [`SamlError::EncryptionRefused`] for another shape or algorithm; [`SamlError::DecryptionFailed`] for everything after that, always the same.
pub(super) fn decrypt(encrypted_assertion: Node<'_, '_>, key: &OaepPrivateDecryptingKey) -> Result<String, SamlError> {
    let data = only(encrypted_assertion, XENC, "EncryptedData")?;
    let cipher = content_cipher(only(data, XENC, "EncryptionMethod")?)?;
    let encrypted_key = find_encrypted_key(encrypted_assertion, data)?;
    let wrapping = key_cipher(only(encrypted_key, XENC, "EncryptionMethod")?)?;
    let wrapped = cipher_value(encrypted_key)?;
    let mut sealed = cipher_value(data)?;

    let failed = |_| SamlError::DecryptionFailed;
    let mut content_key = vec![0; key.min_output_size()];
    let content_key = key.decrypt(wrapping, &wrapped, &mut content_key, None).map_err(failed)?;
    let content_key = LessSafeKey::new(UnboundKey::new(cipher, content_key).map_err(failed)?);
    let (nonce, sealed) = sealed.split_at_mut_checked(NONCE_LEN).ok_or(SamlError::DecryptionFailed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(failed)?;
    let plain = content_key.open_in_place(nonce, Aad::empty(), sealed).map_err(failed)?;
    std::str::from_utf8(plain).map(str::to_owned).map_err(|_| SamlError::DecryptionFailed)
}

/// The key stands in the data's `KeyInfo` or beside the data (SAML Core 2.3.4); exactly one, and a `RetrievalMethod` is not followed.
fn find_encrypted_key<'a, 'i>(encrypted_assertion: Node<'a, 'i>, data: Node<'a, 'i>) -> Result<Node<'a, 'i>, SamlError> {
    let inline = data.children().filter(|child| is(*child, DS, "KeyInfo")).flat_map(|info| info.children());
    let mut keys = inline.chain(encrypted_assertion.children()).filter(|child| is(*child, XENC, "EncryptedKey"));
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(SamlError::EncryptionRefused),
    }
}

fn content_cipher(method: Node<'_, '_>) -> Result<&'static Algorithm, SamlError> {
    match attribute(method, "Algorithm") {
        Some(AES128_GCM) => Ok(&AES_128_GCM),
        Some(AES256_GCM) => Ok(&AES_256_GCM),
        _ => Err(SamlError::EncryptionRefused),
    }
}

fn key_cipher(method: Node<'_, '_>) -> Result<&'static OaepAlgorithm, SamlError> {
    let parameter = |namespace, name| {
        let found = method.children().find(|child| is(*child, namespace, name));
        found.and_then(|child| attribute(child, "Algorithm"))
    };
    if method.children().any(|child| is(child, XENC, "OAEPparams")) {
        return Err(SamlError::EncryptionRefused);
    }
    match (attribute(method, "Algorithm"), parameter(DS, "DigestMethod"), parameter(XENC11, "MGF")) {
        (Some(RSA_OAEP_MGF1P), None | Some(SHA1), None) => Ok(&OAEP_SHA1_MGF1SHA1),
        (Some(RSA_OAEP), Some(SHA256), Some(MGF1_SHA256)) => Ok(&OAEP_SHA256_MGF1SHA256),
        _ => Err(SamlError::EncryptionRefused),
    }
}

fn cipher_value(node: Node<'_, '_>) -> Result<Vec<u8>, SamlError> {
    let text = value(only(only(node, XENC, "CipherData")?, XENC, "CipherValue")?, "CipherValue")?;
    decode_base64(text)
}

fn only<'a, 'i>(node: Node<'a, 'i>, namespace: &str, name: &str) -> Result<Node<'a, 'i>, SamlError> {
    let mut found = node.children().filter(|child| is(*child, namespace, name));
    match (found.next(), found.next()) {
        (Some(child), None) => Ok(child),
        _ => Err(SamlError::EncryptionRefused),
    }
}

/// How the demo's identity provider and the tests encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// AES-128-GCM under RSA-OAEP with SHA-1, as XML Encryption 1.0 has it.
    Aes128GcmOaepSha1,
    /// AES-256-GCM under RSA-OAEP with SHA-256.
    Aes256GcmOaepSha256,
}

/// Puts an `EncryptedAssertion` in the place of the assertion with this `ID`, for the holder of `certificate_der`.
///
/// # Errors
/// What the gate refuses, [`SamlError::Structure`] without such an assertion, [`SamlError::CertificateMalformed`] for a certificate without an
/// RSA key, [`SamlError::Random`].
pub fn encrypt_assertion(response: &str, id: &str, certificate_der: &[u8], encryption: Encryption) -> Result<String, SamlError> {
    let document = xml::parse(response)?;
    let is_it = |node: &Node<'_, '_>| is(*node, SAML, "Assertion") && attribute(*node, "ID") == Some(id);
    let assertion = document.descendants().find(is_it).ok_or(SamlError::Structure("Assertion"))?;
    let plain = c14n::canonicalize(assertion, None, &["xs", "xsi"])?;

    let refused = |_| SamlError::CertificateMalformed;
    let (_, certificate) = X509Certificate::from_der(certificate_der).map_err(|_| SamlError::CertificateMalformed)?;
    let public = PublicEncryptingKey::from_der(certificate.public_key().raw).map_err(|_| SamlError::CertificateMalformed)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(refused)?;
    let (cipher, key, wrapping) = match encryption {
        Encryption::Aes128GcmOaepSha1 => (&AES_128_GCM, random::bytes::<16>()?.to_vec(), &OAEP_SHA1_MGF1SHA1),
        Encryption::Aes256GcmOaepSha256 => (&AES_256_GCM, random::bytes::<32>()?.to_vec(), &OAEP_SHA256_MGF1SHA256),
    };
    let mut wrapped = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(wrapping, &key, &mut wrapped, None).map_err(refused)?;
    let nonce = random::bytes::<NONCE_LEN>()?;
    let mut sealed = plain.into_bytes();
    let content_key = LessSafeKey::new(UnboundKey::new(cipher, &key).map_err(refused)?);
    content_key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).map_err(refused)?;

    let (content_uri, key_method) = match encryption {
        Encryption::Aes128GcmOaepSha1 => (AES128_GCM, format!(r#"<xenc:EncryptionMethod Algorithm="{RSA_OAEP_MGF1P}"/>"#)),
        Encryption::Aes256GcmOaepSha256 => (
            AES256_GCM,
            format!(
                r#"<xenc:EncryptionMethod Algorithm="{RSA_OAEP}"><ds:DigestMethod Algorithm="{SHA256}"/><xenc11:MGF xmlns:xenc11="{XENC11}" Algorithm="{MGF1_SHA256}"/></xenc:EncryptionMethod>"#
            ),
        ),
    };
    let (wrapped, sealed) = (STANDARD.encode(wrapped), STANDARD.encode([nonce.as_slice(), &sealed].concat()));
    let encrypted = format!(
        r#"<saml:EncryptedAssertion xmlns:saml="{SAML}"><xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="{content_uri}"/><ds:KeyInfo xmlns:ds="{DS}"><xenc:EncryptedKey>{key_method}<xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
    );
    let source = document.input_text();
    let (before, after) = (source.get(..assertion.range().start), source.get(assertion.range().end..));
    Ok(format!("{}{encrypted}{}", before.unwrap_or_default(), after.unwrap_or_default()))
}
