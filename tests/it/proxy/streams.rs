//! WebSockets and event streams: they work, and they end with their session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use usher::config::{Allow, Route};
use usher::proxy::{PlainPages, Proxy};
use usher::session::{Cause, Selector};

use crate::store::fixtures::{acme, at, role};
use crate::support::ask::Ask;
use crate::support::gateway::{Gateway, config};

async fn socket(gateway: &Gateway, path: &str, headers: &[(&'static str, String)]) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://app.acme.example{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
}

fn cookie(token: &str) -> (&'static str, String) {
    ("cookie", format!("__Host-usher={token}"))
}

/// Waits for a condition that another task will bring about; the test runner's own limit is the limit.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn echo(socket: &mut WebSocketStream<TcpStream>, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
}

#[tokio::test]
async fn a_socket_works_and_closes_when_its_session_ends() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut open = socket(&gateway, "/socket", &[cookie(&token), ("origin", "https://app.acme.example".to_owned())]).await.unwrap();
    echo(&mut open, "hello").await;
    echo(&mut open, &"long ".repeat(100_000)).await;
    let ended = gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await.unwrap();
    assert_eq!(ended.streams, 1);
    let closed = tokio::time::timeout(Duration::from_secs(1), open.next()).await.expect("within a second");
    assert_eq!(close_code(closed), 1008, "the page learns why");
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

fn close_code(message: Option<Result<Message, Error>>) -> u16 {
    match message {
        Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
        other => panic!("{other:?}"),
    }
}

/// 1001: the page may connect again at once, and gets to another node.
#[tokio::test]
async fn a_socket_is_told_that_this_node_stops() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut members = socket(&gateway, "/socket", &[cookie(&token)]).await.unwrap();
    let mut nobodys = socket(&gateway, "/socket-for-all", &[]).await.unwrap();
    echo(&mut members, "hello").await;
    gateway.proxy.end_streams();
    assert_eq!(close_code(members.next().await), 1001);
    assert_eq!(close_code(nobodys.next().await), 1001);
}

/// The app sends all the time, so the end of the session nearly always finds a frame under way.
#[tokio::test]
async fn a_close_stands_between_two_frames_of_the_app_and_never_inside_one() {
    let gateway = Gateway::start().await;
    for round in 0..10 {
        let (row, token) = gateway.member_inside(&format!("person-{round}"), "User", None).await;
        let mut open = socket(&gateway, "/socket", &[cookie(&token)]).await.unwrap();
        let big = "x".repeat(300_000);
        for _ in 0..3 {
            open.feed(Message::text(big.as_str())).await.unwrap();
        }
        open.flush().await.unwrap();
        gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await.unwrap();
        loop {
            match open.next().await {
                Some(Ok(Message::Text(text))) => assert_eq!(text.len(), big.len()),
                Some(Ok(Message::Close(Some(frame)))) => break assert_eq!(u16::from(frame.code), 1008),
                // Cut while a frame was being written: no half message, and none of ours inside one.
                Some(Err(Error::Protocol(_) | Error::Io(_)) | Ok(Message::Close(None))) | None => break,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_socket_closes_when_its_member_may_no_longer_pass() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut open = socket(&gateway, "/socket", &[cookie(&token)]).await.unwrap();
    echo(&mut open, "hello").await;
    gateway.sessions.invalidate_member(&acme(), row.person.id);
    echo(&mut open, "nothing changed: still here").await;
    gateway.members.remove(&row, "ada", at(1)).await;
    gateway.sessions.invalidate_member(&acme(), row.person.id);
    let closed = tokio::time::timeout(Duration::from_secs(1), open.next()).await.expect("within a second");
    assert!(!matches!(closed, Some(Ok(Message::Text(_)))), "{closed:?}");
}

#[tokio::test]
async fn a_socket_of_another_site_is_refused() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    for origin in
        ["https://evil.example", "null", "http://app.acme.example", "https://admin.acme.example", "https://app.acme.example.evil.example"]
    {
        let refused = socket(&gateway, "/socket", &[cookie(&token), ("origin", origin.to_owned())]).await;
        assert!(matches!(&refused, Err(Error::Http(response)) if response.status() == 403), "{origin}: {refused:?}");
    }
    let signed_out = socket(&gateway, "/socket", &[]).await;
    assert!(matches!(&signed_out, Err(Error::Http(response)) if response.status() == 401), "{signed_out:?}");
    assert_eq!(gateway.app.seen.streams.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_other_protocol_is_switched_to() {
    let gateway = Gateway::start().await;
    let received = gateway.ask(Ask::get("/healthz").header("Connection", "close, Upgrade").header("Upgrade", "h2c")).await.received();
    assert!(received.all("upgrade").is_empty() && received.all("connection").is_empty(), "{received:?}");
}

#[tokio::test]
async fn events_arrive_as_they_happen_and_end_with_the_session() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&Ask::get("/events").cookie(&token).header("Connection", "close").bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("data: 3\n\n") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }
    let ended = gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Removed).await.unwrap();
    assert_eq!(ended.streams, 1);
    tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut read)).await.expect("within a second").unwrap();
    assert!(read.ends_with(b"0\r\n\r\n"), "an orderly end");
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

