//! The integration tests, in one binary.

mod oidc;
mod support;
