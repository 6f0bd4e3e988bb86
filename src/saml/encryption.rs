//! Encrypted assertions (XML Encryption 1.1): AES-GCM, and AES-CBC for whoever allows it, under an RSA-OAEP key. RSA PKCS#1 v1.5 has no name here: it
//! turns a server that answers into a decryption oracle. So does CBC, and `response` says when it is opened.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::{aead, cipher, iv};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::SamlError;
use super::keys::Pairs;
use super::message::decode_base64;
use super::xml::{self, DS, SAML, attribute, c14n, is, value};
use crate::random;

pub(super) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
pub(super) const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub(super) const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub(super) const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
pub(super) const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
pub(super) const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub(super) const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";

const BLOCK: usize = 16;

/// How the content is encrypted.
#[derive(Debug, Clone, Copy)]
enum Content {
    Gcm(&'static aead::Algorithm),
    Cbc(&'static cipher::Algorithm, usize),
}

/// A `saml:EncryptedAssertion` of a shape and with algorithms that are accepted. Nothing was decrypted yet.
#[derive(Debug)]
pub(super) struct Sealed {
    content: Content,
    wrapping: &'static OaepAlgorithm,
    wrapped: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Sealed {
    /// Reads its shape.
    ///
    /// # Errors
    /// [`SamlError::EncryptionRefused`] for another shape or algorithm.
    pub(super) fn read(encrypted_assertion: Node<'_, '_>) -> Result<Self, SamlError> {
        let data = only(encrypted_assertion, XENC, "EncryptedData")?;
        let content = content_cipher(only(data, XENC, "EncryptionMethod")?)?;
        let encrypted_key = find_encrypted_key(encrypted_assertion, data)?;
        let wrapping = key_cipher(only(encrypted_key, XENC, "EncryptionMethod")?)?;
        Ok(Self { content, wrapping, wrapped: cipher_value(encrypted_key)?, ciphertext: cipher_value(data)? })
    }

    /// Whether a change of the ciphertext would go unnoticed.
    pub(super) const fn is_cbc(&self) -> bool {
        matches!(self.content, Content::Cbc(..))
    }

    /// The content key, as it is encrypted for us.
    pub(super) fn into_wrapped_key(self) -> Vec<u8> {
        self.wrapped
    }

    /// Decrypts. The text that comes out is as hostile as any other until a signature was verified.
    ///
    /// # Errors
    /// [`SamlError::DecryptionFailed`], whatever the cause.
    pub(super) fn open(&self, keys: &Pairs) -> Result<String, SamlError> {
        // The padding of OAEP tells which of our keys it is for.
        let content_key = keys.each().find_map(|pair| self.unwrap(&pair.decryption));
        let plain = match self.content {
            Content::Gcm(cipher) => open_gcm(cipher, content_key.as_deref().ok_or(SamlError::DecryptionFailed)?, &self.ciphertext)?,
            // A wrong key goes the same way as a right one: what fails is the XML that comes out.
            Content::Cbc(cipher, length) => {
                let random = random::bytes::<32>()?;
                let content_key = content_key.as_deref().filter(|key| key.len() == length).or(random.get(..length));
                open_cbc(cipher, content_key.ok_or(SamlError::DecryptionFailed)?, &self.ciphertext)?
            }
        };
        String::from_utf8(plain).map_err(|_| SamlError::DecryptionFailed)
    }

    fn unwrap(&self, key: &OaepPrivateDecryptingKey) -> Option<Vec<u8>> {
        let mut unwrapped = vec![0; key.min_output_size()];
        let length = key.decrypt(self.wrapping, &self.wrapped, &mut unwrapped, None).ok()?.len();
        unwrapped.truncate(length);
        Some(unwrapped)
    }
}

fn open_gcm(cipher: &'static aead::Algorithm, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SamlError> {
    let failed = |_| SamlError::DecryptionFailed;
    let key = LessSafeKey::new(UnboundKey::new(cipher, key).map_err(failed)?);
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(SamlError::DecryptionFailed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(failed)?;
    let mut sealed = sealed.to_vec();
    let plain = key.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(failed)?.len();
    sealed.truncate(plain);
    Ok(sealed)
}

/// The last byte says how many bytes are padding, and nothing is said about the others (XML Encryption 5.2). It is taken at its word: a wrong one
/// leaves a text that is no XML, and no one learns that it was the padding.
fn open_cbc(cipher: &'static cipher::Algorithm, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SamlError> {
    let failed = |_| SamlError::DecryptionFailed;
    let (vector, sealed) = sealed.split_first_chunk::<BLOCK>().ok_or(SamlError::DecryptionFailed)?;
    let key = DecryptingKey::cbc(UnboundCipherKey::new(cipher, key).map_err(failed)?).map_err(failed)?;
    let mut plain = sealed.to_vec();
    let context = DecryptionContext::Iv128(iv::FixedLength::from(vector));
    let length = key.decrypt(&mut plain, context).map_err(failed)?.len();
    let padding = plain.last().copied().map_or(0, usize::from);
    plain.truncate(length.saturating_sub(padding));
    Ok(plain)
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

fn content_cipher(method: Node<'_, '_>) -> Result<Content, SamlError> {
    match attribute(method, "Algorithm") {
        Some(AES128_GCM) => Ok(Content::Gcm(&AES_128_GCM)),
        Some(AES256_GCM) => Ok(Content::Gcm(&AES_256_GCM)),
        Some(AES128_CBC) => Ok(Content::Cbc(&AES_128, 16)),
        Some(AES256_CBC) => Ok(Content::Cbc(&AES_256, 32)),
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
        (Some(RSA_OAEP_MGF1P), None | Some(SHA1), None) | (Some(RSA_OAEP), None | Some(SHA1), None | Some(MGF1_SHA1)) => {
            Ok(&OAEP_SHA1_MGF1SHA1)
        }
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
    /// AES-128-CBC under RSA-OAEP with SHA-1: `SimpleSAMLphp`.
    Aes128CbcOaepSha1,
    /// AES-256-CBC under RSA-OAEP with SHA-1: AD FS, Okta.
    Aes256CbcOaepSha1,
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
    let (key, wrapping) = match encryption {
        Encryption::Aes128GcmOaepSha1 | Encryption::Aes128CbcOaepSha1 => (random::bytes::<16>()?.to_vec(), &OAEP_SHA1_MGF1SHA1),
        Encryption::Aes256GcmOaepSha256 => (random::bytes::<32>()?.to_vec(), &OAEP_SHA256_MGF1SHA256),
        Encryption::Aes256CbcOaepSha1 => (random::bytes::<32>()?.to_vec(), &OAEP_SHA1_MGF1SHA1),
    };
    let mut wrapped = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(wrapping, &key, &mut wrapped, None).map_err(refused)?;
    let (content_uri, sealed) = match encryption {
        Encryption::Aes128GcmOaepSha1 => (AES128_GCM, seal_gcm(&AES_128_GCM, &key, plain)?),
        Encryption::Aes256GcmOaepSha256 => (AES256_GCM, seal_gcm(&AES_256_GCM, &key, plain)?),
        Encryption::Aes128CbcOaepSha1 => (AES128_CBC, seal_cbc(&AES_128, &key, plain)?),
        Encryption::Aes256CbcOaepSha1 => (AES256_CBC, seal_cbc(&AES_256, &key, plain)?),
    };
    let key_method = match encryption {
        Encryption::Aes256GcmOaepSha256 => format!(
            r#"<xenc:EncryptionMethod Algorithm="{RSA_OAEP}"><ds:DigestMethod Algorithm="{SHA256}"/><xenc11:MGF xmlns:xenc11="{XENC11}" Algorithm="{MGF1_SHA256}"/></xenc:EncryptionMethod>"#
        ),
        _ => format!(r#"<xenc:EncryptionMethod Algorithm="{RSA_OAEP_MGF1P}"/>"#),
    };
    let (wrapped, sealed) = (STANDARD.encode(wrapped), STANDARD.encode(sealed));
    let encrypted = format!(
        r#"<saml:EncryptedAssertion xmlns:saml="{SAML}"><xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="{content_uri}"/><ds:KeyInfo xmlns:ds="{DS}"><xenc:EncryptedKey>{key_method}<xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
    );
    let source = document.input_text();
    let (before, after) = (source.get(..assertion.range().start), source.get(assertion.range().end..));
    Ok(format!("{}{encrypted}{}", before.unwrap_or_default(), after.unwrap_or_default()))
}

/// Nonce, ciphertext, tag.
fn seal_gcm(cipher: &'static aead::Algorithm, key: &[u8], plain: String) -> Result<Vec<u8>, SamlError> {
    let nonce = random::bytes::<NONCE_LEN>()?;
    let mut sealed = plain.into_bytes();
    let key = LessSafeKey::new(UnboundKey::new(cipher, key).map_err(|_| SamlError::WriteFailed)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).map_err(|_| SamlError::WriteFailed)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Vector and ciphertext, padded as XML Encryption does: any bytes, the last one says how many.
fn seal_cbc(cipher: &'static cipher::Algorithm, key: &[u8], plain: String) -> Result<Vec<u8>, SamlError> {
    let failed = |_| SamlError::WriteFailed;
    let vector = random::bytes::<BLOCK>()?;
    let mut sealed = plain.into_bytes();
    let padding = BLOCK - sealed.len() % BLOCK;
    sealed.extend_from_slice(random::bytes::<BLOCK>()?.get(..padding - 1).unwrap_or_default());
    sealed.push(u8::try_from(padding).unwrap_or_default());
    let key = EncryptingKey::cbc(UnboundCipherKey::new(cipher, key).map_err(failed)?).map_err(failed)?;
    let context = EncryptionContext::Iv128(iv::FixedLength::from(&vector));
    key.less_safe_encrypt(&mut sealed, context).map_err(failed)?;
    Ok([vector.as_slice(), &sealed].concat())
}
