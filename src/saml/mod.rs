//! The SAML 2.0 service provider.
//!
//! - [`xml`]: the gate, canonicalization, signatures
//! - [`message`]: how messages travel
//! - `error`: every refusal, with its code
//!
//! The one rule of this folder: gate the structure, verify the bytes, parse only the verified bytes. samael lends its types for metadata and
//! requests; no hostile byte meets its verifier, or any C.

mod error;
pub mod message;
pub mod xml;

pub use error::SamlError;
pub use xml::sign;
