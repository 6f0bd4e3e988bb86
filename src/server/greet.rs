//! One connection: which protocol it speaks, and when it ends.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::connections::{LOOK_EVERY, Link, Order};
use super::{Body, Live};
use crate::proxy::{BoxError, Peer, Place};

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;
/// The protocols in the words of TLS.
pub(super) const HTTP2: &[u8] = b"h2";
pub(super) const HTTP1: &[u8] = b"http/1.1";

/// One connection from its first byte on. What it needs is boxed by kind, or an idle one of HTTP/1 would keep room for TLS and HTTP/2.
pub(super) async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>, service: Service) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return match is_http1(&stream, &service.link).await {
            Some(true) => serve_http1(stream, service).await,
            Some(false) => serve_any(stream, service).await,
            None => {}
        };
    };
    match Box::pin(tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream))).await.map(|shaken| shaken.map(Box::new)) {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP2) => serve_any(stream, service).await,
        Ok(Ok(stream)) => serve_http1(stream, service).await,
        Ok(Err(error)) => tracing::debug!(error = &error as &dyn std::error::Error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Whether the first bytes can only be HTTP/1: those of HTTP/2 are `PRI` (RFC 9113 3.4). `None`: there is nothing to serve.
async fn is_http1(stream: &TcpStream, link: &Link) -> Option<bool> {
    let mut bytes = [0; 3];
    let mut start = ReadBuf::new(&mut bytes);
    let read = std::future::poll_fn(|cx| match link.order(cx.waker()) {
        Order::Run => stream.poll_peek(cx, &mut start).map(Result::ok),
        Order::Finish | Order::Cut => Poll::Ready(None),
    });
    read.await.map(|length| !b"PRI".starts_with(bytes.get(..length).unwrap_or_default()))
}

/// HTTP/1 without a look for anything else: hyper-util reads the first bytes apart from the others, and hyper then keeps a buffer of twice the size.
async fn serve_http1<S>(stream: S, service: Service)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let link = Arc::clone(&service.link);
    let service = service_fn(move |request| service.answer(request));
    let connection = http1().serve_connection(TokioIo::new(stream), service).with_upgrades();
    obey(&link, Box::pin(connection), http1::UpgradeableConnection::graceful_shutdown).await;
}

/// HTTP/2, or HTTP/1 after all.
async fn serve_any<S>(stream: S, service: Service)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let link = Arc::clone(&service.link);
    let service = service_fn(move |request| service.answer(request));
    let connection = any().serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    obey(&link, Box::pin(connection), auto::UpgradeableConnection::graceful_shutdown).await;
}

/// No timeout of hyper's own: it would start a timer for every request, where `Connections` looks at all of them now and then. No limit of ours on header
/// lines: hyper's is 100, and with another one it would ask for memory twice for every request.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(MAX_HEAD);
    builder
}

fn any() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(LOOK_EVERY)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX));
    builder
}

/// Serves until the connection ends, or its thread wants it to.
async fn obey<C, E>(link: &Link, mut connection: Pin<Box<C>>, finish: impl Fn(Pin<&mut C>))
where
    C: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    let mut finishing = false;
    let ended = std::future::poll_fn(|cx| {
        match link.order(cx.waker()) {
            Order::Run => {}
            Order::Finish if finishing => {}
            Order::Finish => {
                finishing = true;
                finish(connection.as_mut());
            }
            Order::Cut => return Poll::Ready(Ok(())),
        }
        connection.as_mut().poll(cx)
    });
    if let Err(error) = ended.await {
        tracing::debug!(error = &*error.into(), "a connection ended");
    }
}

/// What answers the requests of one connection.
pub(super) struct Service {
    pub(super) live: Arc<ArcSwap<Live>>,
    pub(super) peer: Arc<Peer>,
    pub(super) link: Arc<Link>,
    /// What the thread waits for before it ends.
    pub(super) running: TaskTracker,
}

impl Service {
    /// Boxed, because hyper keeps room for it as long as the connection lives.
    fn answer(&self, mut request: Request<Incoming>) -> Pin<Box<impl Future<Output = Result<Response<Body>, Infallible>> + use<>>> {
        let (live, peer, open) = (self.live.load_full(), Arc::clone(&self.peer), self.link.open());
        if request.headers().contains_key(header::UPGRADE) {
            request.extensions_mut().insert(Place::new((self.link.open(), self.running.token())));
        }
        Box::pin(async move {
            #[cfg(feature = "otel")]
            let (request, span) = crate::traces::begin(request);
            let response = live.dispatch.answer(request, &peer, open).await;
            #[cfg(feature = "otel")]
            span.end(&response);
            Ok(response)
        })
    }
}
