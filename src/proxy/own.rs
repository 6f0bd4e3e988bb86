//! `/.usher/…` on an app host: never the app's.

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::answer::{Asked, Problem};
use super::forward::{AppHost, Proxy, Refusal};
use super::introduce::Identity;
use super::route::Route;
use super::{Body, Peer, RequestId, forward_auth};
use crate::core::MemberStatus;
use crate::session::{Cause, Entered, Selector, SessionKey, binding_of, cookie};

/// What every path of ours starts with.
const PREFIX: &str = "/.usher";
/// How long a browser may take to sign in, and so how long it keeps the nonce: as long as a login may take, and then some.
const NONCE_SECONDS: u32 = 3600;
const NONCE_LENGTH: usize = 43;

/// Whether a path is ours, in any spelling: an app never sees one.
pub(super) fn is_ours(path: &str) -> bool {
    let rest = match path.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => path.get(PREFIX.len()..).unwrap_or_default(),
        _ if path.contains('%') => {
            let decoded: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
            return decoded.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
                && matches!(decoded.get(PREFIX.len()), None | Some(b'/' | b';' | b'?'));
        }
        _ => return false,
    };
    rest.is_empty() || rest.starts_with(['/', ';', '%'])
}

impl Proxy {
    /// Answers a request for one of our own paths.
    pub(super) async fn answer_own(
        &self,
        app: &AppHost,
        request: &Request<Incoming>,
        peer: &Peer,
        id: &RequestId,
    ) -> Result<Response<Body>, Refusal> {
        let (route, uri, headers) = (&app.0, request.uri(), request.headers());
        if let Some(wrapped) = forward_auth::unwrap(uri) {
            return Ok(self.judge_wrapped(app, request, wrapped, peer, id).await);
        }
        match (uri.path(), request.method()) {
            ("/.usher/enter", &Method::GET) => self.enter(route, uri.query().unwrap_or_default(), headers).await,
            ("/.usher/me", &Method::GET) => self.me(route, headers).await,
            ("/.usher/logout", &Method::POST) => self.logout(route, headers).await,
            ("/.usher/enter" | "/.usher/me" | "/.usher/logout", _) => Err(Problem::MethodNotAllowed.into()),
            (asset, &Method::GET) if asset.starts_with("/.usher/assets/") => self.asset(asset),
            _ => Err(Problem::NotFound.into()),
        }
    }

    fn asset(&self, path: &str) -> Result<Response<Body>, Refusal> {
        let (headers, bytes) = self.pages.asset(path).ok_or(Problem::NotFound)?;
        let mut response = Response::new(Body::full(bytes));
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// `GET /.usher/enter?ticket=…`: takes the ticket, ends whatever session was here, and starts the new one under a new id.
    async fn enter(&self, route: &Route, query: &str, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let ticket = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ticket").map(|(_, value)| value);
        let nonce = cookie::find(headers, cookie::ENTER);
        let entered = self.sessions.take_ticket(ticket.as_deref().unwrap_or_default(), &route.origin, &route.host, nonce).await?;
        match entered {
            Entered::Started { token, path } => {
                let before = cookie::find(headers, cookie::SESSION).and_then(SessionKey::of);
                // Only a session of this very host: with one of the auth host would go everything.
                if let Some(before) = before
                    && let Some(session) = self.sessions.look(before).await?
                    && session.place().app_host() == Some(route.host.as_str())
                {
                    self.sessions.end_sessions(Selector::Session(before), Cause::Replaced).await?;
                }
                let mut response = redirect(StatusCode::SEE_OTHER, &path)?;
                response.headers_mut().extend(cookie::set(cookie::SESSION, &token, None).map(|line| (header::SET_COOKIE, line)));
                Ok(response)
            }
            Entered::OtherBrowser { path } => redirect(StatusCode::SEE_OTHER, &path),
            Entered::CookieMissing => Err(Problem::CookieMissing.into()),
            // The back button, or a bookmark of this address: the start page knows whether anyone is signed in.
            Entered::Unknown => redirect(StatusCode::SEE_OTHER, "/"),
        }
    }

    /// `GET /.usher/me`: who, role, seat.
    async fn me(&self, route: &Route, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let Some(session) = self.find_session(route, headers).await? else { return Err(Refusal::SignIn) };
        let row = self.find_member(route, &session).await?;
        let row = row.answer.filter(|row| row.member.status == MemberStatus::Active);
        let who = serde_json::to_vec(&Identity::new(route, &session, row.as_deref())).map_err(|_| Problem::Unavailable)?;
        let mut response = Response::new(Body::full(who.into()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// `POST /.usher/logout`: ends the session here, on the auth host, and on every other app host. Only this app's own pages may ask for it.
    async fn logout(&self, route: &Route, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        if !is_own_page(headers, route) {
            return Err(Problem::CrossSite.into());
        }
        if let Some(session) = self.find_session(route, headers).await? {
            let key = session.place().parent().unwrap_or(session.key());
            self.sessions.end_sessions(Selector::Session(key), Cause::Logout).await?;
            self.sessions.end_sessions(Selector::Session(session.key()), Cause::Logout).await?;
        }
        let mut response = redirect(StatusCode::SEE_OTHER, &format!("{}/signed-out", self.issuer))?;
        response.headers_mut().extend(cookie::set(cookie::SESSION, "", Some(0)).map(|line| (header::SET_COOKIE, line)));
        Ok(response)
    }

    /// Sends a person to sign in, with the deep link kept; anyone else gets a 401 that says where.
    pub(super) fn sign_in(&self, route: &Route, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let back = if asked.safe && !is_ours(asked.path_and_query()) { asked.path_and_query() } else { "/" };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", &format!("{}{back}", route.origin));
        if !asked.top_level {
            return Err(Problem::SignIn { login_url: format!("{}/login?{}", self.issuer, query.finish()) }.into());
        }
        // One nonce for all tabs: it is kept while it is there.
        let known = cookie::find(headers, cookie::ENTER)
            .filter(|nonce| nonce.len() == NONCE_LENGTH)
            .and_then(|nonce| std::str::from_utf8(nonce).ok());
        let nonce = match known {
            Some(nonce) => nonce.to_owned(),
            None => crate::random::token().map_err(|_| Problem::Unavailable)?,
        };
        query.append_pair("enter", &binding_of(nonce.as_bytes()));
        route.counts.refused.add("sign_in", 1);
        let mut response = redirect(StatusCode::FOUND, &format!("{}/login?{}", self.issuer, query.finish()))?;
        response.headers_mut().extend(cookie::set(cookie::ENTER, &nonce, Some(NONCE_SECONDS)).map(|line| (header::SET_COOKIE, line)));
        Ok(response)
    }
}

fn redirect(status: StatusCode, to: &str) -> Result<Response<Body>, Refusal> {
    let mut response = Response::new(Body::full(bytes::Bytes::new()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(to).map_err(|_| Problem::Unavailable)?);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `Sec-Fetch-Site` where there is one, else `Origin`; a request with neither comes from no page of ours.
fn is_own_page(headers: &HeaderMap, route: &Route) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() == route.origin.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_paths_are_ours_in_every_spelling() {
        for ours in ["/.usher", "/.usher/", "/.usher/me", "/.Usher/me", "/%2eusher/me", "/.%75sher/me", "/.usher;x/me", "/.usher%3Bx"] {
            assert!(is_ours(ours), "{ours}");
        }
        for theirs in ["/", "/.ushers", "/usher/me", "/a/.usher/me", "/%2eushers", "/.well-known/x"] {
            assert!(!is_ours(theirs), "{theirs}");
        }
    }
}
