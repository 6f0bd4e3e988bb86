//! What the tests share: providers to sign in with.

pub mod op;
