//! Ports for servers that have to be told theirs before they listen.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range from which the system takes ports for itself, so that nothing takes one between its choice and its use.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;
/// Tests run in processes of their own, side by side: each has its own stretch.
const STRETCH: u32 = 32;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port on 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> u16 {
    for _ in 0..COUNT {
        let number = std::process::id().wrapping_mul(STRETCH).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free")
}
