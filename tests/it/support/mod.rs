//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it

pub mod facts;
//! What tests share.

pub(crate) mod saml_idp;
