//! Host and path of a request, read once. What two parsers could read differently is refused, so that what is judged is what the app gets
//! (oauth2-proxy GHSA-7rh7 and GHSA-pxq7, Traefik GHSA-6jwx, Heimdall CVE-2026-42274: all one bug).

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Uri, Version};

/// Why a request was refused before anyone looked at who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Malformed {
    /// No host, two hosts, or something that is no host.
    #[error("the request names no single valid host")]
    Host,
    /// `CONNECT`, `*`, or no path.
    #[error("the request names no path")]
    Target,
    /// A path that servers read differently.
    #[error("the path can be read in more than one way")]
    Path,
    /// A header name with `_`, which many servers take for `-`.
    #[error("a header name contains an underscore")]
    HeaderName,
    /// Both `Transfer-Encoding` and `Content-Length`, or a transfer encoding other than chunked.
    #[error("the length of the body can be read in more than one way")]
    Length,
}

/// The host of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a> {
    /// Lower case, without port.
    pub host: Cow<'a, str>,
}

impl<'a> Target<'a> {
    /// Reads host and checks path, header names and framing.
    ///
    /// # Errors
    /// [`Malformed`]: 400, whoever it is.
    pub fn parse(method: &Method, uri: &'a Uri, version: Version, headers: &'a HeaderMap) -> Result<Self, Malformed> {
        if *method == Method::CONNECT {
            return Err(Malformed::Target);
        }
        let lines = Lines::read(headers)?;
        let host = host(uri, &lines)?;
        check_path(uri.path())?;
        check_query(uri.query().unwrap_or_default())?;
        lines.check_length(version)?;
        Ok(Self { host })
    }
}

/// Host and path of a request that another proxy is about to send, by what it says of it: the same rules.
///
/// # Errors
/// [`Malformed`]: no.
pub(super) fn check_forwarded<'a>(host: &'a str, uri: &Uri) -> Result<Cow<'a, str>, Malformed> {
    check_path(uri.path())?;
    check_query(uri.query().unwrap_or_default())?;
    parse_host(host)
}

/// What one look at all header lines finds.
#[derive(Default)]
struct Lines<'a> {
    host: Option<&'a HeaderValue>,
    hosts: usize,
    encoding: Option<&'a HeaderValue>,
    encodings: usize,
    lengths: usize,
}

impl<'a> Lines<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, Malformed> {
        let mut lines = Self::default();
        for (name, value) in headers {
            if *name == header::HOST {
                (lines.host, lines.hosts) = (Some(value), lines.hosts + 1);
            } else if *name == header::TRANSFER_ENCODING {
                (lines.encoding, lines.encodings) = (Some(value), lines.encodings + 1);
            } else if *name == header::CONTENT_LENGTH {
                lines.lengths += 1;
            } else if name.as_str().as_bytes().contains(&b'_') {
                return Err(Malformed::HeaderName);
            }
        }
        Ok(lines)
    }

    fn check_length(&self, version: Version) -> Result<(), Malformed> {
        if let Some(encoding) = self.encoding {
            let chunked = self.encodings == 1 && encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
            if !chunked || self.lengths > 0 || version != Version::HTTP_11 {
                return Err(Malformed::Length);
            }
        }
        if self.lengths > 1 { Err(Malformed::Length) } else { Ok(()) }
    }
}

/// The one host that every part of the request agrees on (RFC 9112 3.2, RFC 9113 8.3.1).
fn host<'a>(uri: &'a Uri, lines: &Lines<'a>) -> Result<Cow<'a, str>, Malformed> {
    if lines.hosts > 1 {
        return Err(Malformed::Host);
    }
    let line = lines.host.map(|line| line.to_str().map_err(|_| Malformed::Host)).transpose()?;
    let authority = match (uri.authority(), line) {
        (Some(authority), Some(line)) if !authority.as_str().eq_ignore_ascii_case(line) => return Err(Malformed::Host),
        (Some(authority), _) => authority.as_str(),
        (None, Some(line)) => line,
        (None, None) => return Err(Malformed::Host),
    };
    parse_host(authority)
}

