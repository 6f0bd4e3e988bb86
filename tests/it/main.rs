//! Tests through the public surface, one binary.

mod demo;
mod rules;
//! Integration tests: one binary, one folder a part.

mod saml;
mod support;
//! One binary for all integration tests: it links once.

mod store;
