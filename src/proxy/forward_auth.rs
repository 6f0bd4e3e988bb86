//! The decision for another proxy, which asks before it passes a request on: nginx `auth_request`, Caddy, HAProxy, Apache, Traefik, Envoy.
//!
//! Two shapes. Most proxies ask `/forward-auth` on the auth host, or on a host that is nobody's, and describe the request in `X-Forwarded-Host`, `-Method` and `-Uri`. Envoy sends the
//! request itself, without its body, under a prefix: `/.usher/forward-auth/…` on the app's host. A third address, `/.usher/sign-in/…`, is for the
//! browser of somebody who was refused: the same decision, answered for a person.
//!
//! Only 2xx means yes, and only a peer in `trusted_proxies` is answered at all: whoever else could ask would choose the path that is judged
//! (oauth2-proxy GHSA-7x63, Traefik CVE-2026-39858).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;

use super::answer::{Asked, Problem};
use super::forward::{AppHost, Proxy, Refusal};
use super::pass::{Passed, Passing};
use super::route::Route;
use super::target::check_forwarded;
use super::{Body, Malformed, Peer, RequestId, introduce, upgrade};
use crate::session::cookie;

/// Where other proxies ask, on the auth host or on one that is nobody's.
pub const FORWARD_AUTH: &str = "/forward-auth";
const WRAPPED: &str = "/.usher/forward-auth";
const SIGN_IN: &str = "/.usher/sign-in";

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// A request inside the address of another one.
#[derive(Debug)]
pub(super) struct Wrapped {
    uri: Uri,
    /// A person waits for the answer, not a proxy.
    for_person: bool,
}

/// The request that `/.usher/forward-auth/…` or `/.usher/sign-in/…` holds; `None`: neither of the two.
pub(super) fn unwrap(uri: &Uri) -> Option<Wrapped> {
    let path_and_query = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let (rest, for_person) = match path_and_query.strip_prefix(WRAPPED) {
        Some(rest) => (rest, false),
        None => (path_and_query.strip_prefix(SIGN_IN)?, true),
    };
    if !rest.starts_with('/') {
        return None;
    }
    Some(Wrapped { uri: rest.parse().ok()?, for_person })
}

/// The request that another proxy asks about.
struct Original {
    method: Method,
    uri: Uri,
}

impl Original {
    /// What [`Asked`] needs to know of it.
    fn as_request(&self, headers: &HeaderMap) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        for name in ["sec-fetch-mode", "sec-fetch-dest", "accept"] {
            for value in headers.get_all(name) {
                request.headers_mut().append(HeaderName::from_static(name), value.clone());
            }
        }
        request
    }
}

impl Proxy {
    /// Answers `/forward-auth`: 2xx with every header that the app should get, or why not, in the words that the browser should get.
    pub async fn forward_auth(&self, request: &Request<Incoming>, peer: &Peer, id: &RequestId) -> Response<Body> {
        if !peer.trusted {
            return self.refuse(request, "", &Problem::NotFound, id);
        }
        let (host, original) = match read(request) {
            Ok(read) => read,
            Err(why) => return self.refuse_malformed(request, why, id),
        };
        match check_forwarded(host, &original.uri).map(|host| self.find_app(&host)) {
            Err(why) => self.refuse_malformed(request, why, id),
            Ok(None) => self.refuse(request, host, &Problem::UnknownHost, id),
            Ok(Some(app)) => self.judge_original(&app, original, request.headers(), id).await.unwrap_or_else(|response| *response),
        }
    }

    /// Answers `/.usher/forward-auth/…` and `/.usher/sign-in/…`.
    pub(super) async fn judge_wrapped(
        &self,
        app: &AppHost,
        request: &Request<Incoming>,
        wrapped: Wrapped,
        peer: &Peer,
        id: &RequestId,
    ) -> Response<Body> {
        if !peer.trusted || !wrapped.for_person && is_of_a_browser(request.headers()) {
            return self.refuse(request, &app.0.host, &Problem::NotFound, id);
        }
        let original = Original { method: request.method().clone(), uri: wrapped.uri };
        if let Err(why) = check_forwarded(&app.0.host, &original.uri) {
            return self.refuse_malformed(request, why, id);
        }
        let back = asks_again_safely(&original.method).then(|| original.uri.to_string());
        match self.judge_original(app, original, request.headers(), id).await {
            Ok(response) if !wrapped.for_person => response,
            // Signed in meanwhile, in another tab: the page that was asked for. What a form wanted is not done by a GET.
            Ok(_) => match back {
                Some(back) => see_other(&back),
                None => self.refuse(request, &app.0.host, &Problem::SignIn { login_url: format!("{}/login", self.issuer) }, id),
            },
            Err(response) => *response,
        }
    }

