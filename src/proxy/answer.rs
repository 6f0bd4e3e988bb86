//! Every answer that is Usher's own on an app host: a page for people, problem+json (RFC 9457) for programs.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use serde::Serialize;

use super::{Body, Malformed, RequestId};
use crate::core::IncidentId;

/// The header with the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// What a 503 asks to wait.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Why Usher answers instead of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// 400: the request can be read in more than one way.
    Malformed(Malformed),
    /// 421: no app and no page has this host.
    UnknownHost,
    /// 404: nothing is here, below `/.usher/`.
    NotFound,
    /// 405: not with this method.
    MethodNotAllowed,
    /// 401: nobody is signed in, and this request cannot be sent to sign in by itself (a program, a form, a frame).
    SignIn {
        /// Where a person signs in and comes back.
        login_url: String,
    },
    /// 403: signed in, and not allowed.
    Denied(super::decide::Denial),
    /// 403: another site sent this.
    CrossSite,
    /// 400: the browser did not return the cookie that it was given on its way to sign in.
    CookieMissing,
    /// 502: the app does not answer, or not with HTTP.
    BadGateway,
    /// 503: too many requests wait for the app.
    Busy,
    /// 504: the app was silent for too long.
    GatewayTimeout,
    /// 503: a store of ours is down. Nobody is signed out by it.
    Unavailable,
}

impl Problem {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::CookieMissing => StatusCode::BAD_REQUEST,
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::SignIn { .. } => StatusCode::UNAUTHORIZED,
            Self::Denied(_) | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code for programs and logs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(why) => why.into(),
            Self::UnknownHost => "unknown_host",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::SignIn { .. } => "sign_in",
            Self::Denied(denial) => denial.code(),
            Self::CrossSite => "cross_site",
            Self::CookieMissing => "cookie_missing",
            Self::BadGateway => "app_unreachable",
            Self::Busy => "app_busy",
            Self::GatewayTimeout => "app_silent",
            Self::Unavailable => "unavailable",
        }
    }

    /// One plain sentence.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "This request cannot be understood.",
            Self::UnknownHost => "There is no app at this address.",
            Self::NotFound => "There is nothing here.",
            Self::MethodNotAllowed => "This address does not take this kind of request.",
            Self::SignIn { .. } => "Please sign in to go on.",
            Self::Denied(denial) => denial.sentence(),
            Self::CrossSite => "This request came from another site.",
            Self::CookieMissing => "Your browser did not keep our cookie, so we cannot sign you in. Please allow cookies for this site.",
            Self::BadGateway => "The app does not answer right now. You are still signed in.",
            Self::Busy => "The app is busy right now. You are still signed in.",
            Self::GatewayTimeout => "The app took too long to answer. You are still signed in.",
            Self::Unavailable => "We cannot check your access right now. You are still signed in; please try again in a moment.",
        }
    }

    fn is_fault_of_ours(&self) -> bool {
        self.status().is_server_error()
    }
}

/// What a page is made from.
#[derive(Debug)]
pub struct Page<'a> {
    /// What happened.
    pub problem: &'a Problem,
    /// The app's host, as it was asked for.
    pub host: &'a str,
    /// The path that was asked for, where asking again does no harm.
    pub retry_path: Option<&'a str>,
    /// The reference that leads to the log line.
    pub incident: Option<IncidentId>,
}

/// How pages look. The proxy knows what happened, not how it is shown.
pub trait Pages: std::fmt::Debug + Send + Sync + 'static {
    /// A page with the headers it needs (content type, content security policy). Status and request id are set by the proxy.
    fn render(&self, page: &Page<'_>) -> (HeaderMap, Bytes);

    /// What a page loads (style sheet, icons), by its path on the app host: `/.usher/assets/…`.
    fn asset(&self, path: &str) -> Option<(HeaderMap, Bytes)>;
}

/// Pages without any style: one sentence and the reference.
#[derive(Debug, Clone, Copy)]
pub struct PlainPages;

