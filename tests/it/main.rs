//! Tests through the public surface, one binary.

mod demo;
mod rules;
mod support;
