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
    /// When it last answered.
    worked_ms: AtomicU64,
}

/// When a caller was let through, in milliseconds since the breaker was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(u64);

/// The server failed a moment ago.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the server failed a moment ago, and is not asked again yet")]
pub(super) struct Open;

impl Default for Breaker {
    fn default() -> Self {
        Self { since: Instant::now(), closed_again_ms: AtomicU64::new(0), worked_ms: AtomicU64::new(0) }
    }
}

impl Breaker {
    /// Whether to ask: always while it works, and after a failure one caller in each [`PAUSE`].
    pub(super) fn check(&self) -> Result<Asked, Open> {
        self.check_at(self.now_ms())
    }

    fn check_at(&self, now: u64) -> Result<Asked, Open> {
        let closed_again = self.closed_again_ms.load(Ordering::Relaxed);
        if closed_again == 0 {
            return Ok(Asked(now));
        }
        let next = now + millis(PAUSE);
        let tries =
            now >= closed_again && self.closed_again_ms.compare_exchange(closed_again, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if tries { Ok(Asked(now)) } else { Err(Open) }
    }

    /// The server answered, whatever it said.
    pub(super) fn works(&self) {
        self.works_at(self.now_ms());
    }

    fn works_at(&self, now: u64) {
        // Written once in a millisecond, by whoever comes first: all threads look at it.
        if self.worked_ms.load(Ordering::Relaxed) < now {
            // Never back, whoever came first and looks last.
            self.worked_ms.fetch_max(now, Ordering::Relaxed);
        }
        if self.closed_again_ms.load(Ordering::Relaxed) != 0 {
            self.closed_again_ms.store(0, Ordering::Relaxed);
        }
    }

    /// The server could not be reached, or did not answer in time. Says nothing when somebody else got an answer meanwhile: then it was the server of before
    /// that did not answer, or one connection of many.
    pub(super) fn failed(&self, asked: Asked) {
        self.failed_at(asked, self.now_ms());
    }

    fn failed_at(&self, Asked(asked): Asked, now: u64) {
        if self.worked_ms.load(Ordering::Relaxed) <= asked {
            self.closed_again_ms.store(now + millis(PAUSE), Ordering::Relaxed);
        }
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
        breaker.failed_at(Asked(900), 1000);
        assert!(breaker.check_at(1499).is_err());
        assert!(breaker.check_at(1500).is_ok());
        assert!(breaker.check_at(1999).is_err(), "the first one has not come back yet");
        assert!(breaker.check_at(2000).is_ok(), "the first one never came back");
        breaker.works();
        assert!(breaker.check_at(2000).is_ok() && breaker.check_at(2000).is_ok());
    }

    #[test]
    fn a_failure_of_before_says_nothing_of_a_server_that_answers() {
        let breaker = Breaker::default();
        let late = breaker.check_at(1000).unwrap();
        breaker.works_at(1500);
        breaker.failed_at(late, 2000);
        assert!(breaker.check_at(2000).is_ok());
        breaker.failed_at(Asked(1600), 2000);
        assert!(breaker.check_at(2000).is_err());
    }
}
