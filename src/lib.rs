//! Usher: a login gateway.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod demo;
pub mod doors;
pub mod http;
pub mod login;
pub mod oidc;
pub mod outbound;
pub mod proxy;
pub mod random;
pub mod saml;
pub mod server;
pub mod session;
pub mod store;
