//! What browsers see of Usher.

pub mod assets;
pub mod headers;
pub mod views;
