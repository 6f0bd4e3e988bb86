//! What is taken out of a request before it goes to the app, and out of an answer before it goes to the browser.
//!
//! The order matters: first what `Connection` names, then every reserved header, then our cookies; ours are set afterwards by whoever calls.
//! So no client can name one of ours in `Connection` and have it dropped (CVE-2025-48865).

use http::header::{self, HeaderMap, HeaderName};

use crate::session::cookie;

/// Header names that only Usher may set towards an app.
#[derive(Debug)]
pub struct Reserved {
    aliases: Vec<String>,
}

impl Reserved {
    /// Aliases of any route are reserved on every route: one list, no exceptions to remember.
    pub fn new<'a>(aliases: impl Iterator<Item = &'a HeaderName>) -> Self {
        let mut aliases: Vec<String> = aliases.map(|name| fold(name.as_str())).collect();
        aliases.sort_unstable();
        aliases.dedup();
        Self { aliases }
    }

    fn has(&self, name: &str) -> bool {
        // Servers that make variables of headers (CGI, WSGI, Rack) take more characters than `_` for a dash.
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') { self.has_folded(name) } else { self.has_folded(&fold(name)) }
    }

    fn has_folded(&self, name: &str) -> bool {
        let ours = match name.as_bytes().first() {
            Some(b'x') => {
                name.starts_with("x-usher-")
                    || name.starts_with("x-forwarded-")
                    // Names by which some apps let a proxy replace the path, the client's address or the request id.
                    || matches!(name, "x-real-ip" | "x-original-url" | "x-rewrite-url" | "x-original-uri" | "x-request-id")
            }
            Some(b'f') => name == "forwarded",
            // httpoxy: CGI makes HTTP_PROXY of it.
            Some(b'p') => name == "proxy",
            _ => false,
        };
        ours || self.aliases.iter().any(|alias| alias == name)
    }
}

fn fold(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// Headers of one hop, beside those that `Connection` names (RFC 9110 7.6.1). `Expect` and `TE` too: the next hop has its own.
fn is_of_one_hop(name: &HeaderName) -> bool {
    match name.as_str().as_bytes().first() {
        Some(b'c') => *name == header::CONNECTION,
        Some(b'e') => *name == header::EXPECT,
        Some(b'h') => name.as_str() == "http2-settings",
        Some(b'k') => name.as_str() == "keep-alive",
        Some(b'p') => matches!(name.as_str(), "proxy-connection" | "proxy-authenticate" | "proxy-authorization"),
        Some(b't') => *name == header::TE || *name == header::TRAILER || *name == header::TRANSFER_ENCODING,
        Some(b'u') => *name == header::UPGRADE,
        _ => false,
    }
}

/// Removes what `Connection` names. Reserved names are removed anyway, and end-to-end names that a server needs are not for a client to take away.
fn remove_named_by_connection(headers: &mut HeaderMap) {
    let plain =
        |line: &http::HeaderValue| line.as_bytes().eq_ignore_ascii_case(b"keep-alive") || line.as_bytes().eq_ignore_ascii_case(b"close");
    if headers.get_all(header::CONNECTION).iter().all(plain) {
        return;
    }
    let lines = headers.get_all(header::CONNECTION).iter();
    let named: Vec<HeaderName> = lines
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH && *name != header::COOKIE && *name != header::UPGRADE)
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// One look at the names; nearly always there is none to remove, or one.
fn remove_all(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let found: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Makes a request fit for an app: nothing of this hop, nothing reserved, no cookie of ours.
pub fn request(headers: &mut HeaderMap, reserved: &Reserved) {
    remove_named_by_connection(headers);
    remove_all(headers, |name| is_of_one_hop(name) || reserved.has(name.as_str()));
    cookie::remove_ours(headers);
}

/// Makes an app's answer fit for the browser: nothing of that hop, no cookie of ours. `Trailer` stays: it announces what follows the body.
pub fn answer(headers: &mut HeaderMap) {
    let mut sets_cookies = false;
    let mut hop = Vec::new();
    for name in headers.keys() {
        if *name == header::SET_COOKIE {
            sets_cookies = true;
        } else if is_of_one_hop(name) && *name != header::TRAILER {
            hop.push(name.clone());
        }
    }
    if hop.contains(&header::CONNECTION) {
        remove_named_by_connection(headers);
    }
    for name in hop {
        headers.remove(name);
    }
    if sets_cookies {
        cookie::remove_ours_from_answer(headers);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn cleaned(sent: &[(&str, &str)]) -> HeaderMap {
        let alias = HeaderName::from_static("remote-user");
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        request(&mut headers, &Reserved::new(std::iter::once(&alias)));
        headers
    }

    #[test]
    fn reserved_names_are_removed_in_every_spelling() {
        for name in [
            "X-Usher-Role",
            "x-usher-role",
            "X-USHER-ASSERTION",
            "X-Usher-Anything",
            "X.Usher.Role",
            "X-Usher.Role",
            "X+Usher*Role",
            "X-Forwarded-For",
            "X-Forwarded-Email",
            "X-Forwarded-Uri",
            "Forwarded",
            "X-Real-IP",
            "Remote-User",
            "REMOTE.USER",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-Request-Id",
            "Proxy",
        ] {
            assert!(cleaned(&[(name, "evil"), (name, "evil")]).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_connection_names_is_removed_and_no_more() {
        let headers = cleaned(&[
            ("Connection", "close, X-Secret"),
            ("Connection", "x-other,Host, Content-Length"),
            ("X-Secret", "1"),
            ("X-Other", "2"),
            ("X-Kept", "3"),
            ("Host", "a"),
            ("Content-Length", "0"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Expect", "100-continue"),
            ("Upgrade", "h2c"),
            ("HTTP2-Settings", "x"),
            ("Proxy-Connection", "keep-alive"),
            ("Proxy-Authenticate", "Basic"),
            ("Proxy-Authorization", "Basic x"),
        ]);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "host", "x-kept"]);
    }
}
