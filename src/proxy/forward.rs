//! The path of one request, top to bottom.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Asked, REQUEST_ID};
use super::body::{Download, Lasting, Progress, Tie, Upload, Watch};
use super::frames::Close;
use super::jwt::{IdentityKeys, JwtError};
use super::pass::{Passed, Passing};
use super::route::{Route, Routes};
use super::upgrade::Browser;
use super::upstream::{Answered, UpstreamError};
use super::{Body, Malformed, Pages, Peer, Problem, RequestId, clean, introduce, upgrade, watch};
use crate::clock::Clock;
use crate::config::Config;
use crate::core::{IncidentId, describe};
use crate::session::{Introduction, Session, SessionError, Sessions};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// An answer of at most so many bytes is short.
const MAX_SHORT: u64 = 64 * 1024;
/// About as many headers are ours: room for them is made once.
const OURS: usize = 16;

/// The reverse proxy: app hosts, and what it takes to answer for them.
#[derive(Debug)]
pub struct Proxy {
    pub(super) routes: Routes,
    pub(super) sessions: Arc<Sessions>,
    pub(super) keys: Arc<IdentityKeys>,
    pub(super) pages: Arc<dyn Pages>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) issuer: String,
    /// Cancelled when this node stops.
    pub(super) stopping: CancellationToken,
    /// The proxy of the configuration that came after this one.
    newer: OnceLock<Arc<Proxy>>,
}

/// One app's host.
#[derive(Debug, Clone)]
pub struct AppHost(pub(super) Arc<Route>);

/// Why a request does not reach the app.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Sign in first.
    SignIn,
    /// Anything else.
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Self {
        tracing::error!(error = describe(&error), "a session cannot be checked");
        Self::Problem(Problem::Unavailable)
    }
}

impl From<JwtError> for Refusal {
    fn from(error: JwtError) -> Self {
        tracing::error!(error = describe(&error), "an identity token cannot be signed");
        Self::Problem(Problem::Unavailable)
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        tracing::warn!(error = describe(&error), "an app gave no answer");
        Self::Problem(if matches!(error, UpstreamError::Busy) { Problem::Busy } else { Problem::BadGateway })
    }
}

impl Proxy {
    /// A proxy for the routes of a configuration.
    #[must_use]
    pub fn new(config: &Config, sessions: Arc<Sessions>, keys: Arc<IdentityKeys>, pages: Arc<dyn Pages>, clock: Arc<dyn Clock>) -> Self {
        let issuer = config.public_url.origin().ascii_serialization();
        let (stopping, newer) = (CancellationToken::new(), OnceLock::new());
        Self { routes: Routes::compile(config), sessions, keys, pages, clock, issuer, stopping, newer }
    }

    /// The same for a configuration that takes the place of another's: what ends with this node ends with both, and what both have is counted on.
    #[must_use]
    pub fn in_place_of(mut self, before: &Self) -> Self {
        self.stopping = before.stopping.clone();
        self.routes.count_on_from(&before.routes);
        self
    }

    /// From now on `newer` answers. What was opened here is judged by its routes, and so is everybody whom the routes of before let pass a moment ago.
    pub fn give_way_to(&self, newer: &Arc<Self>) {
        // Only the first one follows; the next one follows it.
        let _ = self.newer.set(Arc::clone(newer));
        self.sessions.forget_settings();
    }

    /// The one that answers now.
    pub(super) fn newest(self: &Arc<Self>) -> Arc<Self> {
        let mut newest = self;
        while let Some(newer) = newest.newer.get() {
            newest = newer;
        }
        Arc::clone(newest)
    }

    /// This node stops: open WebSockets are closed with 1001, event streams end. Requests go on.
    pub fn end_streams(&self) {
        self.stopping.cancel();
    }

    /// The app at a host, in lower case and without port.
    #[must_use]
    pub fn find_app(&self, host: &str) -> Option<AppHost> {
        self.routes.find(host).map(|route| AppHost(Arc::clone(route)))
    }

    /// An answer of Usher's own to a request that belongs to no app.
    #[must_use]
    pub fn refuse<B>(&self, request: &Request<B>, host: &str, problem: &Problem, id: &RequestId) -> Response<Body> {
        let asked = Asked::new(request, host);
        answer::respond(self.pages.as_ref(), problem, &asked, id, self.incident())
    }

    /// The answer for a request that could not be read in one way only.
    #[must_use]
    pub fn refuse_malformed<B>(&self, request: &Request<B>, why: Malformed, id: &RequestId) -> Response<Body> {
        self.refuse(request, "", &Problem::Malformed(why), id)
    }

