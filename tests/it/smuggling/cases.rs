//! Requests with more than one reading. Each is followed by an ordinary one, so that whatever is taken for a body, or is not, shows.

use super::apps::Read;

/// One connection's bytes, and what an app may read of them.
pub(super) struct Case {
    pub(super) what: String,
    pub(super) bytes: Vec<u8>,
    pub(super) reads: Vec<Read>,
}

/// The request that some parser takes for the rest of the one before.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: open.acme.example\r\n\r\n";
const LAST: &str = "GET /last HTTP/1.1\r\nHost: open.acme.example\r\nConnection: close\r\n\r\n";

fn head(method: &str, lines: &str) -> String {
    format!("{method} /case HTTP/1.1\r\nHost: open.acme.example\r\n{lines}\r\n")
}

/// Nothing reaches the app: neither this request nor what stands behind it.
fn refused(what: &str, request: impl Into<Vec<u8>>) -> Case {
    let mut bytes = request.into();
    bytes.extend_from_slice(HIDDEN.as_bytes());
    bytes.extend_from_slice(LAST.as_bytes());
    Case { what: what.to_owned(), bytes, reads: Vec::new() }
}

/// This one is read, with this body, and the connection ends with it: what stands behind it is nobody's.
fn read_alone(what: &str, request: impl Into<Vec<u8>>, body: &str) -> Case {
    Case { reads: vec![Read::new("POST", "/case", body)], ..refused(what, request) }
}

/// This one is read, and the one behind it.
fn read_both(what: &str, method: &str, request: String, body: &str) -> Case {
    let bytes = (request + LAST).into_bytes();
    Case { what: what.to_owned(), bytes, reads: vec![Read::new(method, "/case", body), Read::new("GET", "/last", "")] }
}

fn post(what: &str, lines: &str, body: &str) -> Case {
    refused(what, head("POST", lines) + body)
}

pub(super) fn cases() -> Vec<Case> {
    [lengths(), encodings(), chunks(), lines(), targets(), ordinary()].into_iter().flatten().collect()
}

/// Two lengths, or one that is none.
fn lengths() -> Vec<Case> {
    let both = |order: [&str; 2]| head("POST", &order.concat()) + "0\r\n\r\n";
    let (length, chunked) = ("Content-Length: 54\r\n", "Transfer-Encoding: chunked\r\n");
    let mut cases = vec![
        // Read by the chunks, and then the connection ends: a proxy before us that reads by the length has sent the rest as a body (RFC 9112 6.1).
        read_alone("CL.TE", both([length, chunked]), ""),
        read_alone("TE.CL", both([chunked, length]), ""),
        refused("CL.TE in HTTP/1.0", both([length, chunked]).replace("HTTP/1.1", "HTTP/1.0")),
        read_both("the same length twice", "POST", head("POST", "Content-Length: 5\r\nContent-Length: 5\r\n") + "hello", "hello"),
    ];
    for value in [
        "+5",
        "-5",
        "0x5",
        "5 5",
        "5,5",
        "5, 5",
        "5.0",
        "5e0",
        "\u{0665}",
        "",
        "five",
        "'5'",
        "\"5\"",
        "18446744073709551616",
        "99999999999999999999",
        "5\u{b}",
        "5;5",
        "0b101",
        "_5",
        "5_",
    ] {
        cases.push(post(&format!("a length of {value:?}"), &format!("Content-Length: {value}\r\n"), "hello"));
    }
    cases.push(post("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello"));
    cases.push(post("two lengths, one of them none", "Content-Length: 5\r\nContent-Length: x\r\n", "hello"));
    cases.push(read_both("zeros before a length", "POST", head("POST", "Content-Length: 0005\r\n") + "hello", "hello"));
    cases
}

