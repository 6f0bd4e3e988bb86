//! What should happen to one person at one login. Pure: facts in, decision out.
//!
//! - `facts`: everything that the decision may know
//! - `decision`: outcome, changes and trace
//! - [`decide`](fn@decide): the order of evaluation of rules.md, one step a line; the steps, in that order:
//!   `connection` (with `guest`), `person`, `candidate`, `mode`, `claim`, `role` (with `mapping` and `guard`), `seat` (with `gate`), `entry`
//! - `approval`: an administrator's yes, waited for at a first login or given by hand
//! - `trace`: how a step is written down
//!
//! The one rule of this folder: whatever asks "what happens to this person" (login, preview, explain, what-if) calls [`decide`](fn@decide), and nothing else decides.

mod approval;
mod candidate;
mod claim;
mod connection;
mod decide;
mod decision;
mod entry;
mod facts;
mod gate;
mod guard;
mod guest;
mod mapping;
mod mode;
mod person;
mod role;
mod seat;
mod trace;

pub use approval::{Grant, approve};
pub use decide::decide;
pub use decision::{Admission, Change, Decision, Outcome, Rule, Step, Trace, Verdict};
pub use facts::{ConnectionState, Facts, Known, SeatCount};
pub use mapping::folded;
