//! What people do with the demo, each journey in one browser and against one process of the real binary.
//!
//! - `arriving`: through SAML, OpenID Connect and the work email to the page that was asked for
//! - `refused`: nobody comes in who has no place
//! - `leaving`: out of the app, out of Usher, out of the provider
//! - `detours`: the back button, the double click, two tabs, no scripts, an app that is down
//!
//! The one rule of this folder: no page is passed over; each is clean, and each new one is looked at in both themes on a desk and on a phone.

use crate::demo::Demo;
use crate::support::Browser;

mod arriving;
mod detours;
mod leaving;
mod refused;

/// The name of the choice on the sign-in page.
const SAML: &str = "Acme over SAML";
const OIDC: &str = "Acme over OpenID Connect";

/// Waits for the app's page, and sees that it knows Ada.
async fn assert_ada_is_in(browser: &Browser, demo: &Demo, path: &str) {
    browser.arrive(&demo.app(path)).await;
    browser.see("h1", "Ada Lovelace").await;
    browser.see(".verdict", "Admin, Premium").await;
    browser.see(".because", "because app-admins and design").await;
}

/// Asks for a page of the app, and sees that sign-in comes first.
async fn assert_nobody_is_in(browser: &Browser, demo: &Demo) {
    browser.goto(&demo.app("/")).await;
    browser.arrive(&demo.auth("/login?")).await;
    browser.see("h1", "Sign in").await;
}
