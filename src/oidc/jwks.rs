//! The provider's keys. The protocol library takes RSA keys of any size, so weak ones are dropped before it sees them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm, JsonWebKeyUse as _, JwsSigningAlgorithm as _};
use serde_json::Value;
use url::Url;

use super::json::parse_object;
use super::{OidcError, RelyingParty};

const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 100;
const MIN_RSA_BITS: usize = 2048;

/// Keys that may sign ID tokens.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

/// A key, and whose it is where the set says so (Entra ID).
#[derive(Debug)]
pub(super) struct Key {
    pub(super) jwk: CoreJsonWebKey,
    pub(super) issuer: Option<String>,
}

impl Key {
    fn parse(value: Value) -> Option<Self> {
        let issuer = value.get("issuer").and_then(Value::as_str).map(str::to_owned);
        let jwk = serde_json::from_value(value).ok()?;
        Some(Self { jwk, issuer })
    }
}

impl RelyingParty {
    pub(super) async fn fetch_keys(&self, url: &Url) -> Result<Keys, OidcError> {
        let fetched = self.outbound.fetch(url, self.reach, MAX_BYTES).await.map_err(|error| match OidcError::from(error) {
            OidcError::DiscoveryInvalid(why) => OidcError::KeysInvalid(why),
            other => other,
        })?;
        Keys::parse(&fetched.body)
    }
}

impl Keys {
    /// Reads a key set. Keys that Usher cannot use (other types, symmetric, RSA under 2048 bits) are left out, and so is everything after
    /// the first hundred.
    pub(super) fn parse(text: &[u8]) -> Result<Self, OidcError> {
        let invalid = |why: &str| OidcError::KeysInvalid(why.to_owned());
        let mut document = parse_object(text).ok_or_else(|| invalid("it is not a JSON object"))?;
        let Some(Value::Array(keys)) = document.remove("keys") else { return Err(invalid("it has no list of keys")) };
        Ok(Self(keys.into_iter().take(MAX_KEYS).filter(is_usable).filter_map(Key::parse).collect()))
    }

    /// The one key that may have signed a token with this algorithm and key id.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: &CoreJwsSigningAlgorithm) -> Result<&Key, OidcError> {
        let fits = |Key { jwk: key, .. }: &&Key| {
            kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid))
                && key.key_use().is_none_or(openidconnect::core::CoreJsonWebKeyUse::allows_signature)
                && algorithm.key_type().as_ref() == Some(key.key_type())
                && match key.signing_alg() {
                    JsonWebKeyAlgorithm::Unspecified => true,
                    JsonWebKeyAlgorithm::Algorithm(own) => own == algorithm,
                    JsonWebKeyAlgorithm::Unsupported => false,
                }
        };
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(OidcError::KeyNotFound),
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(OidcError::KeyAmbiguous),
        }
    }
}

fn is_usable(key: &Value) -> bool {
    match key.get("kty").and_then(Value::as_str) {
        Some("RSA") => key.get("n").and_then(Value::as_str).and_then(bits).is_some_and(|bits| bits >= MIN_RSA_BITS),
        Some("EC" | "OKP") => true,
        _ => false,
    }
}

/// The length of a number in base64url without its leading zero bits.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    let first = bytes.get(start)?;
    Some((bytes.len() - start) * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RS256: CoreJwsSigningAlgorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;

    fn rsa(kid: &str, bits: usize) -> Value {
        let mut modulus = vec![0xff_u8; bits / 8];
        modulus.insert(0, 0);
        json!({ "kty": "RSA", "kid": kid, "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" })
    }

    fn keys(keys: &[Value]) -> Keys {
        Keys::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn rsa_keys_under_2048_bits_and_symmetric_keys_are_left_out() {
        let hmac = json!({ "kty": "oct", "kid": "hmac", "k": "AAAA" });
        let keys = keys(&[rsa("a", 512), rsa("b", 1024), rsa("c", 2040), rsa("d", 2048), hmac, json!("x"), json!({ "kty": "new" })]);
        assert_eq!(keys.0.len(), 1);
        assert!(keys.find(Some("d"), &RS256).is_ok());
    }

    #[test]
    fn leading_zeros_do_not_make_a_key_longer() {
        let bits_of = |bytes: &[u8]| bits(&URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(bits_of(&[0x80, 0]), Some(16));
        assert_eq!(bits_of(&[0, 0, 0x1f, 0xff]), Some(13));
        assert_eq!(bits_of(&[0, 1]), Some(1));
        assert_eq!(bits_of(&[0, 0]), None);
    }

    #[test]
    fn at_most_a_hundred_keys_are_read() {
        let all: Vec<_> = (0..300).map(|n| rsa(&n.to_string(), 2048)).collect();
        assert_eq!(keys(&all).0.len(), 100);
    }

    #[test]
    fn a_key_for_encryption_or_another_algorithm_does_not_fit() {
        let mut encryption = rsa("a", 2048);
        encryption["use"] = "enc".into();
        let mut other = rsa("b", 2048);
        other["alg"] = "RS512".into();
        let keys = keys(&[encryption, other]);
        assert_eq!(keys.find(None, &RS256).unwrap_err(), OidcError::KeyNotFound);
    }

    #[test]
    fn without_a_key_id_exactly_one_key_must_fit() {
        assert!(keys(&[rsa("a", 2048)]).find(None, &RS256).is_ok());
        assert_eq!(keys(&[rsa("a", 2048), rsa("b", 2048)]).find(None, &RS256).unwrap_err(), OidcError::KeyAmbiguous);
        assert_eq!(keys(&[rsa("a", 2048), rsa("a", 2048)]).find(Some("a"), &RS256).unwrap_err(), OidcError::KeyAmbiguous);
        assert_eq!(keys(&[rsa("a", 2048)]).find(Some("b"), &RS256).unwrap_err(), OidcError::KeyNotFound);
    }

    #[test]
    fn something_else_than_a_key_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>"] {
            assert_eq!(Keys::parse(text.as_bytes()).unwrap_err().code(), "keys_invalid", "{text}");
        }
    }
}
