//! Storage. `conformance` and `ephemeral` are suites over the traits: every backend passes them whole.

// Says to clippy that helpers of tests are tests too.
#![cfg(test)]

mod conformance;
mod crash;
mod ephemeral;
pub(crate) mod fixtures;
mod postgres;
mod property;
pub(crate) mod sqlite;
