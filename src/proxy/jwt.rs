//! The identity token that an app can check by itself, and the keys that it checks with.
//!
//! Two keys are always published, the one that signs and the next, so that a rotation meets no app that has not seen the new key. After one, the key
//! before is published too: its last tokens are under way, and another node may still sign with it. Those of earlier stay in the file, because what was
//! sealed with them ([`SealingKeys`]) may still be wanted.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::core::{MemberId, OrganizationId, PersonId};
use crate::random;
use crate::store::ephemeral::sealed::SealingKeys;

/// How long a token is valid; half of it, it is sent again.
pub const LIFE: SignedDuration = SignedDuration::from_mins(5);
const FILE: &str = "identity-keys.pem";

/// Why there are no keys, or no token.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// The key file cannot be read or written.
    #[error("the key file {path} cannot be used")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read the key file.
    #[error("the key file {0} may be read by others: run `chmod 600` on it")]
    Readable(String),
    /// What is in the file is not two to ten P-256 keys in PKCS#8 PEM.
    #[error("the key file {0} does not hold two to ten P-256 keys in PKCS#8 PEM")]
    Form(String),
    /// A key cannot be made, or does not sign.
    #[error("the signing key does not work")]
    Crypto,
    /// The token cannot be written.
    #[error(transparent)]
    Token(#[from] jsonwebtoken::errors::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] random::RandomError),
}

/// What a token says. What is unknown is left out.
#[derive(Debug, Clone, Serialize)]
pub struct Claims<'a> {
    /// `public_url`, without a slash at its end.
    pub iss: &'a str,
    /// The route's host.
    pub aud: &'a str,
    /// The person.
    pub sub: PersonId,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<&'a OrganizationId>,
    /// The member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    /// The seat tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat_tier: Option<&'a str>,
}

#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    claims: &'a Claims<'a>,
    iat: i64,
    exp: i64,
    jti: String,
}

struct Key {
    id: String,
    pkcs8: Vec<u8>,
    signing: EncodingKey,
    x: String,
    y: String,
}

impl Key {
    fn new(pkcs8: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        // SEC 1 2.3.3: 04, then both coordinates.
        let (x, y) = pair.public_key().as_ref().strip_prefix(&[4])?.split_at_checked(32)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // RFC 7638: the thumbprint of the members in this order.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Some(Self { id: URL_SAFE_NO_PAD.encode(thumbprint), pkcs8: pkcs8.to_vec(), signing: EncodingKey::from_ec_der(pkcs8), x, y })
    }

    fn jwk(&self) -> serde_json::Value {
        serde_json::json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id, "x": self.x, "y": self.y })
    }
}

/// Keys of before that are kept. Rotations of a whole day, one an hour, are more than anybody makes.
const MAX_BEFORE: usize = 8;

/// The key that signs, the next one, and those of before, the latest first.
pub struct IdentityKeys {
    current: Key,
    next: Key,
    before: Vec<Key>,
}

impl std::fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityKeys").field("current", &self.current.id).field("next", &self.next.id).finish_non_exhaustive()
    }
}

impl IdentityKeys {
    /// Reads the keys from `data_dir`, or makes them there at the first start.
    ///
    /// # Errors
    /// [`JwtError`]: Usher does not start without keys.
    pub fn load_or_make(data_dir: &Path) -> Result<Self, JwtError> {
        let path = data_dir.join(FILE);
        let shown = path.display().to_string();
        let fault = |source| JwtError::File { path: shown.clone(), source };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => return Err(JwtError::Readable(shown)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => write_new(&path).map_err(fault)?,
            Err(error) => return Err(fault(error)),
        }
        let text = fs::read(&path).map_err(fault)?;
        Self::parse(&text).ok_or(JwtError::Form(shown))
    }

    /// Has the next key sign, makes a new next one and keeps the one before, in `data_dir`. Whoever runs reads them at its next reload.
    ///
    /// # Errors
    /// [`JwtError`]: the file is as it was.
    pub fn rotate(data_dir: &Path) -> Result<Self, JwtError> {
        let before = Self::load_or_make(data_dir)?;
        let path = data_dir.join(FILE);
        let fault = |source| JwtError::File { path: path.display().to_string(), source };
        let old = std::iter::once(&before.current).chain(&before.before).take(MAX_BEFORE).map(|key| pem(&key.pkcs8));
        let text = pem(&before.next.pkcs8) + &make_pem().map_err(fault)? + &old.collect::<String>();
        write_beside(&path, text.as_bytes()).and_then(|beside| fs::rename(beside, &path)).map_err(fault)?;
        Self::load_or_make(data_dir)
    }

    /// The id of the key that signs.
    #[must_use]
    pub fn id_in_use(&self) -> String {
        self.current.id.clone()
    }

