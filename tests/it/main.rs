//! Everything that is tested from outside: one binary, because it links once.

mod cli;
mod config;
mod rules;
mod store;
mod support;
