//! How much of what people send is in memory at once. A body is collected before anybody knows who sent it, so its bytes count from the moment they come
//! until the request is answered: for the network that sends them, and for all together.
//!
//! Bytes that came, not bytes that were announced: to take room from others, somebody has to send it, and again every few seconds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// Bytes of one network; a whole company posts from one address at nine o'clock, a few ten thousand bytes each, and each for a few milliseconds.
const OF_ONE_NETWORK: usize = 16 * 1024 * 1024;
/// Bytes of all.
const OF_ALL: usize = 128 * 1024 * 1024;
/// How long a body may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// The bodies that are in memory.
#[derive(Debug)]
pub(super) struct Bodies {
    of_one: usize,
    deadline: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

impl Bodies {
    /// Room for bodies, each of which may have `max_body` bytes.
    pub(super) fn new(max_body: usize) -> Arc<Self> {
        Arc::new(Self { of_one: OF_ONE_NETWORK.max(max_body), deadline: DEADLINE, held: Mutex::default() })
    }

    /// Room that is shared with whoever else counts by these; `no_room` answers where there is none.
    pub(super) fn or(self: &Arc<Self>, no_room: fn() -> Response) -> Counting {
        Counting { bodies: Arc::clone(self), no_room }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one request holds; given back when the last of it is dropped.
#[derive(Debug)]
struct Share {
    bodies: Arc<Bodies>,
    network: IpAddr,
    state: Mutex<ShareState>,
}

#[derive(Debug, Default)]
struct ShareState {
    held: usize,
    refused: bool,
    /// All of it was read.
    whole: bool,
}

impl Share {
    fn state(&self) -> MutexGuard<'_, ShareState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for so many bytes more.
    fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let (mut state, mut all) = (self.state(), self.bodies.held());
        let of_network = all.by_network.get(&self.network).copied().unwrap_or_default();
        if of_network + bytes > self.bodies.of_one || all.all + bytes > OF_ALL {
            state.refused = true;
            return Err(NoRoom);
        }
        state.held += bytes;
        all.all += bytes;
        all.by_network.insert(self.network, of_network + bytes);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let held = self.state().held;
        let mut all = self.bodies.held();
        all.all = all.all.saturating_sub(held);
        if let Some(of_network) = all.by_network.get_mut(&self.network) {
            *of_network = of_network.saturating_sub(held);
            if *of_network == 0 {
                all.by_network.remove(&self.network);
            }
        }
    }
}

/// Why a body ends early.
#[derive(Debug, thiserror::Error)]
#[error("too much is being sent")]
struct NoRoom;

#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
struct TooSlow;

/// A body that is counted as it comes.
struct Counted {
    body: Body,
    share: Arc<Share>,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let taken = self.share.take(length).map(|()| frame);
                self.share.state().whole = self.body.is_end_stream();
                Poll::Ready(Some(taken.map_err(Into::into)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.share.state().whole = true;
                Poll::Ready(None)
            }
            Poll::Pending => self.deadline.as_mut().poll(cx).map(|()| Some(Err(TooSlow.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What [`count`] counts by, and what is answered where there is no room: a page, or a problem document.
#[derive(Debug, Clone)]
pub(super) struct Counting {
    bodies: Arc<Bodies>,
    no_room: fn() -> Response,
}

/// Counts the body of a request until it is answered.
pub(super) async fn count(State(counting): State<Counting>, request: Request, next: Next) -> Response {
    let Counting { bodies, no_room } = counting;
    // Without an address there is nobody to count: only a test calls the router by itself.
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let Some(address) = address.filter(|_| !request.body().is_end_stream()) else { return next.run(request).await };
    let is_http1 = request.version() < Version::HTTP_2;
    let deadline = bodies.deadline;
    let share = Arc::new(Share { bodies, network: network(address), state: Mutex::default() });
    let counted = |body| Body::new(Counted { body, share: Arc::clone(&share), deadline: Box::pin(sleep(deadline)) });
    let response = next.run(request.map(counted)).await;
    let ShareState { refused, whole, .. } = *share.state();
    let mut response = if refused { no_room() } else { response };
    // What is left of it stands where the next request would: said, so that nobody sends one (RFC 9112 9.6).
    if !whole && is_http1 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What one sender has: an address, or the 2^80 of an IPv6 network as sites get them (RFC 6177), or else 65,536 networks of one site would each have room.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & u128::MAX << 80).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use futures_util::stream::{self, Stream, StreamExt as _};
    use tower::ServiceExt as _;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);

    /// What is answered to a body that may take so long, and comes like this.
    async fn answer_to(deadline: Duration, body: impl Stream<Item = &'static str> + Send + 'static) -> Response {
        let bodies = Arc::new(Bodies { of_one: OF_ONE_NETWORK, deadline, held: Mutex::default() });
        let router = Router::new().route("/", post(|body: String| async { body }));
        let router = router.layer(from_fn_with_state(bodies.or(Response::default), count));
        let mut request = Request::post("/").body(Body::from_stream(body.map(Ok::<_, NoRoom>))).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4000))));
        let answer = tokio::time::timeout(Duration::from_secs(10), router.oneshot(request)).await.expect("it is held for ever").unwrap();
        assert_eq!(bodies.held().all, 0, "its room is there again");
        answer
    }

