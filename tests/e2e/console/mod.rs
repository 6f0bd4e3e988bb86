//! The console, as administrators use it.
//!
//! - `tour`: page after page, looked at in both themes, on a desk and on a phone
//! - `routes`: every page that the console has, read from its sources
//! - `pages`: the pages of an organization in use, and of a new one
//! - `reviews`, `people`, `system`: the states that pages have: refused, confirmed, saved, broken
//! - `keyboard`: without a mouse
//! - `access`, `owner`, `pins`, `requests`, `sessions`, `tokens`, `activity`: what administrators do there, from the first click to the next sign-in
//! - `story`, `film`: the pictures of the README, and how they move
//!
//! The one rule of this folder: what is done in the console is believed only when somebody signs in after it, or asks for the page again.

use crate::demo::Site;
use crate::support::Browser;

mod access;
mod activity;
mod film;
mod keyboard;
mod owner;
mod pages;
mod people;
mod pins;
mod requests;
mod reviews;
mod routes;
mod sessions;
mod story;
mod system;
mod tokens;
mod tour;

/// Makes members by first logins, and leaves this browser signed out.
async fn come_by(browser: &Browser, site: &Site, people: &[&str]) {
    for person in people {
        site.knock(browser, &site.auth("/"), person).await;
        browser.text("h1").await;
    }
    browser.forget().await;
}

/// Signs an administrator in, on the way to a page of the console.
async fn enter(browser: &Browser, site: &Site, person: &str, path: &str) {
    site.sign_in_to(browser, &site.console(path), person).await;
    browser.text("main h1").await;
}

/// Opens the page of a member.
async fn open_member(browser: &Browser, site: &Site, name: &str) {
    browser.goto(&site.console("/members?status=all")).await;
    browser.follow(name).await;
    browser.see("h1", name).await;
}
