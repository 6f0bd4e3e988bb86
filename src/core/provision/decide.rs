//! The order of evaluation at one login.

use jiff::Timestamp;

use super::{Decision, Facts};
use crate::core::Identity;

/// Decides what happens to `identity` in the organization of `facts`, at `now`.
#[must_use]
pub fn decide(_facts: &Facts, _identity: &Identity, _now: Timestamp) -> Decision {
    unimplemented!()
}
