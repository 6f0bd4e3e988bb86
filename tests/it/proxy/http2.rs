//! HTTP/2 from the browser, HTTP/1.1 to the app; with TLS and without.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::ask::{Ask, Received};
use crate::support::gateway::Gateway;

async fn send(gateway: &Gateway, request: Request<Full<Bytes>>) -> (Response<()>, String) {
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (Response::from_parts(parts, ()), body)
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("https://app.acme.example{path}")).version(Version::HTTP_2)
}

#[tokio::test]
async fn a_request_over_http2_arrives_like_any_other() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    // Browsers split the cookie line (RFC 9113 8.2.3).
    let sent = request("POST", "/a?b").header("cookie", "a=1").header("cookie", format!("__Host-usher={token}")).header("cookie", "b=2");
    let (response, body) = send(&gateway, sent.header("x-usher-role", "evil").body(Full::from("hello")).unwrap()).await;
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    let received = Received::parse(&body);
    assert_eq!(received.line, "POST /a?b HTTP/1.1");
    assert_eq!(received.all("host"), ["app.acme.example"]);
    assert_eq!(received.all("cookie"), ["a=1; b=2"]);
    assert_eq!(received.all("x-usher-role"), ["Admin"]);
    assert_eq!(received.all("content-length"), ["5"]);
}

#[tokio::test]
async fn http2_is_judged_like_http1() {
    let gateway = Gateway::start().await;
    for (path, status) in [("/healthz", 200), ("/", 401), ("/healthz/..%2fadmin", 400), ("/.usher/me", 401)] {
        let (response, _) = send(&gateway, request("GET", path).body(Full::default()).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
    let other_host = request("GET", "/healthz").header("host", "evil.example").body(Full::default()).unwrap();
    assert_eq!(send(&gateway, other_host).await.0.status().as_u16(), 400);
    let underscore = request("GET", "/healthz").header("x_usher_role", "evil").body(Full::default()).unwrap();
    assert_eq!(send(&gateway, underscore).await.0.status().as_u16(), 400);
}

/// The name by which Traefik reaches us is a host like any other, unless it is Traefik that asks. Here the name is no header but a part of the request.
#[tokio::test]
async fn a_question_under_an_unknown_name_is_answered_to_proxies_that_are_trusted_only() {
    for (trusted, status) in [(vec!["127.0.0.1/32".parse().unwrap()], 200), (vec![], 421), (vec!["192.0.2.1/32".parse().unwrap()], 421)] {
        let gateway = Gateway::with(|config| config.server.trusted_proxies = trusted).await;
        let (_, token) = gateway.member_inside("ada", "Admin", None).await;
        for name in ["127.0.0.1:4180", "usher.internal", "evil.example"] {
            let question = Request::get(format!("https://{name}/forward-auth")).version(Version::HTTP_2);
            let question = question.header("x-forwarded-method", "GET").header("x-forwarded-proto", "https");
            let question = question.header("x-forwarded-host", "app.acme.example").header("x-forwarded-uri", "/");
            let (response, _) =
                send(&gateway, question.header("cookie", format!("__Host-usher={token}")).body(Full::default()).unwrap()).await;
            assert_eq!((response.status().as_u16(), response.version()), (status, Version::HTTP_2), "{name}");
            let told = response.headers().keys().filter(|name| name.as_str().starts_with("x-usher-")).count();
            assert_eq!(told > 0, status == 200, "{name}: who it is, is said with a yes only");
        }
    }
}

#[tokio::test]
async fn a_hundred_requests_on_one_connection_are_answered() {
    let gateway = Gateway::start().await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let asks = (0..100).map(|number| {
        let mut sender = sender.clone();
        async move {
            let asked = request("GET", &format!("/healthz/{number}")).body(Full::<Bytes>::default()).unwrap();
            let body = sender.send_request(asked).await.unwrap().into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(format!("GET /healthz/{number} ").as_bytes()));
        }
    });
    futures_util::future::join_all(asks).await;
}

/// `PRI` is the first word of HTTP/2, and a piece of a request may end anywhere.
#[tokio::test]
async fn a_method_that_begins_like_http2_is_http1_after_all() {
    let gateway = Gateway::start().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"PR").await.unwrap();
    // While others are answered, so that these two letters are seen alone.
    for _ in 0..10 {
        assert_eq!(gateway.ask(Ask::get("/healthz")).await.status, 200);
    }
    stream.write_all(b"OPFIND /healthz HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("PROPFIND /healthz HTTP/1.1"), "{answer}");
}

/// Nothing, a word, the beginning of a head or of HTTP/2, and HTTP/2 without a request: each takes a place that others want.
#[tokio::test]
async fn whoever_begins_and_says_no_more_is_cut_within_half_a_minute() {
    const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const HEAD: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: app.acme.example\r\nX-Long: ";
    let gateway = Gateway::start().await;
    let beginnings = [b"", &HTTP2[..1], &HTTP2[..2], &HTTP2[..3], &HTTP2[..20], HTTP2, &HEAD[..6], HEAD];
    let cuts = beginnings.map(|beginning| async {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        // Closed, or reset: whatever the server says before.
        let mut said = Vec::new();
        let over = tokio::time::timeout(Duration::from_secs(45), stream.read_to_end(&mut said)).await;
        assert!(over.is_ok(), "still open after {:?}", String::from_utf8_lossy(beginning));
    });
    futures_util::future::join_all(cuts).await;
}

#[tokio::test]
async fn tls_speaks_both_protocols() {
    let certified = rcgen::generate_simple_self_signed(vec!["app.acme.example".to_owned()]).unwrap();
    let tls = usher::server::tls_config(&certified.cert.pem(), &certified.signing_key.serialize_pem()).unwrap();
    let gateway = Gateway::with_tls(tls).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    for (protocol, expected) in [(&b"h2"[..], Version::HTTP_2), (b"http/1.1", Version::HTTP_11)] {
        let builder = rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(gateway.address).await.unwrap();
        let name = "app.acme.example".try_into().unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        let io = TokioIo::new(stream);
        let response = if expected == Version::HTTP_2 {
            let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request("GET", "/healthz").body(Full::<Bytes>::default()).unwrap()).await.unwrap()
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            let asked = Request::get("/healthz").header("host", "app.acme.example").body(Full::<Bytes>::default()).unwrap();
            sender.send_request(asked).await.unwrap()
        };
        assert_eq!((response.status().as_u16(), response.version()), (200, expected));
    }
    // A plain request to the TLS port is no request.
    assert_eq!(gateway.ask(Ask::get("/healthz")).await.status, 0);
}
