//! The proxy's side of a request.

use http::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, Uri, Version};
use percent_encoding::percent_decode;
use usher::proxy::Target;
use usher::proxy::clean::{self, Reserved};
use usher::session::cookie;

const OURS: &[u8] = b"__host-usher";

fn is_ours(pair: &[u8]) -> bool {
    pair.trim_ascii_start().to_ascii_lowercase().starts_with(OURS)
}

/// A `Cookie` line. Ours never reach an app, and nobody else's is lost or changes its place.
pub(crate) fn cookie(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(COOKIE, value.clone());
        headers.append(SET_COOKIE, value);
    }
    let pairs = |headers: &HeaderMap| -> Vec<Vec<u8>> {
        let lines = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b';').map(<[u8]>::trim_ascii));
        lines.filter(|pair| !pair.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let wanted: Vec<_> = pairs(&headers).into_iter().filter(|pair| !is_ours(pair)).collect();
    if let Some(session) = cookie::find(&headers, cookie::SESSION) {
        let sent = pairs(&headers).into_iter().filter(|pair| pair.starts_with(b"__Host-usher")).any(|pair| pair.ends_with(session));
        assert!(sent, "a session that nobody sent");
    }
    cookie::remove_ours(&mut headers);
    assert_eq!(pairs(&headers), wanted);
    assert!(headers.get_all(COOKIE).iter().count() <= 1);
    cookie::remove_ours_from_answer(&mut headers);
    assert!(headers.get_all(SET_COOKIE).iter().all(|line| !is_ours(line.as_bytes())));
}

/// A path. What is judged is what every server reads: no path that is let through is another one after one or two decodings, or for a browser's parser.
pub(crate) fn path(data: &[u8]) {
    let Ok(uri) = Uri::try_from(data) else { return };
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("app.acme.example"))]);
    if Target::parse(&Method::GET, &uri, Version::HTTP_11, &headers).is_err() {
        return;
    }
    let path = uri.path();
    let once: Vec<u8> = percent_decode(path.as_bytes()).collect();
    let twice: Vec<u8> = percent_decode(&once).collect();
    for decoded in [path.as_bytes(), &once, &twice] {
        assert_eq!(decoded.split(|&byte| byte == b'/').count(), path.split('/').count(), "{path}");
        assert!(!decoded.contains(&b'\\') && decoded.iter().all(|byte| !byte.is_ascii_control()), "{path}");
        assert!(decoded.split(|&byte| byte == b'/').all(|part| part != b"." && part != b".."), "{path}");
    }
    // The parser of browsers takes dots out and turns backslashes round.
    let url = url::Url::parse(&format!("http://app.acme.example{path}")).unwrap();
    assert_eq!(percent_decode(url.path().as_bytes()).collect::<Vec<u8>>(), once, "{path}");
    assert_eq!(url.host_str(), Some("app.acme.example"), "{path}");
}

/// A header block, one field a line. Whatever a client sends, an app gets no name that is Usher's to set, in no spelling, and nothing of the hop.
pub(crate) fn headers(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n') {
        let at = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) =
            (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(line.get(at + 1..).unwrap_or_default().trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let uri = Uri::from_static("/");
    let judged = Target::parse(&Method::GET, &uri, Version::HTTP_11, &headers);
    if judged.is_ok() {
        assert!(headers.keys().all(|name| !name.as_str().contains('_')));
        assert_eq!(headers.get_all(HOST).iter().count(), 1);
    }
    let alias = HeaderName::from_static("remote-user");
    let (host, mut cleaned) = (headers.get(HOST).cloned(), headers);
    clean::request(&mut cleaned, &Reserved::new(std::iter::once(&alias)));
    assert_eq!(cleaned.get(HOST).cloned(), host, "a client took the host away");
    for name in cleaned.keys() {
        let folded: String = name.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        let ours = folded.starts_with("x-usher-") || folded.starts_with("x-forwarded-");
        assert!(!ours && !["remote-user", "forwarded", "proxy", "x-real-ip"].contains(&folded.as_str()), "{name}");
        assert!(!["connection", "te", "upgrade", "keep-alive", "transfer-encoding", "proxy-connection"].contains(&name.as_str()), "{name}");
    }
    for line in cleaned.get_all(COOKIE) {
        assert!(line.as_bytes().split(|&byte| byte == b';').all(|pair| !is_ours(pair)), "{line:?}");
    }
    clean::answer(&mut cleaned);
}
