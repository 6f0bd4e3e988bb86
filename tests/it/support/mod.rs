//! What the tests share.
//!
//! - [`facts`]: one login in a few lines, and what the store would hold after it

pub(crate) mod facts;
