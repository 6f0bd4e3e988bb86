//! The signature of an ID token (RFC 7515). Nothing of the payload is read before it holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde_json::Value;

use super::OidcError;
use super::json::{Object, parse_object};
use super::jwks::Keys;

const MAX_BYTES: usize = 64 * 1024;

/// Algorithms that a connection may list: signatures with a key pair. No `none`, and no HMAC, whose key would be the client secret or, in
/// the classic confusion, the public key.
const ALGORITHMS: [(&str, CoreJwsSigningAlgorithm); 9] = [
    ("RS256", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
    ("RS384", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384),
    ("RS512", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512),
    ("PS256", CoreJwsSigningAlgorithm::RsaSsaPssSha256),
    ("PS384", CoreJwsSigningAlgorithm::RsaSsaPssSha384),
    ("PS512", CoreJwsSigningAlgorithm::RsaSsaPssSha512),
    ("ES256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
    ("ES384", CoreJwsSigningAlgorithm::EcdsaP384Sha384),
    ("EdDSA", CoreJwsSigningAlgorithm::EdDsa),
];

/// The algorithms of one connection.
#[derive(Debug)]
pub(super) struct Algorithms(Vec<(String, CoreJwsSigningAlgorithm)>);

impl Algorithms {
    pub(super) fn parse(names: &[String]) -> Result<Self, OidcError> {
        if names.is_empty() {
            return Err(OidcError::SettingsInvalid("no signature algorithm is listed"));
        }
        let known =
            |name: &String| ALGORITHMS.iter().find(|(known, _)| known == name).map(|(_, algorithm)| (name.clone(), algorithm.clone()));
        let listed: Option<_> = names.iter().map(known).collect();
        listed.map(Self).ok_or(OidcError::SettingsInvalid("a signature algorithm is unknown, symmetric or none"))
    }

    fn find(&self, name: &str) -> Option<&CoreJwsSigningAlgorithm> {
        self.0.iter().find(|(listed, _)| listed == name).map(|(_, algorithm)| algorithm)
    }
}

/// What a token is for. One kind must never pass for another (RFC 8725 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Says who signed in.
    Id,
    /// Says whose session is over. Providers that are older than its type call it `JWT`, as an ID token: its event and its missing nonce tell them apart.
    Logout,
}

/// A token taken apart, not verified.
pub(super) struct UnverifiedToken<'a> {
    algorithm: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// The claims of a token whose signature holds, and what is needed to check `at_hash`.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) claims: Object,
    pub(super) algorithm: CoreJwsSigningAlgorithm,
    pub(super) key: CoreJsonWebKey,
    /// Whose key it is, where the key set says so.
    pub(super) key_issuer: Option<String>,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes the token apart and checks its header. `jwk`, `jku` and `x5c` in the header are never looked at.
    pub(super) fn parse(token: &'a str, purpose: Kind, algorithms: &Algorithms) -> Result<Self, OidcError> {
        let malformed = OidcError::IdTokenMalformed;
        if token.len() > MAX_BYTES {
            return Err(OidcError::IdTokenTooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed("it has no parts"))?;
        let (header, payload) =
            signed.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or(malformed("it does not have three parts"))?;
        let header = decode(header).as_deref().and_then(parse_object).ok_or(malformed("its header is not a JSON object"))?;
        check_kind(&header, purpose)?;
        let algorithm =
            header.get("alg").and_then(Value::as_str).and_then(|name| algorithms.find(name)).ok_or(OidcError::AlgorithmNotAllowed)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(malformed("its key id is not text")),
        };
        let signature = decode(signature).ok_or(malformed("its signature is not base64url"))?;
        Ok(Self { algorithm: algorithm.clone(), kid, signed, payload, signature })
    }

    /// Checks the signature, then reads the claims.
    pub(super) fn verify(&self, keys: &Keys) -> Result<Signed, OidcError> {
        let key = keys.find(self.kid.as_deref(), &self.algorithm)?;
        key.jwk.verify_signature(&self.algorithm, self.signed.as_bytes(), &self.signature).map_err(|_| OidcError::SignatureInvalid)?;
        let claims = decode(self.payload).as_deref().and_then(parse_object);
        let claims = claims.ok_or(OidcError::IdTokenMalformed("its payload is not a JSON object, or has a member twice"))?;
        Ok(Signed { claims, algorithm: self.algorithm.clone(), key: key.jwk.clone(), key_issuer: key.issuer.clone() })
    }
}

/// Refuses access tokens, logout tokens, nested tokens, and whatever must be understood and is not (RFC 7515 4.1.9 to 4.1.11, RFC 8725 3.11).
fn check_kind(header: &Object, kind: Kind) -> Result<(), OidcError> {
    if header.contains_key("crit") {
        return Err(OidcError::IdTokenWrongType("it has critical extensions"));
    }
    if header.contains_key("cty") {
        return Err(OidcError::IdTokenWrongType("it holds another token"));
    }
    match header.get("typ") {
        None => Ok(()),
        Some(Value::String(typ)) if ["jwt", "application/jwt", "jose"].contains(&typ.to_ascii_lowercase().as_str()) => Ok(()),
        Some(Value::String(typ)) if kind == Kind::Logout && typ.eq_ignore_ascii_case("logout+jwt") => Ok(()),
        Some(_) => Err(OidcError::IdTokenWrongType("its type is not JWT")),
    }
}

