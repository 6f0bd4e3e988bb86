//! Tests through the public surface, one binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed, also in what tests share")]

mod rules;
mod support;
