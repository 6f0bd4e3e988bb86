//! Tests through the public surface, one binary.

mod rules;
mod store;
mod support;
