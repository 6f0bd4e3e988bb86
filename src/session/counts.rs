//! What sessions count.

use strum::IntoEnumIterator as _;

use super::end::Cause;
use crate::metrics::{Count, Tally};

/// Counts since the start.
#[derive(Debug)]
pub struct SessionCounts {
    /// Sessions found in memory.
    pub hits: Count,
    /// Sessions that the store was asked for.
    pub misses: Count,
    /// Sessions ended, by cause.
    pub ended: Tally<&'static str>,
}

impl Default for SessionCounts {
    fn default() -> Self {
        let ended = Tally::from_nothing_of(Cause::iter().map(Into::into));
        Self { hits: Count::default(), misses: Count::default(), ended }
    }
}
