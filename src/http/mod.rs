//! What browsers see of Usher.
//!
//! - [`views`]: the pages, typed; one struct and one template each
//! - [`headers`]: security headers and the content security policy
//! - [`assets`]: style sheet and icons, inside the binary

pub mod assets;
pub mod headers;
pub mod views;
