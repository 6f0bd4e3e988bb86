//! Bodies, streamed both ways: nothing is collected, and the only limit is the longest silence between two pieces.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::frames::Close;
use super::upstream::Lease;

/// Whatever ends a body early.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The other side was silent for longer than the route allows.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no byte came for longer than the route's idle timeout")]
struct Silence;

/// A clock that starts when a body has nothing to give. Most bodies never need it.
#[derive(Debug)]
struct IdleClock {
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl IdleClock {
    const fn new(limit: Duration) -> Self {
        Self { limit, sleep: None, waiting: false }
    }

    const fn stop(&mut self) {
        self.waiting = false;
    }

    /// Ready when the silence is too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = || Instant::now() + self.limit;
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if !self.waiting {
                    sleep.as_mut().reset(deadline());
                }
                sleep
            }
            empty => empty.insert(Box::pin(sleep_until(deadline()))),
        };
        self.waiting = true;
        sleep.as_mut().poll(cx)
    }
}

/// How far an upload is: an app may be silent as long as it is being sent something.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    last_ms: AtomicU64,
}

impl Progress {
    fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), last_ms: AtomicU64::new(0) })
    }

    fn note(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
    }

    /// When a byte was last sent.
    pub(super) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }
}

/// A request body on its way to an app. Trailers are not passed on: they are headers that nobody checked.
#[derive(Debug)]
pub(super) struct Upload(Option<Box<Uploading>>);

#[derive(Debug)]
struct Uploading {
    incoming: Incoming,
    clock: IdleClock,
    progress: Arc<Progress>,
}

impl Upload {
    /// The body, and its progress if there is one to wait for.
    pub(super) fn new(incoming: Incoming, idle: Duration) -> (Self, Option<Arc<Progress>>) {
        if incoming.is_end_stream() {
            return (Self(None), None);
        }
        let progress = Progress::new();
        let uploading = Uploading { incoming, clock: IdleClock::new(idle), progress: Arc::clone(&progress) };
        (Self(Some(Box::new(uploading))), Some(progress))
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(upload) = &mut self.0 else { return Poll::Ready(None) };
        match Pin::new(&mut upload.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                upload.clock.stop();
                upload.progress.note();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(_) => {
                upload.progress.note();
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(upload.clock.poll_silence(cx));
                Poll::Ready(Some(Err(Silence.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|upload| upload.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |upload| upload.incoming.size_hint())
    }
}

/// Ends a stream: resolves when its session may not go on.
pub(super) type Watch = Pin<Box<dyn Future<Output = Close> + Send>>;

/// The session that asked for an answer is over.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the session is over")]
struct SessionOver;

/// How an answer is tied to the session that asked for it.
pub(super) enum Tie {
    /// It is not: nobody is signed in, or it is too short to matter.
    None,
    /// A stream of events, from its first byte on. When the session is over it comes to an orderly end: an `EventSource` then asks again, and gets its 401.
    Events(Watch),
    /// When it lasts. Then the session's end is a broken answer, because half a file must not look like a whole one.
    Lasting(Box<Lasting>),
}

/// An answer of which nobody knows yet whether it lasts: NDJSON, gRPC, a large file. It is watched after a second, or after so many pieces that come
/// without a pause; most are over before, and cost the session's table nothing.
pub(super) struct Lasting {
    begin: Option<Box<dyn FnOnce() -> Watch + Send>>,
    watch: Option<Watch>,
    pieces: usize,
    soon: Option<Pin<Box<Sleep>>>,
}

impl Lasting {
    const SOON: Duration = Duration::from_secs(1);
    const MANY: usize = 64;

    pub(super) fn new(begin: impl FnOnce() -> Watch + Send + 'static) -> Self {
        Self { begin: Some(Box::new(begin)), watch: None, pieces: 0, soon: None }
    }

    /// Ready when the session is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let soon = self.soon.as_mut().is_some_and(|soon| soon.as_mut().poll(cx).is_ready());
        if (soon || self.pieces > Self::MANY)
            && let Some(begin) = self.begin.take()
        {
            (self.watch, self.soon) = (Some(begin()), None);
        }
        self.watch.as_mut().map_or(Poll::Pending, |watch| watch.as_mut().poll(cx).map(|_| ()))
    }

    /// Nothing more comes now: who waits looks at the clock.
    fn wait(&mut self, cx: &mut Context<'_>) {
        if self.begin.is_some() && self.soon.is_none() {
            // Asked once, so that it wakes us.
            let _ = self.soon.insert(Box::pin(sleep(Self::SOON))).as_mut().poll(cx);
        }
    }
}

impl Tie {
    /// Ready when the session is over: the body then ends in this way.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<BoxError>> {
        match self {
            Self::None => Poll::Pending,
            Self::Events(watch) => watch.as_mut().poll(cx).map(|_| None),
            Self::Lasting(lasting) => lasting.poll(cx).map(|()| Some(SessionOver.into())),
        }
    }
}

/// An answer of an app on its way to the browser.
pub(super) struct Download {
    incoming: Incoming,
    clock: IdleClock,
    lease: Option<Lease>,
    tie: Tie,
}

impl Download {
    pub(super) fn new(incoming: Incoming, idle: Duration, lease: Lease, tie: Tie) -> Self {
        let mut download = Self { incoming, clock: IdleClock::new(idle), lease: Some(lease), tie };
        download.give_back_at_end();
        download
    }

    fn give_back_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(end) = self.tie.poll(cx) {
            self.tie = Tie::None;
            self.lease = None;
            return Poll::Ready(end.map(Err));
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.clock.stop();
                if let Tie::Lasting(lasting) = &mut self.tie {
                    lasting.pieces += 1;
                }
                // Nothing follows trailers, and nobody asks again after them.
                if frame.is_trailers() {
                    self.give_back();
                } else {
                    self.give_back_at_end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.lease = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.give_back();
                Poll::Ready(None)
            }
            Poll::Pending => {
                if let Tie::Lasting(lasting) = &mut self.tie {
                    lasting.wait(cx);
                }
                ready!(self.clock.poll_silence(cx));
                self.lease = None;
                Poll::Ready(Some(Err(Silence.into())))
            }
        }
    }
}

/// The body of an answer on an app host.
pub struct Body(Kind);

enum Kind {
    Full(Full<Bytes>),
    Download(Download),
}

impl Body {
    /// A body that is there already.
    #[must_use]
    pub fn full(bytes: Bytes) -> Self {
        Self(Kind::Full(Full::new(bytes)))
    }

    pub(super) const fn download(download: Download) -> Self {
        Self(Kind::Download(download))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Kind::Full(_) => "Body::full",
            Kind::Download(_) => "Body::download",
        })
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Full(full) => Pin::new(full).poll_frame(cx).map_err(Into::into),
            Kind::Download(download) => download.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(full) => full.is_end_stream(),
            Kind::Download(download) => download.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(full) => full.size_hint(),
            Kind::Download(download) => download.incoming.size_hint(),
        }
    }
}
