//! A server that has just failed is not asked again at once: whoever comes meanwhile is told so without waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long nobody asks after a failure; then one caller tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Open for a moment after each failure. Without it, everyone would wait for the time limit of a server that hangs.
#[derive(Debug)]
pub(super) struct Breaker {
    since: Instant,
    /// Milliseconds since `since`; 0: it works.
    closed_again_ms: AtomicU64,
}

/// The server failed a moment ago.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the server failed a moment ago, and is not asked again yet")]
pub(super) struct Open;

impl Default for Breaker {
    fn default() -> Self {
        Self { since: Instant::now(), closed_again_ms: AtomicU64::new(0) }
    }
}

impl Breaker {
    /// Whether to ask: always while it works, and after a failure one caller in each [`PAUSE`].
    pub(super) fn check(&self) -> Result<(), Open> {
        self.check_at(self.now_ms())
    }

    fn check_at(&self, now: u64) -> Result<(), Open> {
        let closed_again = self.closed_again_ms.load(Ordering::Relaxed);
        if closed_again == 0 {
            return Ok(());
        }
        let next = now + millis(PAUSE);
        let tries =
            now >= closed_again && self.closed_again_ms.compare_exchange(closed_again, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if tries { Ok(()) } else { Err(Open) }
    }

    /// The server answered, whatever it said.
    pub(super) fn works(&self) {
        if self.closed_again_ms.load(Ordering::Relaxed) != 0 {
            self.closed_again_ms.store(0, Ordering::Relaxed);
        }
    }

    /// The server could not be reached, or did not answer in time.
    pub(super) fn failed(&self) {
        self.failed_at(self.now_ms());
    }

    fn failed_at(&self, now: u64) {
        self.closed_again_ms.store(now + millis(PAUSE), Ordering::Relaxed);
    }

    fn now_ms(&self) -> u64 {
        millis(self.since.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_caller_tries_at_a_time() {
        let breaker = Breaker::default();
        assert!(breaker.check_at(0).is_ok() && breaker.check_at(0).is_ok());
        breaker.failed_at(1000);
        assert!(breaker.check_at(1499).is_err());
        assert!(breaker.check_at(1500).is_ok());
        assert!(breaker.check_at(1999).is_err(), "the first one has not come back yet");
        assert!(breaker.check_at(2000).is_ok(), "the first one never came back");
        breaker.works();
        assert!(breaker.check_at(2000).is_ok() && breaker.check_at(2000).is_ok());
    }
}
