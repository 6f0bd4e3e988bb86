//! Requests that two parsers read differently: whatever is sent, an app reads what was judged, or nothing.
//!
//! - `cases`: the requests, as bytes of HTTP/1.1, and the one reading that each may have
//! - `h2`: the same over HTTP/2, as frames, because no client sends them
//! - `apps`: two real servers that write down what they read; node as lenient as it can be
//!
//! The one rule of this folder: what counts is what the app read, not what we answered.

#![cfg(test)]

mod apps;
mod cases;
mod h2;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use apps::{App, Read};
use cases::{Case, cases};

use crate::support::ask::Ask;
use crate::support::gateway::Gateway;

/// How long an answer may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway in front of one app, open to anyone.
async fn in_front_of(app: &App) -> Gateway {
    let url = app.url();
    Gateway::with(|config| config.routes.iter_mut().for_each(|route| route.upstreams = vec![url.clone()])).await
}

/// Sends bytes on one connection and reads until it is closed; how many requests were answered by the app, and by us.
async fn exchange(gateway: &Gateway, case: &Case) -> (usize, usize) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    // A server that refuses early may close while we still write.
    let _ = stream.write_all(&case.bytes).await;
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(closed.is_ok(), "{}: the connection stays open after {text:?}", case.what);
    (text.matches("HTTP/1.1 200 ").count(), text.matches("HTTP/1.1 4").count())
}

/// A request that means nothing but itself: if anything were left on a connection to the app, it would be answered for it.
async fn mark(gateway: &Gateway, app: &mut App, number: usize) -> Vec<Read> {
    let path = format!("/mark/{number}");
    let reply = Ask::to("open.acme.example", "GET", &path).send(gateway.address).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, path.as_str()), "someone else's answer");
    app.read_until(&path).await
}

async fn no_case_has_two_readings(mut app: App) {
    let gateway = in_front_of(&app).await;
    for (number, case) in cases().iter().enumerate() {
        let (answered, refused) = exchange(&gateway, case).await;
        let read = mark(&gateway, &mut app, number).await;
        assert_eq!(read, case.reads, "{} at {}", case.what, app.name());
        assert_eq!(answered, read.len(), "{} at {}: the app read another number of requests than we answered", case.what, app.name());
        assert!(refused <= 1, "{}: {refused} refusals", case.what);
    }
}

#[tokio::test]
async fn every_request_has_one_reading_at_two_real_apps() {
    no_case_has_two_readings(App::node().await).await;
    no_case_has_two_readings(App::nginx().await).await;
}

async fn no_frame_becomes_a_line(mut app: App) {
    let gateway = in_front_of(&app).await;
    for (number, case) in h2::cases().into_iter().enumerate() {
        h2::send(gateway.address, &case).await;
        let read = mark(&gateway, &mut app, number).await;
        assert_eq!(read, case.reads, "{} at {}", case.what, app.name());
    }
}

/// The way down from HTTP/2 to HTTP/1.1 (James Kettle, HTTP/2: The Sequel is Always Worse).
#[tokio::test]
async fn nothing_of_an_http2_frame_becomes_a_line_of_http1() {
    no_frame_becomes_a_line(App::node().await).await;
    no_frame_becomes_a_line(App::nginx().await).await;
}
