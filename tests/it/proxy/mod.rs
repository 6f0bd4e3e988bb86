//! The proxy, from outside: what an app receives, and what a browser gets.

#![cfg(test)]

mod answers;
mod enter;
mod forward_auth;
mod headers;
mod http2;
mod path;
mod streams;
pub(crate) mod upload;
mod upstream;
