//! Usher: a login gateway.

pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod random;
pub mod store;
