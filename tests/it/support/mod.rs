//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`saml_idp`]: a SAML provider that signs whatever a test asks for

pub mod facts;
pub(crate) mod saml_idp;
