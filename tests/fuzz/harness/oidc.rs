//! The OpenID Connect door.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use usher::core::{Connection, ConnectionId, Identity, OidcSettings, Protocol};
use usher::oidc::{Callback, OidcError, RelyingParty, read_unverified};
use usher::outbound::Outbound;

use crate::support::saml_idp::der;

const ISSUER: &str = "https://op.example";
const CLIENT: &str = "usher";
const NONCE: &str = "nonce-0123456789";

struct Door {
    party: RelyingParty,
    key: EcdsaKeyPair,
    keys: String,
}

static DOOR: LazyLock<Door> = LazyLock::new(|| {
    let algorithms = vec!["ES256".to_owned()];
    let settings = OidcSettings { algorithms, userinfo: false, ..OidcSettings::new(ISSUER, CLIENT) };
    let connection = Connection {
        id: ConnectionId::parse("op").unwrap(),
        name: "Op".to_owned(),
        enabled: true,
        domains: std::collections::BTreeSet::new(),
        internal: false,
        allow_idp_initiated: false,
        protocol: Protocol::Oidc(settings.clone()),
    };
    let callback = "https://auth.acme.example/oidc/op/callback".parse().unwrap();
    let party = RelyingParty::new(&connection, &settings, callback, Arc::new(Outbound::new().unwrap())).unwrap();
    let pkcs8 = der(include_str!("../../fixtures/saml/ec.key.pem"));
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap();
    let point = key.public_key().as_ref();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
    Door { keys: json!({ "keys": [jwk] }).to_string(), party, key }
});

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A token that an administrator pasted.
fn pasted(token: &str) -> Result<Identity, OidcError> {
    read_unverified(&ConnectionId::parse("op").unwrap(), &OidcSettings::new(ISSUER, CLIENT), token)
}

/// An ID token: anything in braces is signed by the provider as its claims, a line before it as its header; anything else is a whole token, a key
/// set, and a callback's query.
pub(crate) fn id_token(data: &[u8]) {
    let door = &*DOOR;
    let read = |token: &str| door.party.read_id_token(token, door.keys.as_bytes(), NONCE, "access-token", now());
    if data.first() != Some(&b'{') {
        let Ok(text) = std::str::from_utf8(data) else { return };
        assert!(read(text).is_err(), "a stranger's token was accepted: {text}");
        let _ = Callback::parse(text);
        let _ = pasted(text);
        return;
    }
    // Nobody signs for a stranger who brings the keys along.
    let token = |header: &[u8], claims: &[u8]| {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = door.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let line = data.iter().position(|&byte| byte == b'\n');
    let (header, claims) = line.map_or((&br#"{"alg":"ES256","kid":"k1"}"#[..], data), |at| (&data[..at], &data[at + 1..]));
    let token = token(header, claims);
    let Ok(checked) = read(&token) else { return };
    assert_eq!(pasted(&token).unwrap().subject, checked.identity().subject);
    // Another reader of JSON, which takes the last of two members, has to see the same.
    let seen: Value = serde_json::from_slice(claims).unwrap();
    assert_eq!((seen["iss"].as_str(), seen["nonce"].as_str()), (Some(ISSUER), Some(NONCE)));
    assert_eq!(seen["sub"].as_str(), Some(checked.identity().subject.as_str()));
    assert!(seen["aud"] == CLIENT || seen["aud"].as_array().is_some_and(|all| all.iter().all(|one| one == CLIENT)), "{seen}");
    assert!(seen["exp"].as_f64().unwrap() >= 1_799_999_900.0, "{seen}");
    assert!(seen["iat"].as_f64().unwrap() >= 1_799_999_300.0, "{seen}");
}