impl Pages for PlainPages {
    fn render(&self, page: &Page<'_>) -> (HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        let link = match page.problem {
            Problem::SignIn { login_url } => {
                format!("<p><a href=\"{}\">Sign in</a></p>", login_url.replace('&', "&amp;").replace('"', "&quot;"))
            }
            _ => String::new(),
        };
        let reference = page.incident.map(|incident| format!("<p>Reference: {incident}</p>")).unwrap_or_default();
        let sentence = page.problem.sentence();
        let html = format!("<!doctype html><html lang=\"en\"><title>{sentence}</title><p>{sentence}</p>{link}{reference}</html>");
        (headers, html.into())
    }

    fn asset(&self, _path: &str) -> Option<(HeaderMap, Bytes)> {
        None
    }
}

/// What of a request decides the form of an answer; kept before the request is consumed.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    /// Cloning it copies no text.
    uri: Uri,
    pub(super) safe: bool,
    /// A person looks at the answer in a tab of its own.
    pub(super) top_level: bool,
    /// A person looks at the answer somewhere.
    pub(super) page: bool,
}

impl<'a> Asked<'a> {
    /// `Sec-Fetch-*` first, because a script cannot forge them; `Accept` for browsers that do not send them (oauth2-proxy #1522).
    pub(super) fn new<B>(request: &Request<B>, host: &'a str) -> Self {
        let (method, headers) = (request.method(), request.headers());
        let value = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
        let safe = *method == Method::GET || *method == Method::HEAD;
        let accepts_html =
            || headers.get_all(header::ACCEPT).iter().any(|accept| accept.as_bytes().windows(9).any(|part| part == b"text/html"));
        let page = value(SEC_FETCH_MODE).map_or_else(accepts_html, |mode| mode == b"navigate");
        let in_a_tab = || value(SEC_FETCH_DEST).is_none_or(|destination| destination == b"document");
        Self { host, uri: request.uri().clone(), safe, top_level: page && safe && in_a_tab(), page }
    }

    /// What was asked for, without scheme and host.
    pub(super) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }
}

/// Writes the answer and one log line under its incident id.
pub(super) fn respond(
    pages: &dyn Pages,
    problem: &Problem,
    asked: &Asked<'_>,
    id: &RequestId,
    incident: Option<IncidentId>,
) -> Response<Body> {
    let status = problem.status();
    let incident_text = incident.map(|incident| incident.to_string());
    let reason = problem.reason();
    if problem.is_fault_of_ours() {
        tracing::warn!(incident.id = incident_text, request.id = %id, deny.reason = reason, route.host = asked.host, "request failed");
    } else {
        tracing::info!(incident.id = incident_text, request.id = %id, deny.reason = reason, route.host = asked.host, "request refused");
    }
    let (mut headers, body) = if asked.page {
        let retry_path = asked.safe.then_some(asked.path_and_query());
        pages.render(&Page { problem, host: asked.host, retry_path, incident })
    } else {
        json(problem, id, incident_text.as_deref())
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    match problem {
        Problem::Unavailable | Problem::Busy => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))),
        // RFC 9110 15.5.2: a 401 names a way to authenticate. No browser knows this one, so none asks for a password.
        Problem::SignIn { .. } => drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Usher"))),
        _ => {}
    }
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// RFC 9457, with what a program needs to act on it.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    reason: &'static str,
    request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_url: Option<&'a str>,
}

fn json(problem: &Problem, id: &RequestId, incident: Option<&str>) -> (HeaderMap, Bytes) {
    let login_url = match problem {
        Problem::SignIn { login_url } => Some(login_url.as_str()),
        _ => None,
    };
    let document = Document {
        r#type: "about:blank",
        title: problem.sentence(),
        status: problem.status().as_u16(),
        reason: problem.reason(),
        request: id.to_string(),
        incident,
        login_url,
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    (headers, serde_json::to_vec(&document).unwrap_or_default().into())
}
