//! What only a real browser can tell. Needs Debian's `chromium` and `chromium-driver`; everything else is tested over HTTP in `tests/it`.
//!
//! - `pages`: every page that exists, from the `gallery`
//! - `journeys`: what people do, through the real binary and its `demo`
//! - `support`: the browser

mod demo;
mod gallery;
mod journeys;
mod pages;
mod support;
