//! Integration tests: one binary, one folder a part.

mod saml;
mod support;
