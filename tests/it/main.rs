//! Everything that is tested from outside: one binary, because it links once.

mod cli;
mod config;
mod demo;
mod oidc;
mod rules;
mod saml;
mod store;
mod support;
mod pages;
