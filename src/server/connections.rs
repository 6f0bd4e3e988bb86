//! The connections of one thread: who is silent, who has to finish, and how many there are.
//!
//! One look at all of them every few seconds takes the place of a timer for each: a timer that is set and unset with every request costs more than the
//! session check does.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use crate::proxy::Peer;

/// A connection without a request is cut when it was silent from one look to the next: after 15 to 30 s. A head that takes longer than that to arrive is
/// silence too (slow loris).
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Connections of one thread; more wait to be accepted.
const MAX_CONNECTIONS: usize = 16_384;
/// Connections of one address on one thread: half of all, so that one stranger cannot take every place; whoever has one IPv6 address has the other
/// 2^64 of its network. Trusted proxies stand for many.
const MAX_OF_ONE_ADDRESS: usize = MAX_CONNECTIONS / 2;

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
    /// The next answer is the last one.
    last: AtomicBool,
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

impl OpenRequest {
    /// Whether its connection ends with it.
    pub(super) fn is_last(&self) -> bool {
        self.0.last.load(Ordering::Relaxed)
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All connections of a thread.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: Vec<Known>,
    /// The node stops soon.
    last: bool,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection, as its thread knows it.
#[derive(Debug)]
struct Known {
    link: Arc<Link>,
    address: IpAddr,
    /// Requests begun until the last look.
    seen: Option<u32>,
}

impl Connections {
    /// Takes a connection in; `None` when its address has too many already.
    pub(super) fn add(&mut self, peer: &Peer) -> Option<Arc<Link>> {
        let address = network(peer.address.ip());
        if !peer.trusted && self.of(address) >= MAX_OF_ONE_ADDRESS {
            self.forget_closed();
            if self.of(address) >= MAX_OF_ONE_ADDRESS {
                return None;
            }
        }
        let link = Arc::new(Link { last: AtomicBool::new(self.last), ..Link::default() });
        *self.by_address.entry(address).or_default() += 1;
        self.all.push(Known { link: Arc::clone(&link), address, seen: None });
        Some(link)
    }

    fn of(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).copied().unwrap_or_default()
    }

    /// Whether one more may be accepted.
    pub(super) fn has_room(&mut self) -> bool {
        if self.all.len() >= MAX_CONNECTIONS {
            self.forget_closed();
        }
        self.all.len() < MAX_CONNECTIONS
    }

    /// Cuts every connection that has no request and began none since the last look.
    pub(super) fn cut_silent(&mut self) {
        self.forget_closed();
        for Known { link, seen, .. } in &mut self.all {
            let begun = link.begun.load(Ordering::Relaxed);
            if *seen == Some(begun) && link.open.load(Ordering::Relaxed) == 0 {
                link.give(Order::Cut);
            }
            *seen = Some(begun);
        }
    }

    /// From now on every connection ends with its next answer, also those to come: whoever asks again asks another node.
    pub(super) fn say_last(&mut self) {
        self.last = true;
        self.all.iter().for_each(|known| known.link.last.store(true, Ordering::Relaxed));
    }

    /// Whether that was said.
    pub(super) const fn is_last(&self) -> bool {
        self.last
    }

    /// Tells every connection to answer what is open and then close.
    pub(super) fn finish(&self) {
        self.all.iter().for_each(|known| known.link.give(Order::Finish));
    }

    fn forget_closed(&mut self) {
        let by_address = &mut self.by_address;
        self.all.retain(|known| {
            let open = Arc::strong_count(&known.link) > 1;
            if !open && let Some(count) = by_address.get_mut(&known.address) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    by_address.remove(&known.address);
                }
            }
            open
        });
    }
}

/// The first address of the network that one client has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & u128::MAX << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use ipnet::{IpNet, Ipv4Net};

    use super::*;

    fn order(link: &Link) -> Order {
        link.order(Waker::noop())
    }

    fn peer(number: u32, trusted: bool) -> Peer {
        let address = SocketAddr::from((Ipv4Addr::from(number), 1));
        Peer::new(address, if trusted { &ALL } else { &[] })
    }

    const ALL: [IpNet; 1] = [IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0))];

    fn add(connections: &mut Connections) -> Arc<Link> {
        connections.add(&peer(1, false)).unwrap()
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let mut connections = Connections::default();
        let links: Vec<_> = (0..MAX_OF_ONE_ADDRESS).map(|_| add(&mut connections)).collect();
        assert!(connections.add(&peer(1, false)).is_none());
        assert!(connections.add(&peer(2, false)).is_some(), "others come in");
        assert!(connections.add(&peer(1, true)).is_some(), "a trusted proxy stands for many");
        drop(links);
        assert!(connections.add(&peer(1, false)).is_some(), "and so does the same one, with fewer");
    }

    #[test]
    fn the_addresses_of_one_network_are_one_client() {
        let mut connections = Connections::default();
        let mut from = |host: usize| {
            let address = SocketAddr::from((Ipv6Addr::from_bits(0x2001_0db8 << 96 | host as u128), 1));
            connections.add(&Peer::new(address, &[]))
        };
        let links: Vec<_> = (0..MAX_OF_ONE_ADDRESS).map(|host| from(host).unwrap()).collect();
        assert!(from(MAX_OF_ONE_ADDRESS).is_none());
        assert!(from(1 << 63).is_none());
        drop(links);
    }

    #[test]
    fn a_connection_that_asks_nothing_is_cut_at_the_second_look() {
        let mut connections = Connections::default();
        let silent = add(&mut connections);
        connections.cut_silent();
        assert_eq!(order(&silent), Order::Run);
        connections.cut_silent();
        assert_eq!(order(&silent), Order::Cut);
    }

    #[test]
    fn a_connection_that_asks_or_is_being_answered_is_kept() {
        let mut connections = Connections::default();
        let (busy, streaming) = (add(&mut connections), add(&mut connections));
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
    fn a_connection_that_became_a_socket_counts_until_the_socket_ends() {
        let mut connections = Connections::default();
        let link = add(&mut connections);
        let socket = link.open();
        drop(link);
        for _ in 0..3 {
            connections.cut_silent();
        }
        assert_eq!(connections.of(network(peer(1, false).address.ip())), 1);
        drop(socket);
        connections.cut_silent();
        assert_eq!(connections.of(network(peer(1, false).address.ip())), 0);
    }

    #[test]
    fn closed_connections_make_room() {
        let mut connections = Connections::default();
        let numbers = 0..u32::try_from(MAX_CONNECTIONS).unwrap();
        let links: Vec<_> = numbers.map(|number| connections.add(&peer(number, false)).unwrap()).collect();
        assert!(!connections.has_room());
        drop(links);
        assert!(connections.has_room());
    }
}