    /// Answers one request for an app host: from the app, or why not. `app` is the host that [`super::Target::parse`] read from this very request.
    pub async fn answer(self: &Arc<Self>, request: Request<Incoming>, app: &AppHost, peer: &Peer, id: &RequestId) -> Response<Body> {
        let (route, started) = (&app.0, Instant::now());
        let asked = Asked::new(&request, &route.host);
        let passed = match self.pass_at_hand(route, request.uri().path(), request.headers()) {
            Some(passed) => Ok(passed),
            None => Box::pin(self.pass(route, request.uri().path(), request.headers())).await,
        };
        let result = match passed {
            Ok(passed) => {
                return match self.forward(route, request, passed, peer, id).await {
                    Ok(answer) => {
                        route.counts.passed.observe(started.elapsed());
                        answer
                    }
                    Err(refusal) => self.refuse_as(route, refusal, &asked, id),
                };
            }
            Err(Passing::Refused(refusal)) => Err(refusal),
            Err(Passing::Own) => Box::pin(self.answer_own(app, &request, peer, id)).await,
        };
        let result = match result {
            Err(Refusal::SignIn) => self.sign_in(route, &asked, request.headers()),
            other => other,
        };
        result.unwrap_or_else(|refusal| self.refuse_as(route, refusal, &asked, id))
    }

    pub(super) fn refuse_as(&self, route: &Route, refusal: Refusal, asked: &Asked<'_>, id: &RequestId) -> Response<Body> {
        let problem = match refusal {
            Refusal::Problem(problem) => problem,
            Refusal::SignIn => Problem::SignIn { login_url: format!("{}/login", self.issuer) },
        };
        route.counts.refused.add(problem.reason(), 1);
        answer::respond(self.pages.as_ref(), &problem, asked, id, self.incident())
    }

    fn incident(&self) -> Option<IncidentId> {
        crate::random::uuid(self.clock.now()).ok().map(IncidentId::from_uuid)
    }

    /// Sends a clean request to the app, and its answer back.
    async fn forward(
        self: &Arc<Self>,
        route: &Arc<Route>,
        request: Request<Incoming>,
        passed: Passed,
        peer: &Peer,
        id: &RequestId,
    ) -> Result<Response<Body>, Refusal> {
        let Prepared { outgoing, progress, browser } = self.prepare(route, request, &passed, peer, id)?;
        let session = passed.map(|(session, _)| session);
        let answered = match progress {
            None => tokio::time::timeout(route.idle_timeout, route.upstreams.send(outgoing)).await.map_err(|_| Problem::GatewayTimeout)?,
            Some(progress) => Box::pin(while_moving(route.idle_timeout, progress, route.upstreams.send(outgoing))).await?,
        }?;
        let switches = answered.response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switches || browser.is_some() || session.is_some() && is_event_stream(answered.response.headers()) {
            return Box::pin(self.pass_stream_on(route, answered, session, browser)).await;
        }
        let tie = match session {
            Some(session) if may_last(answered.response.body()) => self.tie(route, session),
            _ => Tie::None,
        };
        Ok(pass_on(route, answered, tie))
    }

    /// Ties an answer to the session that asked, in case it lasts.
    fn tie(self: &Arc<Self>, route: &Arc<Route>, session: Arc<Session>) -> Tie {
        let (proxy, route) = (Arc::clone(self), Arc::clone(route));
        Tie::Lasting(Box::new(Lasting::new(|| Box::pin(watch::until_ended(proxy, route, session)))))
    }

