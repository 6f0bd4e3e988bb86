//! What the tests share: providers to sign in with.

pub(crate) mod oidc_provider;
pub(crate) mod op;
