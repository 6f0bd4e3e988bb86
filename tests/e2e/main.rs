//! What only a real browser can tell. Needs Debian's `chromium` and `chromium-driver`; everything else is tested over HTTP in `tests/it`.
//!
//! - `pages`: every page that exists, from the `gallery`
//! - `console`: what administrators see and do
//! - `journeys`: what people do, through the real binary and its `demo`
//! - `demo`, `house`: the demo as a process, and inside of the test, where time and trouble can be made
//! - `support`: the browser

mod console;
mod demo;
mod gallery;
mod house;
mod journeys;
mod pages;
mod support;
