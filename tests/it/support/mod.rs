//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`echo`]: an app that says what it received, byte for byte
//! - [`ask`]: requests written out by hand
//! - [`gateway`]: a running gateway in front of such an app

#![cfg(test)]

pub(crate) mod ask;
pub(crate) mod echo;
pub(crate) mod facts;
pub(crate) mod gateway;
