//! The SAML service provider from outside: what it accepts, what it refuses and under which code, and what it sends.

mod accepted;
