//! Changing settings: first a review that says what would happen to whom, then a save of exactly what was reviewed.
//!
//! - [`SettingsChange`]: what is to be different; `change` makes the settings that it asks for
//! - `sound`: whether these can be settings at all; `rights`: whether the actor may make them
//! - [`Review`]: what would happen; `review` asks [`crate::core::preview`] for everybody
//! - [`Confirmations`], `save`: the save, which reviews once more
//!
//! The one rule of this folder: nothing is saved that was not reviewed, and what is reviewed is what the next logins do.

mod change;
mod review;
mod rights;
mod save;
mod sound;

pub use change::SettingsChange;
pub use review::{Needs, Objection, OrganizationReview, Progress, Review};
pub use save::{Confirmations, Saved};
