//! Bodies: streamed, not collected.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::ask::{Ask, Reply};
use crate::support::gateway::Gateway;

pub(crate) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_gibibyte_is_uploaded_without_growing() {
    const SIZE: u64 = 1 << 30;
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let ask = Ask::new("POST", "/upload").cookie(&token).header("Connection", "close").header("Content-Length", &SIZE.to_string());
    stream.write_all(&ask.bytes()).await.unwrap();
    let piece = vec![7; 1 << 20];
    let mut before = 0;
    let mut most = 0;
    for number in 0..SIZE >> 20 {
        stream.write_all(&piece).await.unwrap();
        if number == 32 {
            before = resident_bytes();
        }
        most = most.max(resident_bytes());
    }
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!(Reply::parse(&read).status, 200);
    assert_eq!(gateway.app.seen.body_bytes.load(Ordering::SeqCst), SIZE);
    assert!(most < before + (16 << 20), "grew from {before} to {most} bytes");
}

#[tokio::test]
async fn an_upload_waits_for_100_continue_only_when_it_is_wanted() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let ask = |ask: Ask| ask.header("Expect", "100-continue").header("Content-Length", "5").header("Connection", "close").bytes();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&ask(Ask::new("POST", "/upload").cookie(&token))).await.unwrap();
    let mut read = vec![0; 25];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(read, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert!(Reply::parse(&read).received().all("expect").is_empty());
    // Who may not pass is told so before a byte of the body is asked for.
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&ask(Ask::new("POST", "/upload"))).await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!(Reply::parse(&read).status, 401);
}

#[tokio::test]
async fn an_app_may_answer_before_it_has_read_everything() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let reply = gateway.ask(Ask::new("POST", "/early").cookie(&token).body("hello")).await;
    assert_eq!(reply.status, 413);
}

/// A gateway whose app may be sent nothing for so long at most, and the beginning of an upload of ten bytes to it.
async fn half_an_upload(path: &str, idle: Duration) -> (Gateway, TcpStream) {
    let gateway = Gateway::with(|config| {
        config.routes[0].public_paths = vec!["/".to_owned()];
        config.routes[0].idle_timeout = idle;
    })
    .await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let ask = Ask::new("POST", path).header("Connection", "close").header("Content-Length", "10");
    stream.write_all(&ask.bytes()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    (gateway, stream)
}

/// What comes until the gateway closes the connection, which is no question of minutes.
async fn rest(stream: &mut TcpStream) -> Reply {
    let mut read = Vec::new();
    // A connection that is cut may be reset.
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut read)).await.expect("it is held for ever");
    Reply::parse(&read)
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn an_upload_that_stands_still_is_given_up_here_and_at_the_app() {
    let (gateway, mut stream) = half_an_upload("/upload", Duration::from_millis(200)).await;
    assert_eq!(rest(&mut stream).await.status, 504);
    until(|| gateway.app.seen.body_bytes.load(Ordering::SeqCst) == 5).await;
    assert_eq!(gateway.ask(Ask::get("/after")).await.status, 200, "and nothing of it stands before the next request");
}

/// The app has begun to answer, so nobody waits for it any more.
#[tokio::test]
async fn an_upload_that_stands_still_while_the_app_answers_is_cut_with_the_answer() {
    let (gateway, mut stream) = half_an_upload("/events-at-once", Duration::from_millis(200)).await;
    let reply = rest(&mut stream).await;
    assert!(reply.status == 200 && !reply.body.ends_with("\r\n0\r\n\r\n"), "half an answer does not look like a whole one: {reply:?}");
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn an_upload_may_take_longer_than_a_silence_may() {
    let (_gateway, mut stream) = half_an_upload("/upload", Duration::from_secs(1)).await;
    for byte in b"world" {
        tokio::time::sleep(Duration::from_millis(250)).await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(rest(&mut stream).await.status, 200);
}

#[tokio::test]
async fn a_chunked_upload_arrives_chunked() {
    let gateway = Gateway::start().await;
    let mut ask = Ask::new("POST", "/healthz").header("Transfer-Encoding", "chunked");
    ask.body = b"5\r\nhello\r\n0\r\n\r\n".to_vec();
    let received = gateway.ask(ask).await.received();
    assert_eq!(received.all("transfer-encoding"), ["chunked"]);
    assert!(received.all("content-length").is_empty());
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let gateway = Gateway::with(|config| config.routes[0].public_paths = vec!["/".to_owned()]).await;
    let reply = gateway.ask(Ask::new("HEAD", "/x")).await;
    assert_eq!((reply.status, reply.header("content-length"), reply.body.as_str()), (200, Some("1234"), ""));
    assert_eq!(gateway.ask(Ask::get("/204")).await.status, 204);
    let reply = gateway.ask(Ask::get("/304")).await;
    assert_eq!((reply.status, reply.header("etag"), reply.body.as_str()), (304, Some("\"x\""), ""));
}
