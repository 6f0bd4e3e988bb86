//! WebSocket connections (RFC 6455): checked like any request, then two streams of bytes that end with the session.

use std::any::Any;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::body::Watch;
use super::frames::{Close, Frames};
use super::route::Route;

/// What a tunnel keeps for as long as it lives. Whoever listens puts it among the extensions of a request that may become one, because hyper takes a
/// connection for ended once it was switched: it would count no more, and nobody would wait for it.
#[derive(Clone)]
pub struct Place(#[expect(dead_code, reason = "it is held, and dropped")] Arc<dyn Any + Send + Sync>);

impl Place {
    /// Keeps `place` until the tunnel has ended, or the request was answered in another way.
    pub fn new(place: impl Any + Send + Sync) -> Self {
        Self(Arc::new(place))
    }
}

/// The browser's side of a socket to be.
pub(super) struct Browser {
    socket: OnUpgrade,
    place: Option<Place>,
}

impl Browser {
    pub(super) fn of<B>(request: &mut Request<B>) -> Self {
        let place = request.extensions_mut().remove();
        Self { socket: hyper::upgrade::on(request), place }
    }
}

/// Bytes copied at a time.
const BUFFER: usize = 16 * 1024;
/// How long the last frame of an app may take when its socket is closed by us.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Whether a request asks for a WebSocket. Other protocols are not switched to: nobody here could judge what they carry.
pub(super) fn is_asked<B>(request: &Request<B>) -> bool {
    let has = |name: &header::HeaderName, token: &[u8]| {
        let lines = request.headers().get_all(name).iter();
        lines.flat_map(|line| line.as_bytes().split(|&b| b == b',')).any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
    };
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.headers().contains_key(header::UPGRADE)
        && has(&header::CONNECTION, b"upgrade")
        && has(&header::UPGRADE, b"websocket")
}

/// Whether the page that opens the socket is of this app. Browsers send cookies with any site's sockets, and no CORS rule stops them; programs send no origin.
pub(super) fn is_same_origin(headers: &HeaderMap, route: &Route) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin.as_bytes() == route.origin.as_bytes(),
        (Some(_), Some(_)) => false,
    }
}

/// Sets the two headers that ask the app to switch.
pub(super) fn ask(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Copies both ways until one side closes, is silent for too long, or the session is over.
pub(super) async fn tunnel(browser: Browser, app: OnUpgrade, idle: Duration, watch: Option<Watch>) {
    let Browser { socket, place: _place } = browser;
    let (Ok(browser), Ok(app)) = tokio::join!(socket, app) else { return };
    let (browser_read, mut browser_write) = tokio::io::split(TokioIo::new(browser));
    let (mut app_read, app_write) = tokio::io::split(TokioIo::new(app));
    let activity = tokio::sync::Notify::new();
    let mut over = pin!(async {
        match watch {
            Some(watch) => watch.await,
            None => std::future::pending().await,
        }
    });
    let both = async {
        let mut up = pin!(copy(browser_read, app_write, &activity));
        let ended = {
            let mut down = pin!(copy_frames(&mut app_read, &mut browser_write, &activity, over.as_mut()));
            tokio::select! {
                ended = &mut down => ended,
                _ = &mut up => return drop(down.await),
            }
        };
        // An app that says nothing more may still listen: as long as the session is there.
        if matches!(ended, Ok(Ended::ByApp)) {
            tokio::select! {
                _ = up => {}
                _ = over => {}
            }
        }
    };
    let silent = async { while tokio::time::timeout(idle, activity.notified()).await.is_ok() {} };
    tokio::select! {
        () = pin!(both) => {}
        () = pin!(silent) => {}
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, activity: &tokio::sync::Notify) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(BUFFER);
    loop {
        buffer.clear();
        buffer.reserve(BUFFER);
        if from.read_buf(&mut buffer).await? == 0 {
            return to.shutdown().await;
        }
        activity.notify_one();
        to.write_all(&buffer).await?;
    }
}

/// How the app's side of a socket ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// The app said nothing more; the browser may still.
    ByApp,
    /// We closed it.
    ByUs,
}

/// Copies what the app sends, and closes the socket with a frame of our own when `over` says so.
async fn copy_frames(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    activity: &tokio::sync::Notify,
    mut over: Pin<&mut impl Future<Output = Close>>,
) -> io::Result<Ended> {
    let mut frames = Frames::new();
    let mut buffer = BytesMut::with_capacity(BUFFER);
    loop {
        buffer.clear();
        buffer.reserve(BUFFER);
        let read = tokio::select! {
            biased;
            close = &mut over => {
                // A frame that never ends, or a browser that never reads, is cut.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, say_close(from, to, frames, close)).await;
                return Ok(Ended::ByUs);
            }
            read = from.read_buf(&mut buffer) => read?,
        };
        if read == 0 {
            to.shutdown().await?;
            return Ok(Ended::ByApp);
        }
        activity.notify_one();
        frames.pass(&buffer);
        tokio::select! {
            biased;
            // Nobody knows how much of it went out, so nothing can follow it.
            _ = &mut over => return Ok(Ended::ByUs),
            written = to.write_all(&buffer) => written?,
        }
    }
}

/// Lets the frame end that is under way, and sends ours.
async fn say_close(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut frames: Frames,
    close: Close,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(BUFFER);
    while !frames.is_between() {
        buffer.clear();
        buffer.reserve(BUFFER);
        if from.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let rest = buffer.get(..frames.rest_of_frame(&buffer)).unwrap_or_default();
        to.write_all(rest).await?;
        frames.pass(rest);
    }
    to.write_all(close.frame()).await?;
    to.shutdown().await
}
