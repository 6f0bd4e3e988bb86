//! Everything that is tested from outside: one binary, because it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code, also what stands outside of test functions"
)]

mod admin;
mod api;
mod architecture;
mod attacks;
mod cli;
mod config;
mod console;
mod demo;
mod docs;
mod fuzz;
mod gateway;
mod interop;
mod login;
mod logout;
mod nodes;
mod oidc;
mod ops;
mod pages;
mod process;
mod proxy;
mod rules;
mod saml;
mod session;
mod smuggling;
mod store;
mod storm;
mod support;
