//! Time as an argument: the only place that reads the machine's clock.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where the time comes from. A trait, so that tests can turn it.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// How much time has passed since some moment of this process. It goes on evenly, whatever the clock is set to.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// How far another machine's clock may be off: the one constant behind every time check of SAML and OpenID Connect.
pub const CLOCK_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