/// A host name or address and perhaps a port; gives the name in lower case.
fn parse_host(authority: &str) -> Result<Cow<'_, str>, Malformed> {
    let (name, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or(Malformed::Host)?;
            let address_ok = !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
            let name = authority.get(..inside.len() + 2).filter(|_| address_ok).ok_or(Malformed::Host)?;
            (name, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or(Malformed::Host)?) })
        }
        None => authority.split_once(':').map_or((authority, None), |(name, port)| (name, Some(port))),
    };
    if port.is_some_and(|port| port.is_empty() || port.len() > 5 || !port.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Malformed::Host);
    }
    if !name.starts_with('[') && !is_name(name) {
        return Err(Malformed::Host);
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) { Ok(Cow::Owned(name.to_ascii_lowercase())) } else { Ok(Cow::Borrowed(name)) }
}

/// Labels of letters, digits and dashes with dots between them; no label is empty, or begins or ends with a dash.
fn is_name(name: &str) -> bool {
    // As if a dot stood before and after.
    let mut before = b'.';
    let follows = |b: u8| {
        let fits = match b {
            b'.' => before != b'.' && before != b'-',
            b'-' => before != b'.',
            b => b.is_ascii_alphanumeric(),
        };
        before = b;
        fits
    };
    name.len() <= 253 && name.bytes().chain([b'.']).all(follows)
}

/// One reading only: visible ASCII, no backslash, no empty first segment, and after one decoding no separator, no control, no `.` or `..` segment,
/// and nothing that a second decoding would turn into one of these.
fn check_path(path: &str) -> Result<(), Malformed> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') || bytes.get(1) == Some(&b'/') {
        return Err(Malformed::Path);
    }
    // Most paths have nothing to decode, and many no dot.
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'%' | b'#');
    if bytes.iter().all(plain) {
        return if bytes.contains(&b'.') { check_segments(bytes) } else { Ok(()) };
    }
    let decoded = decode(bytes)?;
    let again = decode_leniently(&decoded);
    if again != decoded {
        check_decoded(&again, slashes(bytes))?;
    }
    check_decoded(&decoded, slashes(bytes))
}

fn slashes(path: &[u8]) -> usize {
    path.split(|&b| b == b'/').count()
}

/// `allowed`: how many slashes there may be, so that none was hidden.
fn check_decoded(decoded: &[u8], allowed: usize) -> Result<(), Malformed> {
    let hidden = |b: &u8| *b < 0x20 || *b == 0x7f || *b == b'\\' || *b == b'#';
    if decoded.iter().any(hidden) || slashes(decoded) != allowed {
        return Err(Malformed::Path);
    }
    check_segments(decoded)
}

fn check_segments(decoded: &[u8]) -> Result<(), Malformed> {
    // `..;x` too: some servers cut path parameters off before they look at dots.
    let dots = |part: &[u8]| matches!(part.trim_ascii(), b"." | b"..");
    if decoded.split(|&b| b == b'/' || b == b';').any(dots) { Err(Malformed::Path) } else { Ok(()) }
}

fn decode(path: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.iter();
    while let Some(&b) = rest.next() {
        match b {
            b'%' => decoded.push(pair(rest.next(), rest.next()).ok_or(Malformed::Path)?),
            b'\\' | b'#' => return Err(Malformed::Path),
            b if b.is_ascii_graphic() => decoded.push(b),
            _ => return Err(Malformed::Path),
        }
    }
    Ok(decoded)
}

/// What a server that decodes twice would see.
fn decode_leniently(path: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(path).collect()
}

fn pair(high: Option<&u8>, low: Option<&u8>) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high?)? << 4 | digit(low?)?)
}

