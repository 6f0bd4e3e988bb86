//! The SAML 2.0 service provider.
//!
//! - `service_provider`: [`ServiceProvider`], the door that `http` opens: [`ServiceProvider::start`], [`ServiceProvider::finish`]
//! - [`logout`]: single logout, both ways
//! - `request`, `metadata`, `keys`: what we send, what we and the provider say about ourselves, our own key
//! - [`message`]: how messages travel; `query`: in the query of a redirect, where the octets are signed
//! - `response`: the way of a response, top to bottom; `conditions`: is it for us, now; `identity`: who it is; [`encryption`]
//! - [`xml`]: the gate, canonicalization, signatures
//! - `error`: every refusal, with its code
//!
//! The one rule of this folder: gate the structure, verify the bytes, parse only the verified bytes. samael lends its types for metadata and
//! requests; no hostile byte meets its verifier, or any C.

mod conditions;
pub mod encryption;
mod error;
mod identity;
mod keys;
pub mod logout;
pub mod message;
mod metadata;
mod pasted;
mod query;
mod request;
mod response;
mod service_provider;
pub mod xml;

pub use error::SamlError;
pub use keys::SpKeys;
pub use metadata::{IdpCertificate, sp_metadata};
pub use pasted::read_unverified;
pub use request::{Go, Started};
pub use service_provider::{Checked, ServiceProvider, SpAddresses};
pub use xml::sign;
