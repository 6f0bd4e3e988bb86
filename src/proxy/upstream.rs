//! To an app and back: which upstream, which connection, and when to try again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::body::Upload;
use super::pool::{self, Sender};
use crate::core::describe;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests that one upstream gets at a time.
const MAX_REQUESTS: usize = 8192;
/// Requests that wait beyond that, and for how long.
const MAX_WAITING: usize = 1024;
const MAX_WAIT: Duration = Duration::from_secs(5);
/// What is read from an app at once, in bytes, and so the largest head of an answer. hyper itself would take three times as much.
const MAX_READ: usize = 128 * 1024;

/// Why an app gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    #[error("the app cannot be reached")]
    Connect(#[source] io::Error),
    #[error("the app broke off")]
    Lost(#[source] hyper::Error),
    #[error("too many requests wait for the app")]
    Busy,
}

static NUMBERS: AtomicUsize = AtomicUsize::new(0);

/// One server of an app.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Its place in the pools.
    number: usize,
    host: String,
    port: u16,
    requests: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A connection in use: goes back to the pool when the answer was read to its end, and is closed otherwise.
#[derive(Debug)]
pub(super) struct Lease {
    upstream: Arc<Upstream>,
    sender: Sender,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn give_back(self) {
        pool::give(self.upstream.number, self.sender);
    }
}

/// An answer and the connection that it comes through.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
}

impl Upstream {
    fn new(url: &Url) -> Self {
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            host: url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            waiting: AtomicUsize::new(0),
        }
    }

    async fn permit(self: &Arc<Self>) -> Result<OwnedSemaphorePermit, UpstreamError> {
        if let Ok(permit) = Arc::clone(&self.requests).try_acquire_owned() {
            return Ok(permit);
        }
        let waiting = Waiting::new(self)?;
        let permit = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.requests).acquire_owned()).await;
        drop(waiting);
        permit.ok().and_then(Result::ok).ok_or(UpstreamError::Busy)
    }

    async fn ready(self: &Arc<Self>) -> Result<Ready, UpstreamError> {
        let permit = self.permit().await?;
        Ok(Ready { upstream: Arc::clone(self), permit, sender: self.connect().await? })
    }

    async fn connect(&self) -> Result<Sender, UpstreamError> {
        let connecting = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            http1::Builder::new().max_buf_size(MAX_READ).handshake(TokioIo::new(stream)).await.map_err(io::Error::other)
        };
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
        let (sender, connection) = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(UpstreamError::Connect)?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(error = describe(&error), "a connection to an app ended");
            }
        });
        Ok(sender)
    }
}

/// One place in the queue, left when dropped: also when the client goes away while it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(upstream: &'a Upstream) -> Result<Self, UpstreamError> {
        let place = Self(&upstream.waiting);
        if upstream.waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING { Ok(place) } else { Err(UpstreamError::Busy) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The servers of one app, in turn.
#[derive(Debug)]
pub(super) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    turn: AtomicUsize,
}

impl Upstreams {
    pub(super) fn new(urls: &[Url]) -> Self {
        Self { all: urls.iter().map(|url| Arc::new(Upstream::new(url))).collect(), turn: AtomicUsize::new(0) }
    }

    /// Each upstream's address, and how many requests it has now.
    pub(super) fn report(&self) -> Vec<(String, usize)> {
        let open = |upstream: &Upstream| MAX_REQUESTS.saturating_sub(upstream.requests.available_permits());
        self.all.iter().map(|upstream| (format!("{}:{}", upstream.host, upstream.port), open(upstream))).collect()
    }

    /// Sends a request to the next server. A request comes back from a connection that died before a byte of it was written, and only such a
    /// request is sent again: an app never gets one twice.
    pub(super) async fn send(&self, request: Request<Upload>) -> Result<Answered, UpstreamError> {
        // Everything that may have to wait is boxed: it would be carried around with every request that need not.
        let turn = if self.all.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let Some(Ready { upstream, permit, mut sender }) = self.at_hand(turn) else {
            return Box::pin(self.connect_and_send(turn, request)).await;
        };
        match sender.try_send_request(request).await {
            Ok(response) => Ok(Answered { response, lease: Lease { upstream, sender, _permit: permit } }),
            Err(mut failed) => match failed.take_message() {
                Some(unsent) => Box::pin(self.connect_and_send(turn, unsent)).await,
                None => Err(UpstreamError::Lost(failed.into_error())),
            },
        }
    }

    /// A free connection to the server whose turn it is.
    fn at_hand(&self, turn: usize) -> Option<Ready> {
        let upstream = self.all.get(turn % self.all.len())?;
        let permit = Arc::clone(&upstream.requests).try_acquire_owned().ok()?;
        let sender = pool::take(upstream.number)?;
        Some(Ready { upstream: Arc::clone(upstream), permit, sender })
    }

    /// Sends on a new connection. A server that cannot be connected to is passed over: nothing was sent to it.
    async fn connect_and_send(&self, turn: usize, request: Request<Upload>) -> Result<Answered, UpstreamError> {
        let mut last = UpstreamError::Connect(io::ErrorKind::NotFound.into());
        for step in 0..self.all.len() {
            let Some(upstream) = self.all.get(turn.wrapping_add(step) % self.all.len()) else { continue };
            match upstream.ready().await {
                Ok(Ready { upstream, permit, mut sender }) => {
                    let response = sender.send_request(request).await.map_err(UpstreamError::Lost)?;
                    return Ok(Answered { response, lease: Lease { upstream, sender, _permit: permit } });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// A connection that nobody else uses.
struct Ready {
    upstream: Arc<Upstream>,
    permit: OwnedSemaphorePermit,
    sender: Sender,
}
