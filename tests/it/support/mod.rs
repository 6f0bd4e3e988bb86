//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`saml_idp`]: a SAML provider that signs whatever a test asks for
//! - [`op`]: an OpenID provider that misbehaves on demand
//! - [`oidc_provider`]: a certified OpenID provider, and a browser without script
//! - [`echo`]: an app that says what it received, byte for byte
//! - [`ask`]: requests written out by hand
//! - [`gateway`]: a running gateway in front of such an app

#![cfg(test)]

pub(crate) mod ask;
pub(crate) mod echo;
pub(crate) mod facts;
pub(crate) mod gateway;
pub(crate) mod oidc_provider;
pub(crate) mod op;
pub(crate) mod saml_idp;
