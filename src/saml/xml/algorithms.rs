//! What may sign and hash, by allow-list and by kind of key (XML Signature 1.1, RFC 9231). SHA-1, MD5, HMAC and short RSA keys have no name here.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, VerificationAlgorithm,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::saml::SamlError;

const MIN_RSA_BITS: usize = 2048;
/// The parameter of an EC key on P-256 (RFC 5480 2.1.1.1).
const P256: &str = "1.2.840.10045.3.1.7";
/// The parameter of an EC key on P-384.
const P384: &str = "1.3.132.0.34";

/// A signature algorithm that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// ECDSA on P-256 with SHA-256.
    EcdsaSha256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaSha384,
}

impl SignatureAlgorithm {
    const ALL: [Self; 5] = [Self::RsaSha256, Self::RsaSha384, Self::RsaSha512, Self::EcdsaSha256, Self::EcdsaSha384];

    /// Its name in XML.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        }
    }

    /// The algorithm of a name in XML.
    ///
    /// # Errors
    /// [`SamlError::AlgorithmRefused`] for everything that is not on the list.
    pub fn from_uri(uri: &str) -> Result<Self, SamlError> {
        Self::ALL.into_iter().find(|known| known.uri() == uri).ok_or(SamlError::AlgorithmRefused)
    }

    /// The digest that goes with it when we sign.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => DigestAlgorithm::Sha256,
            Self::RsaSha384 | Self::EcdsaSha384 => DigestAlgorithm::Sha384,
            Self::RsaSha512 => DigestAlgorithm::Sha512,
        }
    }
}

/// A digest algorithm that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name in XML.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm of a name in XML.
    ///
    /// # Errors
    /// [`SamlError::DigestRefused`] for everything that is not on the list.
    pub fn from_uri(uri: &str) -> Result<Self, SamlError> {
        Self::ALL.into_iter().find(|known| known.uri() == uri).ok_or(SamlError::DigestRefused)
    }

    /// Hashes.
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// A pinned public key, parsed once, with each algorithm that it may be used with.
#[derive(Debug, Clone)]
pub struct VerifyingKey(Vec<(SignatureAlgorithm, ParsedPublicKey)>);

impl VerifyingKey {
    /// The key of a certificate in DER. The certificate is only the key's wrapping: its names, dates and issuer mean nothing here.
    ///
    /// # Errors
    /// [`SamlError::CertificateMalformed`], or [`SamlError::KeyRefused`] for RSA below 2048 bits and for kinds that are not accepted.
    pub fn from_certificate(der: &[u8]) -> Result<Self, SamlError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| SamlError::CertificateMalformed)?;
        let info = certificate.public_key();
        let bytes: &[u8] = &info.subject_public_key.data;
        let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok()).map(|oid| oid.to_id_string());
        let uses: Vec<(SignatureAlgorithm, &'static dyn VerificationAlgorithm)> = match (info.parsed(), curve.as_deref()) {
            (Ok(PublicKey::RSA(key)), _) if key.key_size() >= MIN_RSA_BITS => vec![
                (SignatureAlgorithm::RsaSha256, &RSA_PKCS1_2048_8192_SHA256),
                (SignatureAlgorithm::RsaSha384, &RSA_PKCS1_2048_8192_SHA384),
                (SignatureAlgorithm::RsaSha512, &RSA_PKCS1_2048_8192_SHA512),
            ],
            (Ok(PublicKey::EC(_)), Some(P256)) => vec![(SignatureAlgorithm::EcdsaSha256, &ECDSA_P256_SHA256_FIXED)],
            (Ok(PublicKey::EC(_)), Some(P384)) => vec![(SignatureAlgorithm::EcdsaSha384, &ECDSA_P384_SHA384_FIXED)],
            _ => return Err(SamlError::KeyRefused),
        };
        let parse = |(name, algorithm)| Ok((name, ParsedPublicKey::new(algorithm, bytes)?));
        let keys: Result<Vec<_>, aws_lc_rs::error::KeyRejected> = uses.into_iter().map(parse).collect();
        Ok(Self(keys.map_err(|_| SamlError::KeyRefused)?))
    }

    fn find(&self, algorithm: SignatureAlgorithm) -> Option<&ParsedPublicKey> {
        self.0.iter().find(|(name, _)| *name == algorithm).map(|(_, key)| key)
    }
}

/// Does the work of one verification, for an answer that must not say by its time how far the message came.
pub fn spend(keys: &[VerifyingKey]) {
    if let Some((_, key)) = keys.first().and_then(|key| key.0.first()) {
        let _ = std::hint::black_box(key.verify_sig(b"", &[1; 256]));
    }
}

/// Verifies with any of the pinned keys.
///
/// # Errors
/// [`SamlError::NoKeys`] without keys, [`SamlError::AlgorithmOfAnotherKey`] when no key is of the algorithm's kind, [`SamlError::SignatureWrong`].
pub fn verify(keys: &[VerifyingKey], algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), SamlError> {
    if keys.is_empty() {
        return Err(SamlError::NoKeys);
    }
    let mut fitting = keys.iter().filter_map(|key| key.find(algorithm)).peekable();
    if fitting.peek().is_none() {
        return Err(SamlError::AlgorithmOfAnotherKey);
    }
    if fitting.any(|key| key.verify_sig(message, signature).is_ok()) { Ok(()) } else { Err(SamlError::SignatureWrong) }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm};
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    /// A new key's certificate, and its signature over a message.
    fn signed(kind: &'static rcgen::SignatureAlgorithm, algorithm: &'static EcdsaSigningAlgorithm, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate_for(kind).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.serialized_der()).unwrap();
        (certificate.der().to_vec(), key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }

    #[test]
    fn each_curve_has_its_algorithm() {
        use SignatureAlgorithm::{EcdsaSha256, EcdsaSha384, RsaSha384};
        let curves = [
            (&PKCS_ECDSA_P256_SHA256, &ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaSha256, EcdsaSha384),
            (&PKCS_ECDSA_P384_SHA384, &ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaSha384, EcdsaSha256),
        ];
        for (kind, algorithm, its, other) in curves {
            let (certificate, signature) = signed(kind, algorithm, b"message");
            let keys = [VerifyingKey::from_certificate(&certificate).unwrap()];
            assert_eq!(verify(&keys, its, b"message", &signature), Ok(()));
            assert_eq!(verify(&keys, its, b"another", &signature), Err(SamlError::SignatureWrong));
            for wrong in [other, RsaSha384] {
                assert_eq!(verify(&keys, wrong, b"message", &signature), Err(SamlError::AlgorithmOfAnotherKey));
            }
        }
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        assert_eq!(VerifyingKey::from_certificate(certificate.der()).err(), Some(SamlError::KeyRefused));
    }
}