    async fn judge_original(
        &self,
        app: &AppHost,
        original: Original,
        headers: &HeaderMap,
        id: &RequestId,
    ) -> Result<Response<Body>, Box<Response<Body>>> {
        let route = &app.0;
        let path = original.uri.path();
        let passed = match self.pass_at_hand(route, path, headers) {
            Some(passed) => Ok(passed),
            None => Box::pin(self.pass(route, path, headers)).await,
        };
        let refusal = match passed {
            Ok(Some(_)) if opens_socket_from_elsewhere(headers, route) => Problem::CrossSite.into(),
            Ok(passed) => {
                route.counts.asked.add();
                return Ok(allowed(route, passed, headers));
            }
            Err(Passing::Refused(refusal)) => refusal,
            // `/.usher/` is answered by Usher, whatever stands before it; nothing there is for an app.
            Err(Passing::Own) => Problem::NotFound.into(),
        };
        let original = original.as_request(headers);
        let asked = Asked::new(&original, &route.host);
        let refusal = match refusal {
            Refusal::SignIn => match self.sign_in(route, &asked, headers) {
                Ok(redirect) => return Err(Box::new(redirect)),
                Err(refusal) => refusal,
            },
            other @ Refusal::Problem(_) => other,
        };
        Err(Box::new(self.refuse_as(route, refusal, &asked, id)))
    }
}

/// The description of a request. Said twice, it could be read in two ways; without a path nothing can be judged.
fn read(request: &Request<Incoming>) -> Result<(&str, Original), Malformed> {
    let headers = request.headers();
    let host = single(headers, &X_FORWARDED_HOST)?.ok_or(Malformed::Host)?;
    let uri = single(headers, &X_FORWARDED_URI)?.ok_or(Malformed::Target)?;
    // Path and query only: what looks like a whole address could hide another host.
    if !uri.starts_with('/') || uri.contains('#') {
        return Err(Malformed::Target);
    }
    let uri = uri.parse().map_err(|_| Malformed::Target)?;
    let method = match single(headers, &X_FORWARDED_METHOD)? {
        Some(method) => method.parse().map_err(|_| Malformed::Target)?,
        None => request.method().clone(),
    };
    Ok((host, Original { method, uri }))
}

/// Envoy's question names no client, and of a browser's own headers it has only those that its configuration lists. What has more came from a browser
/// behind the proxy, which must not read the app's token, even behind a proxy that does not say for whom it asks.
fn is_of_a_browser(headers: &HeaderMap) -> bool {
    ["x-forwarded-for", "forwarded", "via", "user-agent", "accept-encoding", "accept-language"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

fn asks_again_safely(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Malformed> {
    let mut lines = headers.get_all(name).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    match (line.to_str(), lines.next()) {
        (Ok(line), None) => Ok(Some(line)),
        _ => Err(Malformed::Target),
    }
}

/// A WebSocket that a page of another site opens comes with this site's cookies. `Sec-WebSocket-Key` reaches us where `Upgrade` does not.
fn opens_socket_from_elsewhere(headers: &HeaderMap, route: &Route) -> bool {
    let opens = headers.contains_key(header::SEC_WEBSOCKET_KEY) || headers.contains_key(header::UPGRADE);
    opens && !upgrade::is_same_origin(headers, route)
}

/// Yes: every reserved header, empty when unknown, so that a proxy which copies them leaves none of the client's own (Caddy CVE-2026-30851);
/// and the client's cookies without ours, for proxies that can set them.
fn allowed(route: &Route, passed: Passed, headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::full(bytes::Bytes::new()));
    let out = response.headers_mut();
    match passed {
        Some((_, introduction)) => out.extend(introduction.headers()),
        None => out.extend(introduce::nobody(route)),
    }
    let rest = cookie::without_ours(headers).unwrap_or_else(|| HeaderValue::from_static(""));
    out.insert(header::COOKIE, rest);
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn see_other(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::full(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(path).unwrap_or_else(|_| HeaderValue::from_static("/")));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_request_is_what_follows_the_prefix() {
        let unwrapped = |text: &str| unwrap(&text.parse().unwrap()).map(|wrapped| (wrapped.uri.to_string(), wrapped.for_person));
        assert_eq!(unwrapped("/.usher/forward-auth/a/b?c=d"), Some(("/a/b?c=d".to_owned(), false)));
        assert_eq!(unwrapped("/.usher/sign-in/"), Some(("/".to_owned(), true)));
        for other in ["/.usher/forward-auth", "/.usher/forward-authx/", "/.usher/forward-auth?x=/", "/.usher/me", "/"] {
            assert_eq!(unwrapped(other), None, "{other}");
        }
    }
}
