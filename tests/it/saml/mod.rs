//! The SAML service provider from outside: what it accepts, what it refuses and under which code, and what it sends.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

mod accepted;
mod differential;
mod encrypted;
mod logout;
mod metadata;
mod pasted;
mod requests;
mod semantics;
mod signatures;
mod xml;
mod xmlsec;
