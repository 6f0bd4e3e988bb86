//! The guard around Usher's own requests.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;
use usher::core::OidcSettings;
use usher::oidc::RelyingParty;
use usher::outbound::{Outbound, OutboundError, Reach};

use super::{connection, login, now, relying_party_with, settings};
use crate::support::op::{Op, REMOVED};

async fn fetch(url: &str, reach: Reach) -> Result<Vec<u8>, OutboundError> {
    Outbound::new().unwrap().fetch(&Url::parse(url).unwrap(), reach, 1024).await.map(|fetched| fetched.body.to_vec())
}

/// A server that answers every connection with the same bytes, and counts them.
async fn server(answer: &'static str) -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (port, count)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

#[tokio::test]
async fn a_public_connection_reaches_no_private_address_in_any_spelling() {
    let (port, count) = server(OK).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "10.0.0.1",
        "192.168.0.1",
        "172.20.1.1",
        "100.64.0.1",
        "[fd00::1]",
        "169.254.169.254",
        "[fe80::1]",
        "0.0.0.0",
        "[::]",
        "[64:ff9b::7f00:1]",
    ] {
        for scheme in ["http", "https"] {
            let error = fetch(&format!("{scheme}://{host}:{port}/"), Reach::Public).await.unwrap_err();
            assert!(matches!(error, OutboundError::Forbidden(_)), "{scheme}://{host}: {error}");
        }
    }
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_internal_connection_reaches_loopback_but_no_metadata_service() {
    let (port, _) = server(OK).await;
    for host in ["127.0.0.1", "idp.localhost", "localhost"] {
        assert_eq!(fetch(&format!("http://{host}:{port}/"), Reach::Internal).await.unwrap(), b"ok", "{host}");
    }
    for host in ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:169.254.169.254]", "[fe80::1]"] {
        let error = fetch(&format!("http://{host}/latest/meta-data"), Reach::Internal).await.unwrap_err();
        assert!(matches!(error, OutboundError::Forbidden(_)), "{host}: {error}");
    }
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    for url in ["http://op.example/", "http://10.0.0.1/", "ftp://127.0.0.1/", "https://user:secret@127.0.0.1/", "https://user@op.example/"]
    {
        let error = fetch(url, Reach::Internal).await.unwrap_err();
        assert!(matches!(error, OutboundError::Address(_)), "{url}: {error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn a_redirect_is_an_error_and_its_target_is_not_asked() {
    let (target, count) = server(OK).await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let (port, _) = server(answer.leak()).await;
    let error = fetch(&format!("http://127.0.0.1:{port}/"), Reach::Internal).await.unwrap_err();
    assert_eq!(error, OutboundError::Redirect { host: "127.0.0.1".to_owned(), status: 302 });
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
    let answer = |size: usize| &*format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(size)).leak();
    let (fits, _) = server(answer(1024)).await;
    let (larger, _) = server(answer(1025)).await;
    assert_eq!(fetch(&format!("http://127.0.0.1:{fits}/"), Reach::Internal).await.unwrap().len(), 1024);
    let error = fetch(&format!("http://127.0.0.1:{larger}/"), Reach::Internal).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { .. }), "{error}");
}

/// The limit of each answer, in bytes: the last one that fits, and one more.
#[tokio::test]
async fn every_answer_of_a_provider_has_a_largest_size() {
    let outcome = async |endpoint: &'static str, size: usize| {
        let op = Op::start(now()).await;
        // For userinfo to be asked at all.
        op.set(|op| (op.claims, op.sizes) = (json!({ "name": REMOVED }), HashMap::from([(endpoint, size)])));
        let settings = OidcSettings { pushed_requests: Some(true), ..settings(op.issuer()) };
        login(&op, &relying_party_with(&settings)).await.map_or_else(|error| error.code(), |_| "ok")
    };
    let limits = [("discovery", 1024), ("keys", 256), ("token", 1024), ("userinfo", 1024), ("par", 64)];
    let mut outcomes = Vec::new();
    for (endpoint, kibibytes) in limits {
        let limit = kibibytes * 1024;
        outcomes.push((endpoint, outcome(endpoint, limit).await, outcome(endpoint, limit + 1).await));
    }
    assert_eq!(outcomes, limits.map(|(endpoint, _)| (endpoint, "ok", "provider_answer_too_large")));
}

#[tokio::test]
async fn an_issuer_on_a_private_address_needs_an_internal_connection() {
    let outbound = Arc::new(Outbound::new().unwrap());
    let redirect_uri = Url::parse("https://auth.example/oidc/op/callback").unwrap();
    for issuer in ["http://op.localhost:9", "https://127.0.0.1", "https://169.254.169.254", "http://op.example"] {
        let settings = settings(issuer);
        let refused = RelyingParty::new(&connection(&settings, false), &settings, redirect_uri.clone(), Arc::clone(&outbound)).unwrap_err();
        assert_eq!(refused.code(), "provider_blocked", "{issuer}");
    }
    let settings = settings("https://op.example");
    assert!(RelyingParty::new(&connection(&settings, false), &settings, redirect_uri, outbound).is_ok());
}
