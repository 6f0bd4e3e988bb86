//! An app that says what it received, byte for byte, and can misbehave in a few ways, chosen by the path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A running app.
#[derive(Debug)]
pub(crate) struct Echo {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
}

/// What it counts.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub connections: AtomicUsize,
    pub requests: AtomicUsize,
    pub body_bytes: AtomicU64,
    /// Event streams and sockets that are open now.
    pub streams: AtomicUsize,
}

impl Echo {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let counts = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counts.connections.fetch_add(1, Ordering::SeqCst);
                let seen = Arc::clone(&counts);
                tokio::spawn(async move { connection(stream, &seen).await });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> url::Url {
        format!("http://{}", self.address).parse().unwrap()
    }
}

async fn connection(mut stream: TcpStream, seen: &Seen) {
    let mut buffer = Vec::new();
    while let Some(head) = read_head(&mut stream, &mut buffer).await {
        seen.requests.fetch_add(1, Ordering::SeqCst);
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        if path == "/early" {
            let _ = stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
            return;
        }
        if path == "/drop" {
            return;
        }
        if path != "/events-at-once" {
            read_body(&mut stream, &mut buffer, &head, seen).await;
        }
        let known = match path.as_str() {
            "/events" | "/events-at-once" => return lines(stream, "text/event-stream", "data: ", seen).await,
            "/lines" => return lines(stream, "application/x-ndjson", "", seen).await,
            "/socket" | "/socket-for-all" => return socket(stream, &head, seen).await,
            "/silent-socket" => return silent_socket(stream, &head, seen).await,
            "/download" => return download(stream).await,
            "/silent" => return std::future::pending().await,
            "/switch" => "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: own\r\n\r\n".to_owned(),
            "/204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n".to_owned(),
            "/trailers" => {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n".to_owned()
            }
            "/cookies" => concat!(
                "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nSet-Cookie: __Host-usher=evil; Path=/; Secure\r\n",
                "Keep-Alive: timeout=5\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-Request-Id: theirs\r\nContent-Length: 2\r\n\r\nok"
            )
            .to_owned(),
            _ if path.starts_with("/head/") => {
                let length = path.trim_start_matches("/head/").parse().unwrap();
                format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: {}\r\n\r\n", "x".repeat(length))
            }
            _ if head.starts_with("HEAD ") => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_owned(),
            _ => format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{head}", head.len()),
        };
        if stream.write_all(known.as_bytes()).await.is_err() || path == "/last" {
            return;
        }
    }
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            return Some(head);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Reads the body away and counts it; framing of chunks is counted too, which is good enough here.
async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, head: &str, seen: &Seen) {
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|length| length.parse::<u64>().ok());
    let count = |bytes: usize| seen.body_bytes.fetch_add(bytes as u64, Ordering::SeqCst);
    if let Some(length) = length {
        let mut left = length;
        let mut piece = vec![0; 64 * 1024];
        while left > 0 {
            let ready = buffer.len().min(usize::try_from(left).unwrap());
            let read = if ready > 0 {
                buffer.drain(..ready);
                ready
            } else {
                let most = piece.len().min(usize::try_from(left).unwrap());
                match stream.read(&mut piece[..most]).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => read,
                }
            };
            count(read);
            left -= read as u64;
        }
    } else if lower.contains("transfer-encoding: chunked") {
        while !buffer.windows(5).any(|window| window == b"0\r\n\r\n") {
            if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
        count(buffer.len());
        buffer.clear();
    }
}

/// Counts a stream as open for as long as it lives.
struct OpenStream<'a>(&'a Seen);

impl<'a> OpenStream<'a> {
    fn new(seen: &'a Seen) -> Self {
        seen.streams.fetch_add(1, Ordering::SeqCst);
        Self(seen)
    }
}

impl Drop for OpenStream<'_> {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A number every hundredth of a second.
async fn lines(mut stream: TcpStream, kind: &str, before: &str, seen: &Seen) {
    let _open = OpenStream::new(seen);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    for number in 0.. {
        let event = format!("{before}{number}\n\n");
        if stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// A hundred megabytes, as fast as they are taken.
async fn download(mut stream: TcpStream) {
    let piece = vec![7; 1 << 20];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", piece.len() * 100);
    let mut open = stream.write_all(head.as_bytes()).await.is_ok();
    for _ in 0..100 {
        open = open && stream.write_all(&piece).await.is_ok();
    }
}

async fn accept(stream: &mut TcpStream, head: &str) {
    let key = head.lines().find_map(|line| line.to_lowercase().starts_with("sec-websocket-key: ").then(|| line[19..].to_owned())).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let answer =
        format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Says nothing more after its answer, and counts the bytes that it is sent.
async fn silent_socket(mut stream: TcpStream, head: &str, seen: &Seen) {
    accept(&mut stream, head).await;
    let _open = OpenStream::new(seen);
    stream.shutdown().await.unwrap();
    let mut piece = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        seen.body_bytes.fetch_add(read as u64, Ordering::SeqCst);
    }
}

async fn socket(mut stream: TcpStream, head: &str, seen: &Seen) {
    accept(&mut stream, head).await;
    let _open = OpenStream::new(seen);
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            return;
        }
    }
}
