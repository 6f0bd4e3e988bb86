//! What strangers can send, byte by byte, to the code that reads it first. Each function takes any bytes and panics only when a promise is broken.
//!
//! - [`saml`]: responses, responses that the provider signed after they were changed, logout messages, metadata
//! - [`oidc`]: ID tokens that the provider signed over anything
//! - [`proxy`]: cookies, paths, header blocks
//! - [`config`]: org.toml and usher.toml
//!
//! The one rule of this folder: a promise is checked by other means than the code under test uses: another parser, another way to look.

pub(crate) mod config;
pub(crate) mod oidc;
pub(crate) mod proxy;
pub(crate) mod saml;

/// A function that takes bytes.
pub(crate) type Harness = fn(&[u8]);

/// Every target by its name.
pub(crate) const TARGETS: [(&str, Harness); 9] = [
    ("saml_response", saml::response),
    ("saml_signed", saml::signed),
    ("metadata", saml::metadata),
    ("logout", saml::logout),
    ("id_token", oidc::id_token),
    ("cookie", proxy::cookie),
    ("path", proxy::path),
    ("headers", proxy::headers),
    ("org_toml", config::org_toml),
];