/// A coding that is not just `chunked`.
fn encodings() -> Vec<Case> {
    let body = "0\r\n\r\n";
    let mut cases: Vec<Case> = [
        "xchunked",
        "chunkedx",
        "chunked, identity",
        "identity",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "chunked\u{b}",
        "\u{b}chunked",
        "\"chunked\"",
        "'chunked'",
        ",chunked",
        "chunked,",
        "",
        "chu\tnked",
        "cow, chunked",
        "chunked;",
        "chunked\u{a0}",
    ]
    .iter()
    .map(|value| post(&format!("a coding of {value:?}"), &format!("Transfer-Encoding: {value}\r\nContent-Length: 5\r\n"), body))
    .collect();
    for (what, lines) in [
        ("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
        ("two codings, the other way", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
        ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        ("a blank before the colon", "Transfer-Encoding : chunked\r\n"),
        ("a tab before the colon", "Transfer-Encoding\t: chunked\r\n"),
        ("a blank before the name", " Transfer-Encoding: chunked\r\n"),
        ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
        ("an underscore for the dash", "Transfer_Encoding: chunked\r\n"),
        ("a control character in the name", "Transfer-Encoding\u{7f}: chunked\r\n"),
        ("a null in the name", "Transfer\0-Encoding: chunked\r\n"),
        ("a line break in the name", "Transfer-\nEncoding: chunked\r\n"),
        ("no colon", "Transfer-Encoding chunked\r\n"),
    ] {
        cases.push(post(what, lines, body));
    }
    cases.push(read_alone("capitals", head("POST", "TRANSFER-ENCODING: CHUNKED\r\n") + "2\r\nok\r\n0\r\n\r\n", "ok"));
    // A name that is another name: no coding, and no body.
    cases.push(read_both("a coding that is no header of ours", "GET", head("GET", "X-Transfer-Encoding: chunked\r\n"), ""));
    cases
}

/// Chunks that are cut differently.
fn chunks() -> Vec<Case> {
    let chunked = |body: &str| head("POST", "Transfer-Encoding: chunked\r\n") + body;
    let mut cases: Vec<Case> = [
        ("a size beyond 64 bits", "fffffffffffffffff\r\nok\r\n0\r\n\r\n"),
        ("a size of 2^64 + 2", "10000000000000002\r\nok\r\n0\r\n\r\n"),
        ("a size with a sign", "+2\r\nok\r\n0\r\n\r\n"),
        ("a negative size", "-2\r\nok\r\n0\r\n\r\n"),
        ("a size with 0x", "0x2\r\nok\r\n0\r\n\r\n"),
        ("a size with an underscore", "0_2\r\nok\r\n0\r\n\r\n"),
        ("no size", "\r\nok\r\n0\r\n\r\n"),
        ("a size of nothing but an extension", ";x\r\nok\r\n0\r\n\r\n"),
        ("a chunk that is longer than its size", "1\r\nok\r\n0\r\n\r\n"),
        ("no line break after a chunk", "2\r\nok0\r\n\r\n"),
        ("a bare line feed after a size", "2\nok\r\n0\r\n\r\n"),
        ("a bare carriage return after a size", "2\rok\r\n0\r\n\r\n"),
        ("a bare line feed after a chunk", "2\r\nok\n0\r\n\r\n"),
        ("a bare line feed in an extension", "2;x\n\r\nok\r\n0\r\n\r\n"),
        ("a blank before a size", " 2\r\nok\r\n0\r\n\r\n"),
        ("a size in other digits", "\u{ff12}\r\nok\r\n0\r\n\r\n"),
    ]
    .iter()
    .map(|(what, body)| refused(what, chunked(body)))
    .collect();
    for (what, body) in [
        ("an extension", "2;name=value\r\nok\r\n0\r\n\r\n"),
        ("a quoted extension", "2;name=\"a;b\"\r\nok\r\n0\r\n\r\n"),
        ("an extension that looks like a chunk", "2;0\r\nok\r\n0\r\n\r\n"),
        ("zeros before a size", "0000002\r\nok\r\n000\r\n\r\n"),
        ("a blank after a size", "2 \r\nok\r\n0\r\n\r\n"),
        (
            "trailers with names of ours",
            "2\r\nok\r\n0\r\nX-Usher-Role: Owner\r\nContent-Length: 7\r\nHost: evil.example\r\nTransfer-Encoding: x\r\n\r\n",
        ),
    ] {
        cases.push(read_alone(what, chunked(body), "ok"));
    }
    cases
}

/// Lines that end, or begin, in other ways.
fn lines() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("a folded header", "X-A: b\r\n Content-Length: 5\r\n"),
        ("a folded header with a tab", "X-A: b\r\n\tContent-Length: 5\r\n"),
        ("a bare carriage return in a value", "X-A: b\rContent-Length: 5\r\n"),
        ("a bare carriage return in a name", "X-A\r: b\r\n"),
        ("a null in a value", "X-A: b\0c\r\n"),
        ("a blank in a name", "X A: b\r\n"),
        ("a name of nothing", ": b\r\n"),
        ("a line without a colon", "nothing\r\n"),
        ("an underscore in a name", "Content_Length: 5\r\n"),
        ("a second host", "Host: evil.example\r\n"),
        ("a host in a folded line", "X-A: b\r\n Host: evil.example\r\n"),
    ]
    .iter()
    .map(|(what, lines)| refused(what, head("GET", lines)))
    .collect();
    // A line feed alone ends a line for us as well (RFC 9112 2.2), and the app gets a whole one.
    let bare = "GET /case HTTP/1.1\nHost: open.acme.example\nX-A: b\n\n".to_owned();
    cases.push(read_both("bare line feeds", "GET", bare, ""));
    cases.push(read_both("a line break before the request", "GET", format!("\r\n{}", head("GET", "")), ""));
    cases
}

