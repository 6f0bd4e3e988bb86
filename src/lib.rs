//! Usher: a login gateway.

pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod http;
pub mod oidc;
pub mod outbound;
pub mod random;
pub mod saml;
pub mod store;
