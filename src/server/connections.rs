//! The connections of one thread: who is silent, who has to finish, and how many there are.
//!
//! One look at all of them every few seconds takes the place of a timer for each: a timer that is set and unset with every request costs more than the
//! session check does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

/// A connection without a request is cut when it was silent from one look to the next: after 15 to 30 s. A head that takes longer than that to arrive is
/// silence too (slow loris).
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Connections of one thread; more wait to be accepted.
const MAX_CONNECTIONS: usize = 16_384;

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Run,
    /// Answer what is open, then close.
    Finish,
    /// Close.
    Cut,
}

/// What a connection and its thread know of each other.
#[derive(Debug, Default)]
pub(super) struct Link {
    order: AtomicU8,
    waker: AtomicWaker,
    /// Requests ever begun.
    begun: AtomicU32,
    /// Requests whose answer is not out yet.
    open: AtomicU32,
}

impl Link {
    /// The order in force; `waker` is woken when it changes.
    pub(super) fn order(&self, waker: &Waker) -> Order {
        self.waker.register(waker);
        match self.order.load(Ordering::Acquire) {
            0 => Order::Run,
            1 => Order::Finish,
            _ => Order::Cut,
        }
    }

    fn give(&self, order: Order) {
        self.order.store(order as u8, Ordering::Release);
        self.waker.wake();
    }

    /// Notes a request, until what is returned is dropped.
    pub(super) fn open(self: &Arc<Self>) -> OpenRequest {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenRequest(Arc::clone(self))
    }
}

/// A request whose answer is not out yet.
#[derive(Debug)]
pub(super) struct OpenRequest(Arc<Link>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All connections of a thread.
#[derive(Debug, Default)]
pub(super) struct Connections(Vec<(Arc<Link>, Option<u32>)>);

impl Connections {
    pub(super) fn add(&mut self) -> Arc<Link> {
        let link = Arc::new(Link::default());
        self.0.push((Arc::clone(&link), None));
        link
    }

    /// Whether one more may be accepted.
    pub(super) fn has_room(&mut self) -> bool {
        if self.0.len() >= MAX_CONNECTIONS {
            self.forget_closed();
        }
        self.0.len() < MAX_CONNECTIONS
    }

    /// Cuts every connection that has no request and began none since the last look.
    pub(super) fn cut_silent(&mut self) {
        self.forget_closed();
        for (link, seen) in &mut self.0 {
            let begun = link.begun.load(Ordering::Relaxed);
            if *seen == Some(begun) && link.open.load(Ordering::Relaxed) == 0 {
                link.give(Order::Cut);
            }
            *seen = Some(begun);
        }
    }

    /// Tells every connection to answer what is open and then close.
    pub(super) fn finish(&self) {
        self.0.iter().for_each(|(link, _)| link.give(Order::Finish));
    }

    fn forget_closed(&mut self) {
        self.0.retain(|(link, _)| Arc::strong_count(link) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(link: &Link) -> Order {
        link.order(Waker::noop())
    }

    #[test]
    fn a_connection_that_asks_nothing_is_cut_at_the_second_look() {
        let mut connections = Connections::default();
        let silent = connections.add();
        connections.cut_silent();
        assert_eq!(order(&silent), Order::Run);
        connections.cut_silent();
        assert_eq!(order(&silent), Order::Cut);
    }

    #[test]
    fn a_connection_that_asks_or_is_being_answered_is_kept() {
        let mut connections = Connections::default();
        let (busy, streaming) = (connections.add(), connections.add());
        let open = streaming.open();
        for _ in 0..3 {
            drop(busy.open());
            connections.cut_silent();
        }
        assert_eq!((order(&busy), order(&streaming)), (Order::Run, Order::Run));
        drop(open);
        connections.cut_silent();
        assert_eq!(order(&streaming), Order::Cut);
    }

    #[test]
    fn closed_connections_make_room() {
        let mut connections = Connections::default();
        let links: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connections.add()).collect();
        assert!(!connections.has_room());
        drop(links);
        assert!(connections.has_room());
    }
}
