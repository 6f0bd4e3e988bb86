//! Tests through the public surface, one binary.

mod proxy;
mod rules;
mod session;
mod store;
mod support;