/// A socket has two directions, and either may be closed alone (RFC 9293 3.6). What the person still sends is theirs only as long as the session is.
#[tokio::test]
async fn a_socket_whose_app_said_its_last_word_ends_with_its_session() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let ask = Ask::get("/silent-socket").cookie(&token).header("Connection", "Upgrade").header("Upgrade", "websocket");
    let ask = ask.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    stream.write_all(&ask.bytes()).await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert!(read.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&read));
    stream.write_all(&[0x82, 0x80, 0, 0, 0, 0]).await.unwrap();
    until(|| gateway.app.seen.body_bytes.load(Ordering::SeqCst) == 6).await;
    let ended = gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Admin).await.unwrap();
    assert_eq!(ended.streams, 1);
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

/// Whatever it is called: lines of JSON, gRPC, a file that takes an hour. It breaks off, because half of it must not look like all of it.
#[tokio::test]
async fn every_answer_that_lasts_ends_with_its_session() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&Ask::get("/lines").cookie(&token).header("Connection", "close").bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("\n3\n\n") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }
    gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Removed).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut read)).await.expect("within moments");
    assert!(!read.ends_with(b"0\r\n\r\n"), "no orderly end");
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

/// Also one that comes without a pause, and one of which the person reads nothing for a while.
#[tokio::test]
async fn a_large_file_breaks_off_when_its_session_ends() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&Ask::get("/download").cookie(&token).header("Connection", "close").bytes()).await.unwrap();
    let mut piece = vec![0; 1 << 20];
    let mut read = 0;
    while read < 20 << 20 {
        read += stream.read(&mut piece).await.unwrap();
    }
    gateway.sessions.end_sessions(Selector::Person(row.person.id), Cause::Removed).await.unwrap();
    while let Ok(more @ 1..) = stream.read(&mut piece).await {
        read += more;
    }
    assert!(read < 100 << 20, "{read}: all of it came");
}

/// Longer than every limit on a head, a page or a silence: what flows is never cut for having flowed long (gateway.md row 34).
#[tokio::test]
async fn events_go_on_for_more_than_a_minute() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&Ask::get("/events").cookie(&token).header("Connection", "close").bytes()).await.unwrap();
    let minute = tokio::time::Instant::now() + Duration::from_secs(65);
    let mut read = Vec::new();
    while tokio::time::Instant::now() < minute {
        read.clear();
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the stream was cut");
    }
}

/// Ten minutes and more, with nothing of the person's own on the stream: whoever works beside it keeps it, and whoever has left loses it.
#[tokio::test]
async fn events_go_on_past_the_idle_limit_of_whoever_is_not_idle() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&Ask::get("/events").cookie(&token).header("Connection", "close").bytes()).await.unwrap();
    let look = || gateway.sessions.invalidate_member(&acme(), row.person.id);
    let mut read = Vec::new();
    let mut later = async |read: &mut Vec<u8>| {
        read.clear();
        while read.len() < 500 {
            assert_ne!(stream.read_buf(read).await.unwrap(), 0, "the stream was cut");
        }
    };
    later(&mut read).await;
    for _ in 0..9 {
        gateway.clock.pass(Duration::from_mins(10));
        look();
        later(&mut read).await;
        assert_eq!(gateway.ask(Ask::get("/").cookie(&token)).await.status, 200);
    }
    gateway.clock.pass(crate::support::gateway::IDLE + Duration::from_secs(1));
    look();
    tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut read)).await.expect("within a second").unwrap();
    assert!(read.ends_with(b"0\r\n\r\n"), "an orderly end");
}

