//! Storage. `conformance` and `ephemeral` are suites over the traits: every backend passes them whole.

mod conformance;
mod crash;
mod ephemeral;
mod fixtures;
mod property;
mod sqlite;
