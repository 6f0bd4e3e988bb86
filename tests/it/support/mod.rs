//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`gateway`], [`echo`], [`ask`]: listeners with a session made by hand, an app that shows what it received, and requests to them
//! - [`saml_idp`]: a SAML provider that signs whatever a test asks for
//! - [`op`]: an OpenID provider that misbehaves on demand
//! - [`oidc_provider`]: a certified OpenID provider, and a browser without script

pub(crate) mod ask;
pub(crate) mod echo;
pub(crate) mod facts;
pub(crate) mod gateway;
pub(crate) mod oidc_provider;
pub(crate) mod op;
pub(crate) mod saml_idp;
