//! A session that an administrator ends is over: what was open closes, and the next click leads to sign-in.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use futures_util::StreamExt as _;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::enter;
use crate::demo::Demo;
use crate::support::browse;

/// Its title tells what is open: an event stream, and a WebSocket.
const PAGE: &str = "<!doctype html><html lang=en><title>waiting</title><h1>An app</h1><script>
    const open = new Set();
    const say = (what, is) => { is ? open.add(what) : open.delete(what); document.title = [...open].sort().join(' and ') || 'nothing is open'; };
    const events = new EventSource('/events');
    events.onopen = () => say('events', true);
    events.onerror = () => { events.close(); say('events', false); };
    const socket = new WebSocket('/socket');
    socket.onopen = () => say('socket', true);
    socket.onclose = () => say('socket', false);
</script>";

async fn events() -> Response {
    let first = futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from("data: hello\n\n")) });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(first.chain(futures_util::stream::pending()))).into_response()
}

async fn socket(mut request: Request) -> Response {
    let accept = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let stream = TokioIo::new(upgrade.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        while let Some(Ok(_)) = socket.next().await {}
    });
    let headers =
        [(header::CONNECTION, "upgrade".to_owned()), (header::UPGRADE, "websocket".to_owned()), (header::SEC_WEBSOCKET_ACCEPT, accept)];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// An app with a page that keeps two lines open.
async fn start_app() -> String {
    let router = Router::new().route("/", get(|| async { Html(PAGE) })).route("/events", get(events)).route("/socket", get(socket));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(usher::demo::serve(listener, router));
    url
}

#[tokio::test]
async fn an_ended_session_closes_what_is_open_and_signs_the_app_s_tab_out() {
    let upstream = start_app().await;
    let demo = &Demo::start_with(&["--upstream", &upstream]);
    browse("console-jo-at-work", async |jo| {
        demo.sign_in(jo, "/", "Acme over SAML", "jo").await;
        jo.arrive(&demo.app("/")).await;
        jo.see_title("events and socket").await;
        browse("console-sessions", async |olivia| {
            enter(olivia, demo, "olivia", "/sessions").await;
            olivia.click("tr:has(a[href*='/members/']):not(:has(.badge)) button").await;
            olivia.see("[role=status] p", "The session has ended, 2 open connections closed.").await;
            olivia.assert_clean().await;
            // One's own asks first.
            olivia.click("tr:has(.badge) button").await;
            olivia.see("h1", "End your own session?").await;
            olivia.click("main .actions button").await;
            olivia.arrive(&demo.auth("/login")).await;
        })
        .await;
        jo.see_title("nothing is open").await;
        jo.reload().await;
        jo.arrive(&demo.auth("/login?")).await;
    })
    .await;
}
