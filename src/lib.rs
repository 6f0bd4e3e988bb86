//! Usher: a login gateway.

pub mod clock;
pub mod config;
pub mod core;
pub mod http;
pub mod random;
pub mod store;
