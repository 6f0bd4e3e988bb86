//! The service provider's own keys: the one in use signs requests; it and the one beside open encrypted assertions, and both are published. So a key
//! changes without a moment at which a provider knows neither.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::RsaKeyPair;
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::SamlError;
use super::xml::sign::SigningKey;

const TEN_YEARS_IN_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// One RSA key with its certificate, parsed once.
pub(super) struct Pair {
    pub(super) signing: SigningKey,
    pub(super) decryption: OaepPrivateDecryptingKey,
    pub(super) certificate_der: Vec<u8>,
}

/// The key in use, and perhaps one beside it: the next or the one before.
pub(super) struct Pairs {
    pub(super) in_use: Pair,
    pub(super) beside: Option<Pair>,
}

impl Pairs {
    pub(super) fn each(&self) -> impl Iterator<Item = &Pair> {
        std::iter::once(&self.in_use).chain(&self.beside)
    }
}

/// The keys, which a reload replaces.
pub struct SpKeys(ArcSwap<Pairs>);

impl std::fmt::Debug for SpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpKeys").finish_non_exhaustive()
    }
}

impl SpKeys {
    /// Reads RSA keys of at least 2048 bits (PKCS#8 or PKCS#1) and their certificates, both PEM and in the same order: the one in use, then perhaps
    /// one beside it.
    ///
    /// # Errors
    /// [`SamlError::KeyMalformed`] also when key and certificate do not belong together, [`SamlError::KeyRefused`],
    /// [`SamlError::CertificateMalformed`].
    pub fn from_pem(keys: &str, certificates: &str) -> Result<Self, SamlError> {
        let (keys, certificates) = (ders_of_pem(keys), ders_of_pem(certificates));
        let mut pairs = keys.iter().zip(&certificates).map(|(key, certificate)| Pair::new(key, certificate));
        let in_use = pairs.next().ok_or(if keys.is_empty() { SamlError::KeyMalformed } else { SamlError::CertificateMalformed })??;
        let beside = pairs.next().transpose()?;
        if pairs.next().is_some() || keys.len() != certificates.len() {
            return Err(SamlError::KeyMalformed);
        }
        Ok(Self(ArcSwap::from_pointee(Pairs { in_use, beside })))
    }

    /// Takes the keys of another in place of these, for whoever holds these.
    pub fn replace(&self, with: Self) {
        self.0.store(with.0.into_inner());
    }

    pub(super) fn load(&self) -> Arc<Pairs> {
        self.0.load_full()
    }

    /// The certificates in DER: of the key in use, then of the one beside it.
    #[must_use]
    pub fn certificates_der(&self) -> Vec<Vec<u8>> {
        self.load().each().map(|pair| pair.certificate_der.clone()).collect()
    }
}

impl Pair {
    fn new(key: &[u8], certificate_der: &[u8]) -> Result<Self, SamlError> {
        let pair = RsaKeyPair::from_pkcs8(key).or_else(|_| RsaKeyPair::from_der(key)).map_err(|_| SamlError::KeyMalformed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SamlError::KeyMalformed)?;
        let signing = SigningKey::from_pkcs8(pkcs8.as_ref())?;
        let decryption = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| SamlError::KeyMalformed)?;
        let decryption = OaepPrivateDecryptingKey::new(decryption).map_err(|_| SamlError::KeyMalformed)?;
        let (_, parsed) = X509Certificate::from_der(certificate_der).map_err(|_| SamlError::CertificateMalformed)?;
        if &*parsed.public_key().subject_public_key.data != signing.public_key() {
            return Err(SamlError::KeyMalformed);
        }
        Ok(Self { signing, decryption, certificate_der: certificate_der.to_vec() })
    }
}

impl SpKeys {
    /// Makes a new RSA-2048 key with a self-signed certificate for ten years: key and certificate, both PEM.
    ///
    /// # Errors
    /// [`SamlError::KeyMalformed`] when the certificate cannot be made, [`SamlError::Random`] without randomness.
    pub fn generate(common_name: &str, now: Timestamp) -> Result<(String, String), SamlError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SamlError::Random)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SamlError::KeyMalformed)?;
        let key =
            rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &PKCS_RSA_SHA256).map_err(|_| SamlError::KeyMalformed)?;
        let at = |seconds: i64| time::OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| SamlError::CertificateMalformed);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = at(now.as_second())?;
        params.not_after = at(now.as_second() + TEN_YEARS_IN_SECONDS)?;
        let certificate = params.self_signed(&key).map_err(|_| SamlError::CertificateMalformed)?;
        Ok((key.serialize_pem(), certificate.pem()))
    }
}

/// Every block of a PEM text.
fn ders_of_pem(pem: &str) -> Vec<Vec<u8>> {
    x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).map_while(Result::ok).map(|block| block.contents).collect()
}

/// The first block of a PEM text.
pub(super) fn der_of_pem(pem: &str) -> Option<Vec<u8>> {
    x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok().map(|(_, block)| block.contents)
}
