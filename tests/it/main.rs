//! Everything that is tested from outside: one binary, because it links once.

mod demo;
mod cli;
mod config;
mod rules;
//! Integration tests: one binary, one folder a part.

mod saml;
mod support;
//! One binary for all integration tests: it links once.

mod store;
mod support;
