//! The service provider's own key: signs requests, opens encrypted assertions.

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
pub struct SpKeys {
    pub(super) signing: SigningKey,
    pub(super) decryption: OaepPrivateDecryptingKey,
    pub(super) certificate_der: Vec<u8>,
}

impl std::fmt::Debug for SpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpKeys").finish_non_exhaustive()
    }
}

impl SpKeys {
    /// Reads an RSA key of at least 2048 bits (PKCS#8 or PKCS#1) and its certificate, both PEM.
    ///
    /// # Errors
    /// [`SamlError::KeyMalformed`] also when key and certificate do not belong together, [`SamlError::KeyRefused`],
    /// [`SamlError::CertificateMalformed`].
    pub fn from_pem(key: &str, certificate: &str) -> Result<Self, SamlError> {
        let key = der_of_pem(key).ok_or(SamlError::KeyMalformed)?;
        let pair = RsaKeyPair::from_pkcs8(&key).or_else(|_| RsaKeyPair::from_der(&key)).map_err(|_| SamlError::KeyMalformed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SamlError::KeyMalformed)?;
        let signing = SigningKey::from_pkcs8(pkcs8.as_ref())?;
        let decryption = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| SamlError::KeyMalformed)?;
        let decryption = OaepPrivateDecryptingKey::new(decryption).map_err(|_| SamlError::KeyMalformed)?;
        let certificate_der = der_of_pem(certificate).ok_or(SamlError::CertificateMalformed)?;
        let (_, parsed) = X509Certificate::from_der(&certificate_der).map_err(|_| SamlError::CertificateMalformed)?;
        if &*parsed.public_key().subject_public_key.data != signing.public_key() {
            return Err(SamlError::KeyMalformed);
        }
        Ok(Self { signing, decryption, certificate_der })
    }

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

    /// The certificate in DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }
}

/// The first block of a PEM text.
pub(super) fn der_of_pem(pem: &str) -> Option<Vec<u8>> {
    x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok().map(|(_, block)| block.contents)
}
