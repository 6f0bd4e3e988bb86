//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`oidc_provider`], [`op`]: OpenID providers to sign in with
//! - [`saml_idp`]: a SAML provider that signs whatever a test asks for

pub mod facts;
pub(crate) mod oidc_provider;
pub(crate) mod op;
pub(crate) mod saml_idp;
pub(crate) mod facts;
