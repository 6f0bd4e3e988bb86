//! WebSocket connections (RFC 6455): checked like any request, then two streams of bytes that end with the session.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::body::Watch;
use super::route::Route;

/// Bytes copied at a time.
const BUFFER: usize = 16 * 1024;

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
pub(super) async fn tunnel(browser: OnUpgrade, app: OnUpgrade, idle: Duration, watch: Option<Watch>) {
    let (Ok(browser), Ok(app)) = tokio::join!(browser, app) else { return };
    let (browser_read, browser_write) = tokio::io::split(TokioIo::new(browser));
    let (app_read, app_write) = tokio::io::split(TokioIo::new(app));
    let activity = Arc::new(tokio::sync::Notify::new());
    let both = async { tokio::join!(copy(browser_read, app_write, &activity), copy(app_read, browser_write, &activity)) };
    let silent = async { while tokio::time::timeout(idle, activity.notified()).await.is_ok() {} };
    let over = async {
        match watch {
            Some(watch) => watch.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = pin!(both) => {}
        () = pin!(silent) => {}
        () = pin!(over) => {}
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, activity: &tokio::sync::Notify) -> std::io::Result<()> {
    let mut buffer = bytes::BytesMut::with_capacity(BUFFER);
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
