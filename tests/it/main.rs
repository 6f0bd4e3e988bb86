//! Tests through the public surface, one binary.

mod config;
mod rules;
mod support;
