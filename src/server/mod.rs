//! The public listener: one single-threaded runtime for each core, each with its own socket on the same port, so that a request never changes its core
//! and the pools of connections to apps need no lock (performance.md, stack choice 2).
//!
//! A handler that computes for long (XML, signatures) blocks its core: such work belongs into `spawn_blocking`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use ipnet::IpNet;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::Instrument as _;

mod connections;
mod greet;
mod pulse;
mod small;

use connections::{Connections, LOOK_EVERY, OpenRequest};
use greet::{HTTP1, HTTP2, Service, greet};

pub use pulse::Pulse;
pub use small::serve_small;

pub use crate::proxy::RequestId;
use crate::proxy::{self, AppHost, BoxError, FORWARD_AUTH, Peer, Problem, Proxy, REQUEST_ID, Target};

/// How long a page of ours may take to read its request and answer.
const PAGE_TIMEOUT: Duration = Duration::from_mins(1);
const BACKLOG: i32 = 1024;

/// Where and how to listen, for as long as the process lives.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Threads, each with its own runtime; at least one.
    pub threads: usize,
    /// How long it goes on after the stop signal, so that whoever sends requests here can notice it.
    pub delay: Duration,
    /// How long open requests may take after that.
    pub grace: Duration,
}

/// What may be replaced while it listens: new connections take the certificate and the trusted proxies of that moment, and every request takes the
/// routes and pages of that moment.
#[derive(Debug)]
pub struct Live {
    /// Who answers for which host.
    pub dispatch: Dispatch,
    /// TLS, from [`tls_config`]; `None` behind a TLS proxy or on loopback.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Peers whose `X-Forwarded-*` are believed; empty: nobody's.
    pub trusted_proxies: Vec<IpNet>,
}

/// Who answers for which host.
#[derive(Debug)]
pub struct Dispatch {
    /// App hosts.
    pub proxy: Arc<Proxy>,
    /// The auth host, lower case, without port, and its pages; the demo has its provider's host here too.
    /// A request carries `ConnectInfo<SocketAddr>` (the client's address) and [`RequestId`] among its extensions.
    pub hosts: BTreeMap<String, axum::Router>,
}

/// A running listener.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
    pulse: Pulse,
}

