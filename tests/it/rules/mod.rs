//! The rules of rules.md, each by its number.
//!
//! - `coming_in`: rows 1-9, 16, 31, 37-43, 58, 59: who comes in, by mode
//! - `roles`: rows 17-23, 46, 52-55, 63-65: roles, guards, pins
//! - `approval`: the yes of an administrator
//! - `claims`: the states of the group claim
//! - `seats`: rows 24-36
//! - `identity`: rows 48-51, 62, 68, and what a hostile provider might try
//! - `guests`: row 39; `gone`: row 65
//! - `preview`, `explain`: what is asked beside a login
//! - `vectors`: the acceptance vectors
//! - `properties`: what holds for any facts

mod approval;
mod claims;
mod coming_in;
mod explain;
mod gone;
mod guests;
mod identity;
mod preview;
mod properties;

mod roles;
mod seats;
mod vectors;