/// Request lines.
fn targets() -> Vec<Case> {
    let line = |line: &str| format!("{line}\r\nHost: open.acme.example\r\n\r\n");
    let mut cases: Vec<Case> = [
        "GET http://evil.example/case HTTP/1.1",
        "GET http://open.acme.example@evil.example/case HTTP/1.1",
        "GET //evil.example/case HTTP/1.1",
        "GET /case\u{b}HTTP/1.1 HTTP/1.1",
        "GET /case HTTP/1.1 HTTP/1.1",
        "GET /case\tHTTP/1.1",
        "GET  /case HTTP/1.1",
        "GET /case HTTP/1.2",
        "GET /case HTTP/2.0",
        "GET /case http/1.1",
        "GET /case",
        "GET case HTTP/1.1",
        "GET * HTTP/1.1",
        "CONNECT open.acme.example:80 HTTP/1.1",
        "G(T /case HTTP/1.1",
        "GET /a/../case HTTP/1.1",
        "GET /case%0d%0aX:y HTTP/1.1",
        "GET /case\0 HTTP/1.1",
        " GET /case HTTP/1.1",
    ]
    .iter()
    .map(|text| refused(&format!("the line {text:?}"), line(text)))
    .collect();
    cases.push(read_both("a fragment, which is cut off before anything is judged", "GET", line("GET /case#/last HTTP/1.1"), ""));
    cases.push(read_both("an absolute address of ours", "GET", line("GET http://open.acme.example/case HTTP/1.1"), ""));
    cases
}

/// What is in order must go on to work.
fn ordinary() -> Vec<Case> {
    vec![
        read_both("two requests at once", "GET", head("GET", ""), ""),
        read_both("a body with a request in it", "POST", head("POST", "Content-Length: 49\r\n") + HIDDEN, HIDDEN),
        read_both(
            "a body that says that it waits",
            "POST",
            head("POST", "Expect: 100-continue\r\nContent-Length: 5\r\n") + "hello",
            "hello",
        ),
        read_both("a body of nothing", "POST", head("POST", "Content-Length: 0\r\n"), ""),
        read_both("a GET with a body", "GET", head("GET", "Content-Length: 49\r\n") + HIDDEN, HIDDEN),
        Case {
            reads: vec![Read::new("GET", "/case", "hello")],
            ..read_alone("a GET in chunks", head("GET", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", "")
        },
        read_alone("chunks", head("POST", "Transfer-Encoding: chunked\r\n") + "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello"),
    ]
}

#[test]
fn the_hidden_request_has_the_length_that_the_cases_say() {
    assert_eq!(HIDDEN.len(), 49);
}
