//! Signatures that Usher's own library no longer makes: old algorithms, short keys.

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use openssl::sign;

/// A private key with an algorithm of yesterday.
pub(crate) struct OldKey {
    key: PKey<Private>,
    digest: MessageDigest,
    padding: Padding,
}

impl OldKey {
    fn new(pem: &str, digest: MessageDigest) -> Self {
        Self { key: PKey::private_key_from_pem(pem.as_bytes()).unwrap(), digest, padding: Padding::PKCS1 }
    }

    /// The key of the connection's identity provider.
    pub(crate) fn idp(digest: MessageDigest) -> Self {
        Self::new(include_str!("../../../fixtures/saml/idp.key.pem"), digest)
    }

    pub(crate) fn with_pss(self) -> Self {
        Self { padding: Padding::PKCS1_PSS, ..self }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signer = sign::Signer::new(self.digest, &self.key).unwrap();
        signer.set_rsa_padding(self.padding).unwrap();
        signer.sign_oneshot_to_vec(message).unwrap()
    }
}

/// A key of 1024 bits.
pub(crate) fn short(digest: MessageDigest) -> OldKey {
    OldKey::new(include_str!("../../../fixtures/saml/short.key.pem"), digest)
}