impl Serving {
    /// Where it listens, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether its threads still turn.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Waits until every thread has stopped: after the shutdown signal and at most the grace.
    pub async fn finished(self) {
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joined.await;
    }
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates are not PEM.
    #[error("the certificate chain cannot be read")]
    Certificate(#[source] rustls::pki_types::pem::Error),
    /// The key is not PEM.
    #[error("the key cannot be read")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// They do not belong together, or are of a kind that is not supported.
    #[error("certificate and key cannot be used together")]
    Unfit(#[from] rustls::Error),
}

/// TLS from a certificate chain (leaf first) and its key, both PEM, with HTTP/2 and HTTP/1.1.
///
/// # Errors
/// What is wrong with either, or that they do not belong together.
pub fn tls_config(certificate: &str, key: &str) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(TlsError::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(TlsError::Key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    Ok(Arc::new(config))
}

/// Binds the address and starts the threads; returns when every one listens.
///
/// # Errors
/// The address is taken or not ours, or a thread cannot run.
pub fn start(listen: &Listen, live: &Arc<ArcSwap<Live>>, shutdown: &CancellationToken) -> io::Result<Serving> {
    let threads = listen.threads.max(1);
    // Sockets that share a port would also share it with another Usher of the same user. So the port is first taken alone.
    let address = bind(listen.address, false)?.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let sockets = (0..threads).map(|_| bind(address, true)).collect::<io::Result<Vec<_>>>()?;
    let (all_listen, all_live, all_shutdown) = (listen.clone(), Arc::clone(live), shutdown.clone());
    let run = move |(runtime, listener)| run(runtime, listener, &all_listen, &all_live, &all_shutdown);
    let (threads, handles) = start_together(sockets, prepare, run)?;
    Ok(Serving { address, threads, pulse: Pulse { threads: handles, shutdown: shutdown.clone() } })
}

/// One thread for each socket. They run when all are prepared; when one cannot be, none runs, and their sockets are closed.
fn start_together<P, H: Send + 'static>(
    sockets: Vec<Socket>,
    prepare: impl Fn(Socket) -> io::Result<(H, P)> + Clone + Send + 'static,
    run: impl Fn(P) + Clone + Send + 'static,
) -> io::Result<(Vec<JoinHandle<()>>, Vec<H>)> {
    let (tell, told) = mpsc::channel();
    let (mut threads, mut starts, count) = (Vec::new(), Vec::new(), sockets.len());
    for (number, socket) in sockets.into_iter().enumerate() {
        let (tell, prepare, run, (start, may_start)) = (tell.clone(), prepare.clone(), run.clone(), mpsc::channel::<()>());
        let thread = std::thread::Builder::new().name(format!("serve-{number}")).spawn(move || match prepare(socket) {
            Ok((handle, prepared)) => {
                let _ = tell.send(Ok(handle));
                drop(tell);
                // Nobody says it: another one could not be prepared.
                if may_start.recv().is_ok() {
                    run(prepared);
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        });
        threads.push(thread?);
        starts.push(start);
    }
    // From here on only the threads can tell, so that one that panics is not waited for.
    drop(tell);
    let prepared = told
        .iter()
        .collect::<io::Result<Vec<_>>>()
        .and_then(|handles| if handles.len() == count { Ok(handles) } else { Err(io::Error::other("a thread could not be prepared")) });
    if prepared.is_ok() {
        for start in starts {
            let _ = start.send(());
        }
    } else {
        drop(starts);
        threads.drain(..).for_each(|thread| drop(thread.join()));
    }
    Ok((threads, prepared?))
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    if shared {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

/// The runtime of this thread, with its listener.
fn prepare(socket: Socket) -> io::Result<(Handle, (Runtime, TcpListener))> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(async { TcpListener::from_std(socket.into()) })?;
    Ok((runtime.handle().clone(), (runtime, listener)))
}

fn run(runtime: Runtime, listener: TcpListener, listen: &Listen, live: &Arc<ArcSwap<Live>>, shutdown: &CancellationToken) {
    runtime.block_on(accept(listener, listen, live, shutdown));
    // Streams that outlived the grace are cut here.
    runtime.shutdown_background();
}

async fn accept(listener: TcpListener, listen: &Listen, live: &Arc<ArcSwap<Live>>, shutdown: &CancellationToken) {
    let connections = TaskTracker::new();
    let mut open = Connections::default();
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut stopped = pin!(shutdown.cancelled().then(|()| tokio::time::sleep(listen.delay)));
    loop {
        let (stream, address) = tokio::select! {
            () = shutdown.cancelled(), if !open.is_last() => {
                open.say_last();
                continue;
            }
            () = &mut stopped => break,
            _ = look.tick() => {
                open.cut_silent();
                continue;
            }
            accepted = listener.accept(), if open.has_room() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a client that left: neither goes away by asking at once.
                    tracing::debug!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            },
        };
        let now = live.load();
        let peer = Peer::new(address, &now.trusted_proxies);
        // Too many of one address: closed without a word, like a socket that nobody listens on.
        let Some(link) = open.add(&peer) else { continue };
        let tls = now.tls.clone().map(TlsAcceptor::from);
        let service = Service { live: Arc::clone(live), peer: Arc::new(peer), link, running: connections.clone() };
        connections.spawn(greet(stream, tls, service));
    }
    drop(listener);
    open.finish();
    connections.close();
    let _ = tokio::time::timeout(listen.grace, connections.wait()).await;
}

impl Dispatch {
    /// One request, to whoever answers for its host. Every answer carries the request's id.
    async fn answer(&self, request: Request<Incoming>, peer: &Peer, open: OpenRequest) -> Response<Body> {
        let id = RequestId::new();
        // hyper reads a request with both lengths by its chunks and takes the other away, and what follows may be what somebody before us took for
        // the body. So nothing that follows is read (RFC 9112 6.1).
        let mut is_last = open.is_last() || request.headers().contains_key(header::TRANSFER_ENCODING);
        let is_http1 = request.version() < Version::HTTP_2;
        let whose = Target::parse(request.method(), request.uri(), request.version(), request.headers())
            .map(|target| self.find(&target.host, request.uri().path(), peer));
        // And nothing that follows what could not be read.
        is_last |= whose.is_err();
        let mut response = match whose {
            Err(why) => self.proxy.refuse_malformed(&request, why, &id).map(Kind::Proxy),
            // Each boxed, so that none is as large as the largest.
            Ok(Whose::App(app)) => Box::pin(self.proxy.answer(request, &app, peer, &id)).await.map(Kind::Proxy),
            Ok(Whose::OtherProxy) => Box::pin(self.proxy.forward_auth(&request, peer, &id)).await.map(Kind::Proxy),
            Ok(Whose::Pages(pages)) => Box::pin(page(pages, request, peer, &id)).await,
            Ok(Whose::Nobody(host)) => self.proxy.refuse(&request, &host, &Problem::UnknownHost, &id).map(Kind::Proxy),
        };
        response.headers_mut().insert(REQUEST_ID, id.header().clone());
        if is_last && is_http1 && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(|kind| Body { kind, _open: open })
    }

    fn find(&self, host: &str, path: &str, peer: &Peer) -> Whose {
        if let Some(app) = self.proxy.find_app(host) {
            return Whose::App(app);
        }
        match self.hosts.get(host) {
            // Before the pages: another proxy asks for every one of its requests.
            Some(_) if path == FORWARD_AUTH => Whose::OtherProxy,
            Some(pages) => Whose::Pages(pages.clone()),
            // Traefik asks under the name by which its configuration reaches us, an address or a container's name, and can be told no other.
            None if path == FORWARD_AUTH && peer.trusted => Whose::OtherProxy,
            None => Whose::Nobody(host.to_owned()),
        }
    }
}

/// Who answers a request.
enum Whose {
    App(AppHost),
    /// Another proxy asks whether a request may pass.
    OtherProxy,
    Pages(axum::Router),
    Nobody(String),
}

async fn page(pages: axum::Router, request: Request<Incoming>, peer: &Peer, id: &RequestId) -> Response<Kind> {
    let client = SocketAddr::new(peer.client(request.headers()), peer.address.port());
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(client));
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", request.id = %id);
    match tokio::time::timeout(PAGE_TIMEOUT, pages.oneshot(request).instrument(span)).await {
        Ok(Ok(response)) => response.map(Kind::Page),
        Ok(Err(never)) => match never {},
        Err(_) => {
            let mut response = Response::new(Kind::Page(axum::body::Body::empty()));
            *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
            response
        }
    }
}

/// The body of any answer. As long as it is there, its connection is not idle.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    _open: OpenRequest,
}

#[derive(Debug)]
enum Kind {
    /// From an app, or about one.
    Proxy(proxy::Body),
    /// From a page of the auth host.
    Page(axum::body::Body),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().kind {
            Kind::Proxy(body) => Pin::new(body).poll_frame(cx),
            Kind::Page(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Proxy(body) => body.is_end_stream(),
            Kind::Page(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Proxy(body) => body.size_hint(),
            Kind::Page(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Starts three threads, the second of which does what is asked; whether somebody listens afterwards, and how many ran.
    fn start_three(second: impl Fn() -> io::Result<()> + Clone + Send + 'static) -> (io::Result<()>, bool, usize) {
        let address = bind(([127, 0, 0, 1], 0).into(), false).unwrap().local_addr().unwrap().as_socket().unwrap();
        let sockets: Vec<_> = (0..3).map(|_| bind(address, true).unwrap()).collect();
        let (prepared, ran) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let (prepared, runs) = (Arc::new(prepared), Arc::clone(&ran));
        let prepare = move |socket| {
            if prepared.fetch_add(1, Ordering::SeqCst) == 1 {
                second()?;
            }
            Ok(((), socket))
        };
        let run = move |_socket: Socket| {
            runs.fetch_add(1, Ordering::SeqCst);
        };
        let started =
            start_together(sockets, prepare, run).map(|(threads, _)| threads.into_iter().for_each(|thread| thread.join().unwrap()));
        (started, std::net::TcpStream::connect(address).is_ok(), ran.load(Ordering::SeqCst))
    }

    #[test]
    fn when_one_thread_cannot_be_prepared_none_listens() {
        let (started, listens, ran) = start_three(|| Err(io::ErrorKind::OutOfMemory.into()));
        assert_eq!((started.unwrap_err().kind(), listens, ran), (io::ErrorKind::OutOfMemory, false, 0));
        let (started, listens, ran) = start_three(|| panic!("on purpose"));
        assert_eq!((started.is_err(), listens, ran), (true, false, 0));
        let (started, _, ran) = start_three(|| Ok(()));
        assert_eq!((started.is_ok(), ran), (true, 3));
    }
}
