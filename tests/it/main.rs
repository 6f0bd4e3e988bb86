//! Everything that is tested from outside: one binary, because it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code, also what stands outside of test functions"
)]

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed, also in what tests share")]

mod cli;
mod config;
mod demo;
mod oidc;
mod rules;
mod saml;
mod store;
mod support;
mod pages;
