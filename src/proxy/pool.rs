//! Idle connections to apps, one pool for each thread: taking and giving back costs no lock (performance.md, stack choice 2).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use super::body::Upload;

/// Node servers close idle connections after 5 s; whoever writes into that moment gets a reset. So ours are given up before.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections to one app that a thread keeps.
const CAPACITY: usize = 512;

/// A connection's sending half.
pub(super) type Sender = SendRequest<Upload>;

struct Idle {
    sender: Sender,
    since: Instant,
}

thread_local! {
    /// By the number of the upstream.
    static POOL: RefCell<Vec<VecDeque<Idle>>> = const { RefCell::new(Vec::new()) };
}

/// Takes a connection that can send at once, the one used last: it is the least likely to be dead.
pub(super) fn take(upstream: usize) -> Option<Sender> {
    let found = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        let idle = pool.get_mut(upstream)?;
        drop_old(idle, Instant::now());
        while let Some(last) = idle.pop_back() {
            if last.sender.is_ready() {
                return Some(last.sender);
            }
            if !last.sender.is_closed() {
                // Still sending the end of an upload that the app did not wait for: not for this request.
                let ready = idle.iter().rposition(|other| other.sender.is_ready());
                let other = ready.and_then(|at| idle.remove(at));
                idle.push_front(last);
                return other.map(|other| other.sender);
            }
        }
        None
    });
    found.ok().flatten()
}

/// Gives a connection back after its answer was read to the end.
pub(super) fn give(upstream: usize, sender: Sender) {
    if sender.is_closed() {
        return;
    }
    // Fails only while the thread ends.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() <= upstream {
            pool.resize_with(upstream + 1, VecDeque::new);
        }
        if let Some(idle) = pool.get_mut(upstream) {
            let now = Instant::now();
            drop_old(idle, now);
            if idle.len() < CAPACITY {
                idle.push_back(Idle { sender, since: now });
            }
        }
    });
}

fn drop_old(idle: &mut VecDeque<Idle>, now: Instant) {
    while idle.front().is_some_and(|first| now.duration_since(first.since) > IDLE) {
        idle.pop_front();
    }
}
