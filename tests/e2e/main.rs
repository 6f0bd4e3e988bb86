//! What only a real browser can tell. Needs Debian's `chromium` and `chromium-driver`; everything else is tested over HTTP in `tests/it`.

mod gallery;
mod pages;
mod support;
