//! What a save of settings would mean for everyone at their next login: the one decision, asked for each member in turn.
//!
//! - [`Scene`], [`PreviewMember`], [`LastSeen`]: what is known; the store reads it
//! - `save`: what the save itself does before anybody signs in: seats, the Primary Owner's mark, the queue
//! - [`Preview`]: member after member, each login on top of those before it
//! - [`Effects`]: what came out, by name and in sums; [`Warning`], [`Lockout`]: what is worth knowing, and what stands against the save
//! - [`Forecast`]: the seats that there would have to be
//!
//! The one rule of this folder: nothing here decides. [`decide`](fn@super::provision::decide) does, with the facts that the next login would find.

mod effects;
mod forecast;
mod lockout;
mod run;
mod save;
mod scene;
mod warnings;

pub use effects::{Administrator, Effects, Next, PersonEffect, Standing, Unknown};
pub use forecast::{Forecast, TierForecast};
pub use lockout::{Lockout, Mending};
pub use run::{Preview, Question};
pub use scene::{ConnectionMemory, LastSeen, OwnerHold, PreviewMember, Scene, SeenGroup};
pub use warnings::Warning;