    /// Keys that are kept nowhere, for the demo and tests.
    ///
    /// # Errors
    /// [`JwtError::Crypto`] when the machine cannot make any.
    pub fn make() -> Result<Self, JwtError> {
        let pem = make_pem().and_then(|first| Ok(first + &make_pem()?)).map_err(|_| JwtError::Crypto)?;
        Self::parse(pem.as_bytes()).ok_or(JwtError::Crypto)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mut keys = PrivatePkcs8KeyDer::pem_slice_iter(text).map(|key| Key::new(key.ok()?.secret_pkcs8_der()));
        let (current, next) = (keys.next()??, keys.next()??);
        let before = keys.collect::<Option<Vec<_>>>()?;
        (before.len() <= MAX_BEFORE).then_some(Self { current, next, before })
    }

    /// Keys for what is kept in a store outside of this machine: from the one in use, and all others open what they have sealed.
    #[must_use]
    pub fn sealing(&self) -> SealingKeys {
        SealingKeys::new([&self.current, &self.next].into_iter().chain(&self.before).map(|key| key.pkcs8.as_slice()))
    }

    /// The JWK set (RFC 7517), as JSON.
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<_> = [&self.current, &self.next].into_iter().chain(self.before.first()).map(Key::jwk).collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// Signs a token that is valid for [`LIFE`] from `now`.
    ///
    /// # Errors
    /// [`JwtError`] when the machine cannot sign: the request is denied.
    pub fn sign(&self, claims: &Claims<'_>, now: Timestamp) -> Result<String, JwtError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.current.id.clone());
        let iat = now.as_second();
        let jti = URL_SAFE_NO_PAD.encode(random::bytes::<16>()?);
        let stamped = Stamped { claims, iat, exp: iat + LIFE.as_secs(), jti };
        Ok(jsonwebtoken::encode(&header, &stamped, &self.current.signing)?)
    }
}

fn make_pem() -> io::Result<String> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(io::Error::other)?;
    Ok(pem(key.to_pkcs8v1().map_err(io::Error::other)?.as_ref()))
}

fn pem(pkcs8: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8))
}

/// Writes text beside a file, for the owner alone; where.
fn write_beside(path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(beside.into())
}

/// Whole or not at all: written beside, then given its name unless someone was faster.
fn write_new(path: &Path) -> io::Result<()> {
    let beside = write_beside(path, (make_pem()? + &make_pem()?).as_bytes())?;
    match fs::hard_link(&beside, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::remove_file(&beside),
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    fn claims() -> Claims<'static> {
        let sub = PersonId::from_uuid(uuid::Uuid::from_u128(7));
        Claims {
            iss: "https://auth.acme.example",
            aud: "app.acme.example",
            sub,
            email: Some("ada@acme.example"),
            name: None,
            org: None,
            member: None,
            role: Some("Admin"),
            seat_tier: None,
        }
    }

    #[test]
    fn an_app_can_check_the_token_with_the_published_keys() {
        let keys = IdentityKeys::make().unwrap();
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let token = keys.sign(&claims(), now).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("JWT")));
        let published: JwkSet = serde_json::from_str(&keys.jwks()).unwrap();
        assert_eq!(published.keys.len(), 2);
        let key = DecodingKey::from_jwk(published.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["app.acme.example"]);
        validation.set_issuer(&["https://auth.acme.example"]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert_eq!(claims["email"], "ada@acme.example");
        assert_eq!(claims["role"], "Admin");
        assert!(claims.get("seat_tier").is_none() && claims["jti"].as_str().unwrap().len() >= 20);
    }

    #[test]
    fn keys_are_made_once_and_for_the_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let first = IdentityKeys::load_or_make(dir.path()).unwrap();
        let again = IdentityKeys::load_or_make(dir.path()).unwrap();
        assert_eq!(first.jwks(), again.jwks());
        let path = dir.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(IdentityKeys::load_or_make(dir.path()), Err(JwtError::Readable(_))));
    }

    #[test]
    fn a_rotation_signs_with_what_was_published_and_forgets_nothing_that_is_under_way() {
        let dir = tempfile::tempdir().unwrap();
        let ids = |keys: &IdentityKeys| -> Vec<String> {
            let published: JwkSet = serde_json::from_str(&keys.jwks()).unwrap();
            published.keys.into_iter().map(|key| key.common.key_id.unwrap()).collect()
        };
        let first = IdentityKeys::load_or_make(dir.path()).unwrap();
        let second = IdentityKeys::rotate(dir.path()).unwrap();
        let third = IdentityKeys::rotate(dir.path()).unwrap();
        let (first, second, third) = (ids(&first), ids(&second), ids(&third));
        assert_eq!((first.len(), second.len(), third.len()), (2, 3, 3));
        assert_eq!((&second[0], &second[2]), (&first[1], &first[0]));
        assert_eq!((&third[0], &third[2]), (&second[1], &second[0]));
        let path = dir.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // However often: ten keys in all.
        for _ in 0..10 {
            IdentityKeys::rotate(dir.path()).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("BEGIN").count(), 10);
        fs::write(&path, text + &make_pem().unwrap()).unwrap();
        assert!(matches!(IdentityKeys::load_or_make(dir.path()), Err(JwtError::Form(_))));
    }

    #[test]
    fn a_damaged_key_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap().write_all(b"not a key").unwrap();
        assert!(matches!(IdentityKeys::load_or_make(dir.path()), Err(JwtError::Form(_))));
    }
}
