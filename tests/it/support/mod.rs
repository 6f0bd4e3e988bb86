//! What tests share.

pub(crate) mod saml_idp;