#[tokio::test]
async fn a_stream_ends_at_the_absolute_limit() {
    let gateway = Gateway::start().await;
    let (row, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut open = socket(&gateway, "/socket", &[cookie(&token)]).await.unwrap();
    echo(&mut open, "hello").await;
    gateway.clock.pass(crate::support::gateway::LIFETIME);
    gateway.sessions.invalidate_member(&acme(), row.person.id);
    let closed = tokio::time::timeout(Duration::from_secs(1), open.next()).await.expect("within a second");
    assert!(!matches!(closed, Some(Ok(Message::Text(_)))), "{closed:?}");
}

/// The proxy that a reload puts in the place of this gateway's.
pub(super) fn reloaded(gateway: &Gateway, change: impl Fn(&mut Route)) -> Arc<Proxy> {
    let mut config = config(&[gateway.app.url()]);
    config.routes.iter_mut().for_each(change);
    let proxy = Proxy::new(&config, gateway.sessions.clone(), gateway.keys.clone(), Arc::new(PlainPages), gateway.clock.clone());
    let proxy = Arc::new(proxy.in_place_of(&gateway.proxy));
    gateway.proxy.give_way_to(&proxy);
    proxy
}

#[tokio::test]
async fn a_reload_closes_what_its_routes_no_longer_let_pass() {
    let gateway = Gateway::start().await;
    let (_, user) = gateway.member_inside("jo", "User", None).await;
    let (_, admin) = gateway.member_inside("ada", "Admin", None).await;
    let mut users = socket(&gateway, "/socket", &[cookie(&user)]).await.unwrap();
    let mut admins = socket(&gateway, "/socket", &[cookie(&admin)]).await.unwrap();
    let narrower = reloaded(&gateway, |route| {
        if route.host.starts_with("app.") {
            route.allow = Allow::Role(role("Admin"));
        }
    });
    assert_eq!(close_code(users.next().await), 1008);
    echo(&mut admins, "still here").await;
    // Twice: the second reload is heard by what was opened before the first.
    let mut config = config(&[gateway.app.url()]);
    config.routes.retain(|route| !route.host.starts_with("app."));
    let gone = Proxy::new(&config, gateway.sessions.clone(), gateway.keys.clone(), Arc::new(PlainPages), gateway.clock.clone());
    narrower.give_way_to(&Arc::new(gone.in_place_of(&narrower)));
    assert_eq!(close_code(admins.next().await), 1008, "its host is no app any more");
}

#[tokio::test]
async fn what_was_opened_before_a_reload_is_told_that_this_node_stops() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut open = socket(&gateway, "/socket", &[cookie(&token)]).await.unwrap();
    echo(&mut open, "hello").await;
    reloaded(&gateway, |_| {}).end_streams();
    assert_eq!(close_code(open.next().await), 1001);
}

#[tokio::test]
async fn a_browser_that_leaves_ends_the_apps_side_too() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let open = socket(&gateway, "/socket", &[cookie(&token)]).await.unwrap();
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 1).await;
    drop(open);
    until(|| gateway.app.seen.streams.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn the_gateway_stops_when_told_and_open_requests_finish() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.ask(Ask::get("/healthz")).await.status, 200);
    let address = gateway.address;
    gateway.finish().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// A load balancer opens connections before it needs them.
#[tokio::test]
async fn connections_that_asked_nothing_yet_end_at_once_when_the_gateway_stops() {
    let gateway = Gateway::start().await;
    let mut open = TcpStream::connect(gateway.address).await.unwrap();
    open.write_all(&Ask::to("open.acme.example", "GET", "/silent").bytes()).await.unwrap();
    let mut quiet = TcpStream::connect(gateway.address).await.unwrap();
    until(|| gateway.app.seen.requests.load(Ordering::SeqCst) == 1).await;
    assert_eq!(gateway.ask(Ask::get("/healthz")).await.status, 200);
    gateway.stop.cancel();
    assert_eq!(quiet.read(&mut [0; 1]).await.unwrap_or_default(), 0);
    let still = open.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(still.kind(), std::io::ErrorKind::WouldBlock, "what was asked has time to be answered");
}

/// Each of these held a place for a socket, which a node that stops waits for. It waits for those that are open, and for nobody who was refused.
#[tokio::test]
async fn a_socket_that_never_opened_keeps_no_place() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let asks = [
        (Ask::get("/socket"), 401, "a stranger"),
        (Ask::get("/socket").cookie(&token).header("Origin", "https://evil.example"), 403, "another site"),
        (Ask::get("/page").cookie(&token), 200, "an app without sockets"),
        (Ask::get("/204").cookie(&token), 204, "an app without a word"),
        (Ask::get("/drop").cookie(&token), 502, "an app that hangs up"),
        (Ask::get("/a/..%2fb").cookie(&token), 400, "a path with two readings"),
        (Ask::to("auth.acme.example", "GET", "/test-who"), 200, "a page of our own"),
        (Ask::to("nobody.example", "GET", "/socket"), 421, "a host of nobody"),
    ];
    for (ask, status, what) in asks {
        let ask = ask.header("Connection", "upgrade, close").header("Upgrade", "websocket").header("Sec-WebSocket-Version", "13");
        let reply = gateway.ask(ask.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")).await;
        assert_eq!(reply.status, status, "{what}: {reply:?}");
    }
    // The grace is five seconds.
    tokio::time::timeout(Duration::from_secs(4), gateway.finish()).await.expect("it waits for sockets that are not there");
}
