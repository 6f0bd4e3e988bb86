//! Both servers over TLS, with certificates of an authority of the test's own; Redis also as Sentinel and Cluster, with users and passwords.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use usher::core::RedisAddress;
use usher::store::ephemeral::redis::RedisStore;
use usher::store::ephemeral::{Ephemeral as _, EphemeralError, Published};
use usher::store::postgres::PostgresStore;
use usher::store::{Store as _, StoreError};

use crate::support::certificates::Certificates;
use crate::support::port::free_port;
use crate::support::postgres::Postgres;
use crate::support::redis::{Cluster, Lock, Redis, Watched};

/// What nodes say to each other goes the same way.
async fn assert_is_heard(store: &RedisStore) {
    let (mut heard, message) = (store.subscribe(), Bytes::from_static(b"news"));
    let news = async {
        loop {
            store.publish(message.clone()).await.unwrap();
            let next = tokio::time::timeout(Duration::from_millis(100), heard.recv()).await;
            if matches!(next, Ok(Ok(Published::Message(bytes))) if bytes == message) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), news).await.unwrap();
}

/// One operation of each kind, on so many keys that every node of a cluster has some; and who comes without the right word, key or authority is refused.
async fn assert_is_open_to_usher_alone(url: &str, lock: &Lock, passwords: &[&str]) {
    let open = |url: &str| RedisStore::new(&RedisAddress::parse(url).unwrap()).unwrap();
    let (store, minute) = (open(url), Duration::from_mins(1));
    store.ping().await.unwrap();
    for number in 0..30 {
        let key = format!("key{number}");
        store.put(&key, Bytes::from_static(b"value"), minute).await.unwrap();
        assert_eq!(store.find(&key).await.unwrap().as_deref(), Some(&b"value"[..]));
        assert!(store.claim(&format!("claim{number}"), minute).await.unwrap());
        assert_eq!(store.count(&format!("count{number}"), minute).await.unwrap(), 1);
        store.insert_into_set(&format!("set{number}"), "a", minute).await.unwrap();
        assert_eq!(store.take(&key).await.unwrap().as_deref(), Some(&b"value"[..]));
    }
    assert_is_heard(&store).await;
    let others = lock.certificates.other_ca.display().to_string();
    let wrong = [("ca=", url.replace(&lock.certificates.ca.display().to_string(), &others)), ("cert=", without(url, &["cert", "key"]))];
    let passwords = passwords.iter().map(|password| (*password, url.replace(password, "another")));
    for (what, url) in wrong.into_iter().chain(passwords) {
        assert!(open(&url).ping().await.is_err(), "it does not matter what it says for {what}");
    }
}

/// An address without some of its parameters.
fn without(url: &str, names: &[&str]) -> String {
    let (start, parameters) = url.split_once('?').unwrap();
    let kept = parameters.split('&').filter(|pair| !names.iter().any(|name| pair.starts_with(&format!("{name}="))));
    format!("{start}?{}", kept.collect::<Vec<_>>().join("&"))
}

#[tokio::test]
async fn sentinels_and_their_master_let_usher_in_with_its_two_passwords_over_tls() {
    let lock = Lock::make();
    let watched = Watched::start_behind(Some(lock.clone())).await;
    assert_is_open_to_usher_alone(&watched.url(), &lock, &["a%2Dlong%2Dpassword", "another%2Dpassword"]).await;
}

#[tokio::test]
async fn a_cluster_lets_usher_in_with_its_password_over_tls() {
    let lock = Lock::make();
    let cluster = Cluster::start_behind(Some(lock.clone())).await;
    assert_is_open_to_usher_alone(&cluster.url(), &lock, &["a%2Dlong%2Dpassword"]).await;
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
    assert_is_heard(&store).await;
    let refused = |result: Result<(), EphemeralError>| assert!(result.is_err(), "a certificate of somebody else was taken");
    refused(open("127.0.0.1", &files.other_ca).ping().await);
    // Another name of the same machine, which is not in the certificate.
    refused(open("localhost", &files.ca).ping().await);
}

#[tokio::test]
async fn postgres_is_reached_over_tls_and_only_if_its_certificate_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let files = Certificates::make(folder.path());
    let server = Postgres::start_behind_tls(&files, "trust").await;
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