    /// A byte that comes at such a distance that none is ever late.
    async fn drip((): ()) -> Option<(&'static str, ())> {
        sleep(Duration::from_millis(5)).await;
        Some(("x", ()))
    }

    #[tokio::test]
    async fn a_body_that_drips_is_given_up_however_steadily_it_comes() {
        let answer = answer_to(SOON, stream::unfold((), drip)).await;
        assert!(answer.status().is_client_error(), "{answer:?}");
        assert_eq!(answer.headers()[header::CONNECTION], "close", "what is left of it is no next request");
    }

    #[tokio::test]
    async fn a_body_that_stops_half_way_is_given_up() {
        let answer = answer_to(SOON, stream::iter(["half"]).chain(stream::pending())).await;
        assert!(answer.status().is_client_error(), "{answer:?}");
        assert_eq!(answer.headers()[header::CONNECTION], "close");
    }

    #[tokio::test]
    async fn a_body_that_takes_a_while_is_read() {
        let answer = answer_to(DEADLINE, stream::unfold((), drip).take(3)).await;
        assert_eq!((answer.status(), answer.headers().get(header::CONNECTION)), (StatusCode::OK, None));
    }

    fn share(bodies: &Arc<Bodies>, address: &str) -> Share {
        Share { bodies: Arc::clone(bodies), network: network(address.parse().unwrap()), state: Mutex::default() }
    }

    #[test]
    fn a_network_has_its_room_and_all_have_theirs() {
        let bodies = Bodies::new(0);
        let first = share(&bodies, "2001:db8:1:2::1");
        first.take(OF_ONE_NETWORK).unwrap();
        assert!(share(&bodies, "2001:db8:1:ffff::9").take(1).is_err(), "another network of the same site");
        let others: Vec<_> = (1..OF_ALL / OF_ONE_NETWORK).map(|number| share(&bodies, &format!("192.0.2.{number}"))).collect();
        for other in &others {
            other.take(OF_ONE_NETWORK).unwrap();
        }
        assert!(share(&bodies, "198.51.100.1").take(1).is_err(), "all together");
        drop(others);
        share(&bodies, "198.51.100.1").take(OF_ONE_NETWORK).unwrap();
        drop(first);
        let held = bodies.held();
        assert_eq!((held.all, held.by_network.len()), (0, 0));
    }

    #[test]
    fn a_body_that_may_be_sent_finds_room() {
        share(&Bodies::new(2 * OF_ONE_NETWORK), "192.0.2.1").take(2 * OF_ONE_NETWORK).unwrap();
    }
}
