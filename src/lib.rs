//! Usher is a login gateway: people sign in through SAML or OpenID Connect and arrive in the app with the right role and seat.
//!
//! One login, from start to end:
//!
//! 1. [`proxy`] finds no session for an app host and sends the browser to [`http`]'s sign-in page.
//! 2. [`http`] keeps a [`core::PendingLogin`] and sends the browser through a [`doors::Door`] to the provider.
//! 3. The message comes back; [`saml`] or [`oidc`] turns it into a [`core::VerifiedIdentity`], or refuses it with its own code.
//! 4. [`login::complete`] loads facts from [`store`], asks [`core::provision::decide`], and writes everything in one transaction.
//! 5. [`session`] starts, and [`proxy`] lets the browser through and tells the app who it is.
//!
//! What administrators do goes through [`admin`], whether they do it in the console, over the API or on the command line.
//!
//! Knowledge goes one way: `http, proxy -> login, session -> core, store`; `http, cli -> admin -> session, store, core`; `http -> saml, oidc`;
//! `saml, oidc, store, config -> core`; `core` knows nobody. A test reads the `use` lines.

pub mod admin;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod demo;
pub mod doors;
pub mod gateway;
pub mod http;
pub mod login;
pub mod metrics;
pub mod oidc;
pub mod outbound;
pub mod proxy;
pub mod random;
pub mod saml;
pub mod server;
pub mod session;
pub mod store;
#[cfg(feature = "otel")]
pub mod traces;
