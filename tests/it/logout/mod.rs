//! The SAML door through the whole gateway, with a provider that the test plays: logins that must not be, and logouts both ways.
//!
//! - `logins`: a good message in the wrong hands
//! - `unasked`: logins that start at the provider
//! - `provider`: logouts that start at the provider
//! - `ours`: logouts that start here

mod logins;
mod ours;
mod provider;
mod unasked;
