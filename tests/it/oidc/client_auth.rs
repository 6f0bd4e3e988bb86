//! How Usher proves that it is the client, and how it asks, at a certified provider.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use usher::clock::{Clock as _, SystemClock};
use usher::core::{Asking, ClientAuth, OidcSettings, Secret};

use super::provider::{CALLBACK, OPTIONS, login, relying_party, settings};
use crate::support::oidc_provider::{Browser, OidcProvider, Options};

/// A key on P-256: in PEM, and its public half as the provider registers it.
fn key() -> (String, String) {
    let pair = KeyPair::generate().unwrap();
    let own = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der()).unwrap();
    let point = own.public_key().as_ref();
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": "usher-1", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..]),
    });
    (pair.serialize_pem(), jwk.to_string())
}

fn with_key(settings: OidcSettings, key: &str) -> OidcSettings {
    OidcSettings {
        client_secret: None,
        client_auth: Some(ClientAuth::PrivateKeyJwt),
        client_key: Some(Secret::new(key)),
        client_key_id: Some("usher-1".to_owned()),
        ..settings
    }
}

#[tokio::test]
async fn a_client_signs_in_with_its_key_and_pushes_its_requests() {
    let (key, jwk) = key();
    let more = [("CLIENT_AUTH", "private_key_jwt"), ("CLIENT_JWK", &*jwk), ("PUSHED", "required")];
    let provider = OidcProvider::start(&Options { more: &more, ..OPTIONS }).await;
    let settings = OidcSettings { pushed_requests: Some(true), ..with_key(settings(&provider, "RS256"), &key) };
    let rp = relying_party(&settings);
    // Twice: each statement has an id of its own, which the provider takes once.
    for _ in 0..2 {
        assert_eq!(login(&mut Browser::default(), &rp, "ada").await.unwrap().identity().subject, "ada");
    }
    let started = rp.start("s", None, Asking::Usual, SystemClock.now()).await.unwrap();
    assert!(
        started.url.contains("request_uri=") && !started.url.contains("nonce") && !started.url.contains("redirect_uri"),
        "{}",
        started.url
    );
}

#[tokio::test]
async fn another_key_is_not_the_clients() {
    let ((_, jwk), (stranger, _)) = (key(), key());
    let more = [("CLIENT_AUTH", "private_key_jwt"), ("CLIENT_JWK", &*jwk)];
    let provider = OidcProvider::start(&Options { more: &more, ..OPTIONS }).await;
    let refused =
        login(&mut Browser::default(), &relying_party(&with_key(settings(&provider, "RS256"), &stranger)), "ada").await.unwrap_err();
    assert_eq!(refused.to_string(), "the token endpoint answered invalid_client");
    let secret = login(&mut Browser::default(), &relying_party(&settings(&provider, "RS256")), "ada").await.unwrap_err();
    assert_eq!(secret.to_string(), "the token endpoint answered invalid_client");
}

/// Certificates for a provider that speaks https, and for its client.
struct Certificates {
    folder: TempDir,
    authority: String,
    client: (String, String),
}

impl Certificates {
    fn make() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Acme authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str, purpose| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.extended_key_usages.push(purpose);
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem())
        };
        let server = issue("op.localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let client = issue("usher.acme.example", ExtendedKeyUsagePurpose::ClientAuth);
        let folder = TempDir::new().unwrap();
        for (name, text) in [("crt.pem", &server.0), ("key.pem", &server.1), ("client-ca.pem", &authority.pem())] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder, authority: authority.pem(), client }
    }

    fn settings(&self, provider: &OidcProvider) -> OidcSettings {
        OidcSettings {
            client_secret: None,
            client_auth: Some(ClientAuth::Tls),
            client_key: Some(Secret::new(&*self.client.1)),
            client_certificate: Some(self.client.0.clone()),
            provider_ca: Some(self.authority.clone()),
            ..settings(provider, "RS256")
        }
    }
}

#[tokio::test]
async fn a_client_signs_in_with_the_certificate_of_its_connection() {
    let certificates = Certificates::make();
    let more = [("CLIENT_AUTH", "tls_client_auth"), ("TLS_FOLDER", certificates.folder.path().to_str().unwrap())];
    let provider = OidcProvider::start(&Options { more: &more, ..OPTIONS }).await;
    let browser = || Browser::trusting(Some(&certificates.authority));
    let settings = certificates.settings(&provider);
    assert_eq!(login(&mut browser(), &relying_party(&settings), "ada").await.unwrap().identity().subject, "ada");

    let other = Certificates::make();
    let stranger = OidcSettings {
        client_key: Some(Secret::new(&*other.client.1)),
        client_certificate: Some(other.client.0.clone()),
        ..settings.clone()
    };
    let refused = login(&mut browser(), &relying_party(&stranger), "ada").await.unwrap_err();
    // The provider says no, or its TLS hangs up on us before it does.
    let hung_up = refused.is_provider_unreachable();
    assert!(
        hung_up || refused.to_string() == "the token endpoint answered invalid_client",
        "a certificate of another authority: {refused}"
    );
    let without = OidcSettings { provider_ca: None, ..settings };
    let refused = relying_party(&without).start("s", None, Asking::Usual, SystemClock.now()).await.unwrap_err();
    assert!(refused.is_provider_unreachable(), "an authority that nobody named: {refused}");
}

#[tokio::test]
async fn what_a_connection_demands_a_provider_answers() {
    let provider = OidcProvider::start(&OPTIONS).await;
    let settings = OidcSettings { max_age_seconds: Some(3600), ..settings(&provider, "RS256") };
    let (rp, mut browser) = (relying_party(&settings), Browser::default());
    login(&mut browser, &rp, "ada").await.unwrap();
    // Anew: the provider's session does not do, and the page comes again.
    let started = rp.start("s", None, Asking::Anew, SystemClock.now()).await.unwrap();
    assert!(browser.open(&started.url, CALLBACK).await.text.contains("Who are you?"));
    let refused = login(&mut browser, &relying_party(&OidcSettings { acr_values: vec!["mfa".to_owned()], ..settings }), "ada").await;
    assert_eq!(refused.unwrap_err().code(), "authentication_too_weak");
}
