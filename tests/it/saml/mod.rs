//! The SAML service provider from outside: what it accepts, what it refuses and under which code, and what it sends.

mod accepted;
mod encrypted;
mod metadata;
mod requests;
mod semantics;
mod signatures;
mod wrapping;
mod xml;
mod xmlsec;