/// The claims of a token that nobody verified: only to be looked at.
pub(super) fn read_unverified_claims(unverified_token: &str) -> Result<Object, OidcError> {
    let malformed = OidcError::IdTokenMalformed;
    if unverified_token.len() > MAX_BYTES {
        return Err(OidcError::IdTokenTooLarge);
    }
    let parts: Vec<&str> = unverified_token.split('.').collect();
    let [header, payload, _] = parts.as_slice() else { return Err(malformed("it does not have three parts")) };
    decode(header).as_deref().and_then(parse_object).ok_or(malformed("its header is not a JSON object"))?;
    decode(payload).as_deref().and_then(parse_object).ok_or(malformed("its payload is not a JSON object, or has a member twice"))
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Result<(), &'static str> {
        let algorithms = Algorithms::parse(&["RS256".to_owned()]).unwrap();
        let token = format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"), "AAAA");
        UnverifiedToken::parse(&token, Kind::Id, &algorithms).map(|_| ()).map_err(|error| error.code())
    }

    #[test]
    fn only_listed_algorithms_are_taken_and_their_case_counts() {
        assert_eq!(parse(r#"{"alg":"RS256"}"#), Ok(()));
        for alg in ["none", "None", "", "rs256", "HS256", "RS512", "ES256"] {
            assert_eq!(parse(&format!(r#"{{"alg":"{alg}"}}"#)), Err("algorithm_not_allowed"), "{alg}");
        }
        for header in ["{}", r#"{"alg":["RS256"]}"#, r#"{"alg":null}"#] {
            assert_eq!(parse(header), Err("algorithm_not_allowed"), "{header}");
        }
    }

    #[test]
    fn a_connection_cannot_list_none_or_a_symmetric_algorithm() {
        for names in [&[][..], &["none"], &["HS256"], &["RS256", "HS512"], &["rs256"], &["ES512"]] {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(Algorithms::parse(&names).unwrap_err().code(), "settings_invalid", "{names:?}");
        }
    }

    #[test]
    fn other_kinds_of_tokens_are_refused() {
        for typ in ["JWT", "jwt", "application/jwt", "JOSE"] {
            assert_eq!(parse(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)), Ok(()));
        }
        for member in
            [r#""typ":"at+jwt""#, r#""typ":"logout+jwt""#, r#""typ":7"#, r#""cty":"JWT""#, r#""crit":[]"#, r#""crit":["b64"],"b64":false"#]
        {
            assert_eq!(parse(&format!(r#"{{"alg":"RS256",{member}}}"#)), Err("id_token_wrong_type"), "{member}");
        }
    }

    #[test]
    fn a_logout_token_may_say_that_it_is_one() {
        let algorithms = Algorithms::parse(&["RS256".to_owned()]).unwrap();
        for (typ, taken) in [("logout+jwt", true), ("LOGOUT+JWT", true), ("JWT", true), ("at+jwt", false), ("secevent+jwt", false)] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#));
            assert_eq!(UnverifiedToken::parse(&format!("{header}.e30.AA"), Kind::Logout, &algorithms).is_ok(), taken, "{typ}");
        }
    }

    #[test]
    fn a_token_that_is_only_looked_at_is_held_to_the_same_form() {
        let token = |payload: &str| format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(payload));
        let read = |token: &str| read_unverified_claims(token).map_err(|error| error.code());
        assert_eq!(read(&token(r#"{"sub":"ada"}"#)).unwrap().get("sub").and_then(Value::as_str), Some("ada"));
        for malformed in [token(r#"{"sub":"ada","sub":"eve"}"#), token("[]"), "e30.e30".to_owned(), "e30.e30.AA.AA".to_owned()] {
            assert_eq!(read(&malformed), Err("id_token_malformed"), "{malformed}");
        }
        let padded = |bytes: usize| "e30.".to_owned() + &"A".repeat(bytes - "e30..".len()) + ".";
        assert_eq!(read(&padded(MAX_BYTES)), Err("id_token_malformed"), "as large as may be, and read");
        assert_eq!(read(&padded(MAX_BYTES + 1)), Err("id_token_too_large"));
    }

    #[test]
    fn a_token_has_three_parts_of_base64url() {
        let algorithms = Algorithms::parse(&["RS256".to_owned()]).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        for token in [
            String::new(),
            "..".to_owned(),
            header.clone(),
            format!("{header}.e30"),
            format!("{header}.e30.AA.AA.AA"),
            format!("{header}=.e30.AA"),
            format!("{header}.e30.+/"),
            format!(" {header}.e30.AA"),
            format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","alg":"none"}"#)),
        ] {
            assert_eq!(
                UnverifiedToken::parse(&token, Kind::Id, &algorithms).map(|_| ()).unwrap_err().code(),
                "id_token_malformed",
                "{token}"
            );
        }
        let sized = |bytes: usize| format!("{header}.{}.AA", "A".repeat(bytes - header.len() - 4));
        assert!(UnverifiedToken::parse(&sized(MAX_BYTES), Kind::Id, &algorithms).is_ok());
        let large = sized(MAX_BYTES + 1);
        assert_eq!(UnverifiedToken::parse(&large, Kind::Id, &algorithms).map(|_| ()).unwrap_err(), OidcError::IdTokenTooLarge);
    }
}
