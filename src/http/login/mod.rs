//! A login, from the sign-in page to the session.
//!
//! - `start`: the choice, the way by email domain, the step to the provider
//! - `finish`: the provider's message comes back
//! - `enter`: into the session, and on to the app
//! - `ask`: asking for access after a refusal
//! - `test`: a login that an administrator tries, which signs nobody in
//! - `pending`: what lies between start and finish
//!
//! The one rule of this folder: nothing is redeemed before the browser that asked was recognised.

pub(super) mod ask;
pub(super) mod enter;
mod finish;
mod pending;
pub(super) mod start;
pub(super) mod test;
mod unasked;

pub(super) use finish::{acs, callback, form_post, resume};
pub(super) use start::{choose, route_by_email, start};
pub(super) use unasked::{initiate, initiate_by_form};
