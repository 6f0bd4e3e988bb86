//! Usher: a login gateway.

pub mod clock;
pub mod config;
pub mod core;
pub mod proxy;
pub mod random;
pub mod server;
pub mod session;
pub mod store;
