//! What sessions count.

use crate::metrics::{Count, Tally};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct SessionCounts {
    /// Sessions found in memory.
    pub hits: Count,
    /// Sessions that the store was asked for.
    pub misses: Count,
    /// Sessions ended, by cause.
    pub ended: Tally<&'static str>,
}
