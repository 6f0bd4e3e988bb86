//! Both servers over TLS, with certificates of an authority of the test's own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use usher::core::RedisAddress;
use usher::store::ephemeral::redis::RedisStore;
use usher::store::ephemeral::{Ephemeral as _, EphemeralError};
use usher::store::postgres::PostgresStore;
use usher::store::{Store as _, StoreError};

use crate::support::port::free_port;
use crate::support::postgres::{Postgres, own};
use crate::support::redis::Redis;

/// An authority, a stranger among authorities, and a server's key and certificate for `127.0.0.1` alone, as files.
struct Certificates {
    ca: PathBuf,
    other_ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    fn make(folder: &Path) -> Self {
        let authority = |name: &str| {
            let (mut params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
        };
        let ((ca_pem, ca), (other_pem, _)) = (authority("ours"), authority("another"));
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        Self {
            ca: write("ca.pem", ca_pem),
            other_ca: write("other-ca.pem", other_pem),
            certificate: write("server.pem", certificate.pem()),
            key: write("server.key", key.serialize_pem()),
        }
    }
}

#[tokio::test]
async fn redis_is_reached_over_tls_and_only_if_its_certificate_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let files = Certificates::make(folder.path());
    let port = free_port();
    let path = |path: &Path| path.display().to_string();
    let _redis = Redis::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &path(&files.certificate),
        "--tls-key-file",
        &path(&files.key),
        "--tls-ca-cert-file",
        &path(&files.ca),
    ])
    .await;
    let open =
        |host: &str, ca: &Path| RedisStore::new(&RedisAddress::parse(&format!("rediss://{host}:{port}?ca={}", path(ca))).unwrap()).unwrap();
    let store = open("127.0.0.1", &files.ca);
    store.put("key", Bytes::from_static(b"value"), Duration::from_mins(1)).await.unwrap();
    assert_eq!(store.find("key").await.unwrap().as_deref(), Some(&b"value"[..]));
    // What nodes say to each other goes the same way.
    let (mut heard, message) = (store.subscribe(), Bytes::from_static(b"news"));
    let news = async {
        loop {
            store.publish(message.clone()).await.unwrap();
            let next = tokio::time::timeout(Duration::from_millis(100), heard.recv()).await;
            if matches!(next, Ok(Ok(usher::store::ephemeral::Published::Message(bytes))) if bytes == message) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), news).await.unwrap();
    let refused = |result: Result<(), EphemeralError>| assert!(result.is_err(), "a certificate of somebody else was taken");
    refused(open("127.0.0.1", &files.other_ca).ping().await);
    // Another name of the same machine, which is not in the certificate.
    refused(open("localhost", &files.ca).ping().await);
}

#[tokio::test]
async fn postgres_is_reached_over_tls_and_only_if_its_certificate_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let files = Certificates::make(folder.path());
    let server = Postgres::start_with(|directory| {
        let lay = |from: &Path, name: &str| {
            let to = directory.join(name);
            std::fs::copy(from, &to).unwrap();
            own(&to);
        };
        lay(&files.certificate, "server.crt");
        lay(&files.key, "server.key");
        // `gateway` has to come over TLS.
        let access =
            "hostssl all gateway 127.0.0.1/32 trust\nhostnossl all gateway 127.0.0.1/32 reject\nhost all usher 127.0.0.1/32 trust\n";
        std::fs::write(directory.join("pg_hba.conf"), access).unwrap();
        vec!["ssl=on".to_owned()]
    })
    .await;
    let url = server.create_database().await;
    let open = async |mode: &str, ca: &Path| -> Result<(), StoreError> {
        PostgresStore::open(&format!("{url}?sslmode={mode}&sslrootcert={}", ca.display())).await?.ping().await
    };
    for mode in ["verify-ca", "verify-full"] {
        open(mode, &files.ca).await.unwrap();
        assert!(open(mode, &files.other_ca).await.is_err(), "{mode}: a certificate of somebody else was taken");
    }
    assert!(open("disable", &files.ca).await.is_err(), "it was not TLS");
    let elsewhere = url.replace("127.0.0.1", "localhost");
    let elsewhere = PostgresStore::open(&format!("{elsewhere}?sslmode=verify-full&sslrootcert={}", files.ca.display())).await;
    assert!(elsewhere.is_err(), "a certificate for another name was taken");
}