/// The query is the app's to read; it only may not break the line it is sent in.
fn check_query(query: &str) -> Result<(), Malformed> {
    if query.bytes().all(|b| b > 0x20 && b != 0x7f) { Ok(()) } else { Err(Malformed::Path) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for bad in [
            "",
            "x",
            "//",
            "//evil.example",
            "/a/../b",
            "/a/..",
            "/..",
            "/.",
            "/a/./b",
            "/%2e%2e/",
            "/%2E%2e",
            "/.%2e/",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%23b",
            "/a#b",
            "/a%0d%0aX-Usher-Role:%20Owner",
            "/a%7f",
            "/%",
            "/%2",
            "/%zz",
            "/%252e%252e/x",
            "/a%252fb",
            "/a%255cb",
            "/a%2500",
            "/a%2523",
            "/..;/admin",
            "/..;x=1/admin",
            "/%2e%2e;/a",
            "/ä",
            "/a b",
            "/a\tb",
            "/%20../x",
            "/..%20/x",
            "/%252e/x",
        ] {
            assert_eq!(check_path(bad), Err(Malformed::Path), "{bad:?}");
        }
    }

    #[test]
    fn a_path_with_one_reading_passes() {
        for good in [
            "/",
            "/a/b.c",
            "/a//b",
            "/...",
            "/.well-known/x",
            "/a/%C3%A4",
            "/100%25",
            "/a%20b",
            "/~x/@y:z,$&'()*+=!",
            "/a;b=c",
            "/a%3Fb",
            "/a[1]|{2}",
        ] {
            assert_eq!(check_path(good), Ok(()), "{good:?}");
        }
    }

    proptest! {
        /// The model: whatever a decoder makes of an accepted path, once or twice, its segments are where they were and none of them climbs.
        #[test]
        fn decoding_an_accepted_path_moves_nothing(path in "/([a-z./;%#\\\\]|%2[eEfF3]|%5[cC]|%25|%00|%3b|\\.\\.){0,12}") {
            if check_path(&path).is_err() {
                return Ok(());
            }
            let segments = path.split('/').count();
            let mut decoded = path.into_bytes();
            for _ in 0..2 {
                decoded = decode_leniently(&decoded);
                prop_assert_eq!(decoded.split(|&b| b == b'/').count(), segments);
                prop_assert!(!decoded.split(|&b| b == b'/' || b == b';').any(|segment| segment == b".."));
                prop_assert!(!decoded.contains(&0) && !decoded.contains(&b'\\'));
            }
        }
    }

    #[test]
    fn the_host_is_one_lower_case_name() {
        assert_eq!(parse_host("App.Acme.Example:8443").unwrap(), "app.acme.example");
        assert_eq!(parse_host("[::1]:80").unwrap(), "[::1]");
        assert_eq!(parse_host("[::FFFF:127.0.0.1]:65535").unwrap(), "[::ffff:127.0.0.1]");
        for bad in [
            "[x]", "", ":80", "a:", "a:b", "a:1:2", "a..b", ".a", "a.", "-a", "a_b", "a b", "ä", "[::1", "[]", "[::1]x", "a@b", "a/b",
            "a:123456",
        ] {
            assert_eq!(parse_host(bad), Err(Malformed::Host), "{bad:?}");
        }
    }

    /// A server behind us that counts otherwise would take the rest of one request for the next (RFC 9112 6.3).
    #[test]
    fn the_length_is_said_once() {
        let read = |version, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("app.acme.example"))]);
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            Target::parse(&Method::POST, &Uri::from_static("/"), version, &headers).map(drop)
        };
        let (length, chunked) = (("content-length", "1"), ("transfer-encoding", "chunked"));
        for lines in [&[][..], &[length], &[chunked]] {
            assert_eq!(read(Version::HTTP_11, lines), Ok(()), "{lines:?}");
        }
        for lines in [&[length, length][..], &[length, chunked], &[chunked, chunked], &[("transfer-encoding", "gzip, chunked")]] {
            assert_eq!(read(Version::HTTP_11, lines), Err(Malformed::Length), "{lines:?}");
        }
        assert_eq!(read(Version::HTTP_10, &[chunked]), Err(Malformed::Length));
        assert_eq!(read(Version::HTTP_2, &[chunked]), Err(Malformed::Length));
    }

    #[test]
    fn a_query_stays_in_its_line() {
        for good in ["", "a=b&c=%0d", "//../..;?\"{}", "\u{e4}"] {
            assert_eq!(check_query(good), Ok(()), "{good:?}");
        }
        for bad in [" ", "a b", "a\rb", "a\nb", "a\tb", "\u{7f}", "\0"] {
            assert_eq!(check_query(bad), Err(Malformed::Path), "{bad:?}");
        }
    }
}