    fn prepare(
        &self,
        route: &Route,
        mut request: Request<Incoming>,
        passed: &Passed,
        peer: &Peer,
        id: &RequestId,
    ) -> Result<Prepared, Refusal> {
        let wants_socket = upgrade::is_asked(&request);
        if wants_socket && passed.is_some() && !upgrade::is_same_origin(request.headers(), route) {
            return Err(Problem::CrossSite.into());
        }
        let browser = wants_socket.then(|| Browser::of(&mut request));
        let (parts, incoming) = request.into_parts();
        let (upload, progress) = Upload::new(incoming, route.idle_timeout);
        let mut outgoing = Request::new(upload);
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = origin_form(parts.uri)?;
        *outgoing.version_mut() = Version::HTTP_11;
        *outgoing.headers_mut() = parts.headers;
        self.dress(route, outgoing.headers_mut(), passed.as_ref(), peer, id);
        if progress.is_some() && !outgoing.headers().contains_key(header::CONTENT_LENGTH) {
            // Said, because hyper drops the body of a GET whose length nobody says.
            outgoing.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if wants_socket {
            upgrade::ask(outgoing.headers_mut());
        }
        Ok(Prepared { outgoing, progress, browser })
    }

    /// Takes out what a client may not say, then says it ourselves: all of it, last.
    fn dress(
        &self,
        route: &Route,
        headers: &mut HeaderMap,
        passed: Option<&(Arc<Session>, Arc<Introduction>)>,
        peer: &Peer,
        id: &RequestId,
    ) {
        let forwarded_for = peer.forwarded_for(headers);
        clean::request(headers, &self.routes.reserved);
        headers.reserve(OURS);
        // The configured name, not the client's spelling of it: apps build links from it, and a foreign port would be one of them.
        headers.insert(header::HOST, route.authority.clone());
        headers.insert(X_FORWARDED_HOST, route.authority.clone());
        headers.insert(X_FORWARDED_FOR, forwarded_for);
        headers.insert(X_FORWARDED_PROTO, route.proto.clone());
        headers.insert(REQUEST_ID, id.header().clone());
        match passed {
            Some((_, introduction)) => headers.extend(introduction.headers()),
            None => headers.extend(introduce::nobody(route)),
        }
    }

    /// The answer to a request for a stream: registered with its session before its first byte goes out.
    async fn pass_stream_on(
        self: &Arc<Self>,
        route: &Arc<Route>,
        mut answered: Answered,
        session: Option<Arc<Session>>,
        browser: Option<Browser>,
    ) -> Result<Response<Body>, Refusal> {
        let switches = answered.response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let watch = match session {
            Some(session) if switches || is_event_stream(answered.response.headers()) => Some(self.watch(route, session).await?),
            None if switches => Some(self.watch_node()),
            _ => None,
        };
        if !switches {
            return Ok(pass_on(route, answered, watch.map_or(Tie::None, Tie::Events)));
        }
        // An app that switches without being asked is no HTTP server.
        let Some(browser) = browser else { return Err(Problem::BadGateway.into()) };
        let app = hyper::upgrade::on(&mut answered.response);
        tokio::spawn(upgrade::tunnel(browser, app, route.idle_timeout, watch));
        let mut response = answered.response.map(|_| Body::full(bytes::Bytes::new()));
        clean::answer(response.headers_mut());
        upgrade::ask(response.headers_mut());
        Ok(response)
    }

    /// For a socket without a session: it ends with this node only.
    fn watch_node(self: &Arc<Self>) -> Watch {
        let stopping = self.stopping.clone();
        Box::pin(async move {
            stopping.cancelled().await;
            Close::Node
        })
    }

    async fn watch(self: &Arc<Self>, route: &Arc<Route>, session: Arc<Session>) -> Result<Watch, Refusal> {
        let guard = self.sessions.register_stream(&session).await?.ok_or(Refusal::SignIn)?;
        Ok(Box::pin(watch::until_over(Arc::clone(self), Arc::clone(route), session, guard)))
    }
}

/// A request on its way out, and what is kept of it.
struct Prepared {
    outgoing: Request<Upload>,
    progress: Option<Arc<Progress>>,
    /// The browser's side, when it asked for a WebSocket.
    browser: Option<Browser>,
}

/// The app's answer, cleaned.
fn pass_on(route: &Route, answered: Answered, tie: Tie) -> Response<Body> {
    let Answered { mut response, lease } = answered;
    clean::answer(response.headers_mut());
    response.map(|incoming| Body::download(Download::new(incoming, route.idle_timeout, lease, tie)))
}

/// What was judged is what is sent: the same bytes, without scheme and host.
fn origin_form(uri: Uri) -> Result<Uri, Refusal> {
    if uri.authority().is_none() {
        return Ok(uri);
    }
    uri.into_parts().path_and_query.map(Uri::from).ok_or_else(|| Problem::Malformed(Malformed::Target).into())
}

/// Whether an answer may take long enough to outlive a session: its length is not known, or large.
fn may_last(body: &Incoming) -> bool {
    body.size_hint().exact().is_none_or(|length| length > MAX_SHORT)
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream")))
}

/// Waits for the head of an answer, as long as neither the upload nor the app is silent for longer than the route allows.
async fn while_moving<F: Future>(idle: Duration, progress: Arc<Progress>, answer: F) -> Result<F::Output, Problem> {
    let mut answer = std::pin::pin!(answer);
    loop {
        let deadline = progress.last() + idle;
        if let Ok(answer) = tokio::time::timeout_at(deadline, answer.as_mut()).await {
            return Ok(answer);
        }
        if progress.last() + idle <= Instant::now() {
            return Err(Problem::GatewayTimeout);
        }
    }
}
