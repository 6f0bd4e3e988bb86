//! Requests over HTTP/2 as frames (RFC 9113), with headers as no client would send them: every field a literal without indexing (RFC 7541 6.2.2).

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::PATIENCE;
use super::apps::Read;

/// Header fields and a body.
pub(super) struct Case {
    pub(super) what: String,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: &'static [u8],
    pub(super) reads: Vec<Read>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A request that is in order but for what is given: pseudo-headers are replaced, other fields added.
fn case(what: &str, method: &str, changes: &[(&str, &str)], body: &'static str) -> Case {
    let mut fields = vec![(":method", method), (":scheme", "https"), (":authority", "open.acme.example"), (":path", "/case")];
    for (name, value) in changes {
        match fields.iter_mut().find(|(found, _)| found == name && name.starts_with(':')) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    let fields = fields.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
    Case { what: what.to_owned(), fields, body: body.as_bytes(), reads: Vec::new() }
}

fn refused(name: &str, value: &str) -> Case {
    case(&format!("{name}: {value:?}"), "POST", &[(name, value)], "hello")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        (":path", "/case HTTP/1.1\r\nHost: open.acme.example\r\n\r\nGET /hidden"),
        (":path", "/case\r\nX-Usher-Role: Owner"),
        (":path", "/case\nX: y"),
        (":path", "/a case"),
        (":path", "//evil.example/case"),
        (":path", "/a/../case"),
        (":path", "case"),
        (":path", ""),
        (":path", "*"),
        (":path", "http://evil.example/case"),
        (":method", "GET /hidden HTTP/1.1\r\nHost: open.acme.example\r\n\r\nPOST"),
        (":method", "PO ST"),
        (":method", ""),
        (":authority", "evil.example"),
        (":authority", "open.acme.example\r\nX-Usher-Role: Owner"),
        (":authority", "open.acme.example@evil.example"),
        (":authority", "open.acme.example, evil.example"),
        (":scheme", "https://evil.example/?"),
        ("host", "evil.example"),
        ("x-a", "b\r\nX-Usher-Role: Owner"),
        ("x-a", "b\r\n\r\nGET /hidden HTTP/1.1\r\nHost: open.acme.example\r\n\r\n"),
        ("x-a", "b\nc"),
        ("x-a", "b\0c"),
        ("x-a: b\r\nx-c", "d"),
        ("X-Capitals", "b"),
        ("x a", "b"),
        ("x_usher_role", "Owner"),
        ("", "b"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("connection", "close"),
        ("connection", "x-usher-role"),
        ("proxy-connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("content-length", "3"),
        ("content-length", "53"),
        ("content-length", "+5"),
        ("content-length", "5, 5"),
        ("content-length", "5\r\nTransfer-Encoding: chunked"),
    ]
    .iter()
    .map(|(name, value)| refused(name, value))
    .collect();
    let two = |what: &str, fields: &[(&str, &str)]| case(what, "POST", fields, "hello");
    cases.push(two("two lengths", &[("content-length", "5"), ("content-length", "6")]));
    cases.push(two("a second path", &[("x-a", "b"), (":path ", "/hidden")]));
    cases.push(two("a pseudo-header after others", &[("x-a", "b"), (":protocol", "websocket")]));
    let mut twice = case(":path twice", "POST", &[], "hello");
    twice.fields.push((b":path".to_vec(), b"/hidden".to_vec()));
    cases.push(twice);
    let mut pathless = case("no path", "POST", &[], "hello");
    pathless.fields.retain(|(name, _)| name != b":path");
    cases.push(pathless);

    let read = |case: Case, method: &str, body: &str| Case { reads: vec![Read::new(method, "/case", body)], ..case };
    let ordinary = |what: &str, fields: &[(&str, &str)]| read(case(what, "POST", fields, "hello"), "POST", "hello");
    cases.push(ordinary("an ordinary body", &[]));
    cases.push(ordinary("a body with its length", &[("content-length", "5")]));
    cases.push(ordinary("te: trailers", &[("te", "trailers")]));
    cases.push(ordinary("the same host twice", &[("host", "open.acme.example")]));
    let hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: open.acme.example\r\n\r\n";
    cases.push(read(case("a body that ends a chunked one", "POST", &[], hidden), "POST", hidden));
    cases.push(read(case("a GET with a body", "GET", &[], hidden), "GET", hidden));
    cases
}

/// Sends the request, and waits until it is answered or refused.
pub(super) async fn send(address: SocketAddr, case: &Case) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(4, 0, 0, &[]));
    sent.extend(frame(HEADERS, END_HEADERS, 1, &fields(&case.fields)));
    sent.extend(frame(DATA, END_STREAM, 1, case.body));
    let _ = stream.write_all(&sent).await;
    let over = tokio::time::timeout(PATIENCE, until_over(&mut stream)).await;
    assert!(over.is_ok(), "{}: no answer", case.what);
}

/// Until the stream has ended, in whatever way.
async fn until_over(stream: &mut TcpStream) {
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        let (kind, flags) = (head[3], head[4]);
        if matches!(kind, RESET | GO_AWAY) || matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return;
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [_, _, _, _, _, a, b, c] = payload.len().to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, stream], payload].concat()
}

fn fields(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A string without Huffman coding; its length is an integer with a prefix of seven bits (RFC 7541 5.1).
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut coded = match bytes.len() {
        short @ 0..127 => vec![u8::try_from(short).unwrap()],
        long => vec![127, u8::try_from((long - 127) & 0x7f).unwrap() | 0x80, u8::try_from((long - 127) >> 7).unwrap()],
    };
    coded.extend_from_slice(bytes);
    coded
}
