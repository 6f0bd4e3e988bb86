//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it
//! - [`gateway`], [`echo`], [`ask`]: listeners with a session made by hand, an app that shows what it received, and requests to them
//! - [`saml_idp`], [`saml_house`]: a SAML provider that signs whatever a test asks for, and a gateway that trusts it
//! - [`op`], [`oidc_house`]: an OpenID provider that misbehaves on demand, and a gateway that trusts it
//! - [`directories`]: mocks of Microsoft Graph and of Google's Directory API
//! - [`oidc_provider`]: a certified OpenID provider, and a browser without script
//! - [`installation`], [`browser`]: a whole Usher as an operator would set it up, and a browser to sign in with
//! - [`simplesaml`], [`lemonldap`]: real providers from Debian; [`people`] know who signs in there, [`front`] stands in front of one and tampers
//! - [`postgres`], [`redis`]: real servers, one or several that belong together; [`certificates`]: with what they speak TLS; [`relay`]: a slow way to them
//! - [`child`], [`port`]: programs that a test starts, and where they listen

pub(crate) mod ask;
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod child;
pub(crate) mod directories;
pub(crate) mod echo;
pub(crate) mod facts;
pub(crate) mod front;
pub(crate) mod gateway;
pub(crate) mod installation;
pub(crate) mod lemonldap;
pub(crate) mod oidc_house;
pub(crate) mod oidc_provider;
pub(crate) mod op;
pub(crate) mod people;
pub(crate) mod port;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod relay;
pub(crate) mod saml_house;
pub(crate) mod saml_idp;
pub(crate) mod simplesaml;
