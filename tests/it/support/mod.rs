//! What the tests share: providers to sign in with.

pub(crate) mod oidc_provider;
pub(crate) mod op;
//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`saml_idp`]: a SAML provider that signs afresh
//! - [`saml_idp`]: a SAML provider that signs whatever a test asks for

pub mod facts;
pub(crate) mod saml_idp;
