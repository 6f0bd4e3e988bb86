//! What should happen to one person at one login. Pure: facts in, decision out.
//!
//! - [`facts`]: everything that the decision may know
//! - [`decision`]: outcome, changes and trace
//! - [`decide`](fn@decide): the order of evaluation of rules.md, one step a function
//!
//! The one rule of this folder: whatever asks "what happens to this person" (login, preview, explain, what-if) calls [`decide`](fn@decide), and nothing else decides.

mod decide;
mod decision;
mod facts;

pub use decide::decide;
pub use decision::{Admission, Change, Decision, Outcome, Rule, Step, Trace, Verdict};
pub use facts::{ConnectionState, Facts, Known, SeatCount};
