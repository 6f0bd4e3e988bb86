//! What is open when a node is told to stop.

use std::time::Instant;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{Files, Node, PATIENCE, Site, ada, org_toml};
use crate::support::echo::Echo;
use crate::support::port::free_port;

async fn socket(port: u16, cookie: &str) -> WebSocketStream<TcpStream> {
    let mut request = format!("ws://app.localhost:{port}/socket").into_client_request().unwrap();
    request.headers_mut().insert("cookie", format!("__Host-usher={cookie}").parse().unwrap());
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut socket = tokio_tungstenite::client_async(request, stream).await.unwrap().0;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    socket
}

/// With nothing else open, on every thread, there is nobody else whom a thread waits for.
#[tokio::test]
async fn a_node_that_stops_says_so_to_every_socket_and_then_ends() {
    let (app, port) = (Echo::start().await, free_port());
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "shutdown_grace = \"5m\"", more: "" };
    let mut node = Node::start(&files, &org_toml("")).await;
    let (browser, cookie) = ada(&Site { port }).await;
    drop(browser);
    let mut sockets = Vec::new();
    for _ in 0..16 {
        sockets.push(socket(port, &cookie).await);
    }
    let started = Instant::now();
    node.signal("TERM");
    for socket in &mut sockets {
        let closed = socket.next().await;
        assert!(matches!(&closed, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1001), "{closed:?}");
    }
    node.stop().await;
    assert!(started.elapsed() < PATIENCE, "it waits for nobody who is gone");
}
