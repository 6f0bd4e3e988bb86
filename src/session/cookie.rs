//! Our cookies by name: found in a request, kept away from apps, and written.
//!
//! Every one is `__Host-`: Secure, Path=/, no Domain, so that no other host of the same site can set or read it.

use bytes::BytesMut;
use http::header::{self, Entry, HeaderMap, HeaderValue};

/// The session id.
pub const SESSION: &str = "__Host-usher";
/// The nonce that ties a ticket to the browser.
pub const ENTER: &str = "__Host-usher-enter";
/// Every cookie of ours starts like this, in whatever case a browser keeps it.
const PREFIX: &[u8] = b"__host-usher";

/// Name and value pairs of all `Cookie` lines; HTTP/2 splits them into several (RFC 9113 8.2.3).
fn pairs<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> impl Iterator<Item = &'a [u8]> {
    lines.into_iter().flat_map(|line| line.as_bytes().split(|&b| b == b';')).map(<[u8]>::trim_ascii)
}

/// The value of a pair of this name; a name alone has an empty one.
fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let rest = pair.strip_prefix(name.as_bytes())?.trim_ascii_start();
    if rest.is_empty() { Some(rest) } else { Some(rest.strip_prefix(b"=")?.trim_ascii_start()) }
}

/// No `=` and no blank is in the prefix, so a pair begins with it only when its name does.
fn is_ours(pair: &[u8]) -> bool {
    pair.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The value of a cookie. Sent twice, it counts as not sent: no browser does that with a `__Host-` name.
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = pairs(headers.get_all(header::COOKIE)).filter_map(|pair| value_of(pair, name));
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Takes our cookies out of a request and joins the rest into one line.
pub fn remove_ours(headers: &mut HeaderMap) {
    let Entry::Occupied(mut entry) = headers.entry(header::COOKIE) else { return };
    let single = entry.iter().nth(1).is_none();
    // Often there is no cookie but ours.
    if single && !entry.get().as_bytes().contains(&b';') {
        if is_ours(entry.get().as_bytes().trim_ascii()) {
            entry.remove();
        }
        return;
    }
    if single && !pairs(entry.iter()).any(is_ours) {
        return;
    }
    match join_others(entry.iter()) {
        Some(line) => drop(entry.insert(line)),
        None => drop(entry.remove()),
    }
}

/// The cookies of a request without ours, in one line; `None` when there are none.
#[must_use]
pub fn without_ours(headers: &HeaderMap) -> Option<HeaderValue> {
    join_others(headers.get_all(header::COOKIE))
}

fn join_others<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> Option<HeaderValue> {
    let mut joined = BytesMut::new();
    for pair in pairs(lines).filter(|pair| !pair.is_empty() && !is_ours(pair)) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(pair);
    }
    HeaderValue::from_maybe_shared(joined.freeze()).ok().filter(|line| !line.is_empty())
}

/// Whether a `Set-Cookie` line sets one of ours. A cookie without a name comes back as its value alone, so `=__Host-usher=x` would as well.
fn sets_ours(line: &HeaderValue) -> bool {
    let line = line.as_bytes().trim_ascii();
    is_ours(line.strip_prefix(b"=").unwrap_or(line).trim_ascii_start())
}

/// Takes our cookies out of an app's answer: an app may not choose anyone's session.
pub fn remove_ours_from_answer(headers: &mut HeaderMap) {
    if !headers.get_all(header::SET_COOKIE).iter().any(sets_ours) {
        return;
    }
    let kept: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().filter(|line| !sets_ours(line)).cloned().collect();
    headers.remove(header::SET_COOKIE);
    for line in kept {
        headers.append(header::SET_COOKIE, line);
    }
}

/// A `Set-Cookie` line; without `max_age_seconds` the cookie lives until the browser closes, with 0 it goes away.
#[must_use]
pub fn set(name: &str, value: &str, max_age_seconds: Option<u32>) -> Option<HeaderValue> {
    let age = max_age_seconds.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")).ok()
}

/// Makes the removal of the session cookie count: tower-sessions writes it without `Secure`, and browsers ignore that for a `__Host-` name
/// (RFC 6265bis 4.1.3.2).
#[must_use]
pub fn with_whole_removal<B>(mut answer: http::Response<B>) -> http::Response<B> {
    let removal = format!("{SESSION}=;");
    for (name, line) in answer.headers_mut() {
        if name == header::SET_COOKIE
            && line.as_bytes().starts_with(removal.as_bytes())
            && let Some(whole) = set(SESSION, "", Some(0))
        {
            *line = whole;
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    fn rest(lines: &[&str]) -> Option<String> {
        let mut headers = sent(lines);
        remove_ours(&mut headers);
        assert!(headers.get_all(header::COOKIE).iter().count() <= 1);
        headers.get(header::COOKIE).map(|line| line.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(find(&sent(&["a=b; __Host-usher=x", "c=d"]), SESSION), Some(&b"x"[..]));
        assert_eq!(find(&sent(&["a=__Host-usher=x", "__Host-usher-enter=y", "__Host-usher"]), SESSION), Some(&b""[..]));
        assert_eq!(find(&sent(&["__host-usher=x"]), SESSION), None);
    }

    #[test]
    fn a_session_cookie_sent_twice_is_none() {
        assert_eq!(find(&sent(&["__Host-usher=x; __Host-usher=y"]), SESSION), None);
        assert_eq!(find(&sent(&["__Host-usher=x", "__Host-usher=x"]), SESSION), None);
    }

    #[test]
    fn our_cookies_never_reach_the_app() {
        assert_eq!(rest(&["__Host-usher=x"]), None);
        assert_eq!(rest(&["a=b; __Host-usher=x; c=d"]), Some("a=b; c=d".to_owned()));
        assert_eq!(rest(&["a=b", " __HOST-USHER-enter = x", "c=d;"]), Some("a=b; c=d".to_owned()));
        assert_eq!(rest(&["a=\"__Host-usher=x\""]), Some("a=\"__Host-usher=x\"".to_owned()));
        assert_eq!(rest(&["__Host-usher-tx=1; __Host-usher"]), None);
    }

    #[test]
    fn an_app_cannot_set_our_cookies() {
        let mut headers = HeaderMap::new();
        for line in
            ["a=b; Path=/", " __Host-usher=evil; Path=/; Secure", "__host-Usher-enter=evil", "=__Host-usher=evil", " = __Host-usher=evil"]
        {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(line));
        }
        remove_ours_from_answer(&mut headers);
        assert_eq!(headers.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["a=b; Path=/"]);
    }

    #[test]
    fn the_removal_of_the_session_cookie_is_one_that_browsers_follow() {
        let lines = ["__Host-usher=; Path=/; Max-Age=0", "__Host-usher=id; Path=/; Secure", "__Host-usher-tx=; Path=/"];
        let mut answer = http::Response::new(());
        for line in lines {
            answer.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(line));
        }
        let answer = with_whole_removal(answer);
        let lines: Vec<_> = answer.headers().get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
        assert_eq!(lines[0], "__Host-usher=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
        assert_eq!(lines[1..], ["__Host-usher=id; Path=/; Secure", "__Host-usher-tx=; Path=/"]);
    }
}
