//! Connections to apps: reused, given up in time, and never used twice for one request.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::support::ask::Ask;
use crate::support::echo::Echo;
use crate::support::gateway::Gateway;

#[tokio::test]
async fn an_app_that_is_down_is_a_502() {
    let gateway = Gateway::with(|config| config.routes[0].upstreams = vec!["http://127.0.0.1:1".parse().unwrap()]).await;
    let reply = gateway.ask(Ask::get("/healthz")).await;
    assert_eq!((reply.status, reply.json()["reason"].as_str()), (502, Some("app_unreachable")));
    let page = gateway.ask(Ask::get("/healthz").navigate()).await;
    assert!(page.status == 502 && page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
}

#[tokio::test]
async fn an_app_that_breaks_off_is_a_502_and_gets_the_request_once() {
    let gateway = Gateway::with(|config| config.routes[0].public_paths = vec!["/".to_owned()]).await;
    assert_eq!(gateway.ask(Ask::new("POST", "/drop").body("pay")).await.status, 502);
    assert_eq!(gateway.app.seen.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_has_a_largest_head() {
    let gateway = Gateway::with(|config| config.routes[0].public_paths = vec!["/".to_owned()]).await;
    assert_eq!(gateway.ask(Ask::get("/head/60000")).await.status, 200);
    assert_eq!(gateway.ask(Ask::get("/head/200000")).await.status, 502);
}

#[tokio::test]
async fn an_app_that_switches_unasked_is_a_502() {
    let gateway = Gateway::with(|config| config.routes[0].public_paths = vec!["/".to_owned()]).await;
    assert_eq!(gateway.ask(Ask::get("/switch")).await.status, 502);
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(gateway.ask(Ask::get("/switch").cookie(&token)).await.status, 502);
}

#[tokio::test]
async fn an_app_that_is_silent_is_a_504() {
    let gateway = Gateway::with(|config| {
        config.routes[0].public_paths = vec!["/".to_owned()];
        config.routes[0].idle_timeout = Duration::from_millis(100);
    })
    .await;
    let started = Instant::now();
    assert_eq!(gateway.ask(Ask::get("/silent")).await.status, 504);
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!(gateway.ask(Ask::new("POST", "/silent").body("x")).await.status, 504);
}

#[tokio::test]
async fn one_server_of_an_app_may_be_down() {
    let second = Echo::start().await;
    let gateway = Gateway::with(|config| {
        let first = config.routes[0].upstreams[0].clone();
        config.routes[0].upstreams = vec![first, "http://127.0.0.1:1".parse().unwrap(), second.url()];
    })
    .await;
    for _ in 0..6 {
        assert_eq!(gateway.ask(Ask::get("/healthz")).await.status, 200);
    }
    assert_eq!(gateway.app.seen.requests.load(Ordering::SeqCst) + second.seen.requests.load(Ordering::SeqCst), 6);
    assert!(second.seen.requests.load(Ordering::SeqCst) >= 2);
}

/// All of these go through one connection to the gateway, so through one thread and one pool.
async fn in_a_row(gateway: &Gateway, paths: &[&str]) -> Vec<u16> {
    use http_body_util::BodyExt as _;
    let stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut statuses = Vec::new();
    for path in paths {
        let request =
            http::Request::get(*path).header("host", "app.acme.example").body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        statuses.push(response.status().as_u16());
        response.into_body().collect().await.unwrap();
    }
    statuses
}

#[tokio::test]
async fn connections_are_used_again() {
    let gateway = Gateway::with(|config| config.routes[0].public_paths = vec!["/".to_owned()]).await;
    assert_eq!(in_a_row(&gateway, &["/a", "/204", "/304", "/trailers", "/b", "/c"]).await, [200, 204, 304, 200, 200, 200]);
    assert_eq!(gateway.app.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_the_app_closed_is_not_noticed_outside() {
    let gateway = Gateway::with(|config| config.routes[0].public_paths = vec!["/".to_owned()]).await;
    assert_eq!(in_a_row(&gateway, &["/last", "/last", "/last", "/last"]).await, [200; 4]);
    assert_eq!(gateway.app.seen.requests.load(Ordering::SeqCst), 4);
}
