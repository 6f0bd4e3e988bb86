//! Every page of the console, of an organization in use and of a new one.

use jiff::SignedDuration;

use super::tour::Tour;
use super::{come_by, enter, open_member, routes};
use crate::house::House;
use crate::support::browse;

/// Whoever is let in by the demo's rules, and two who are not.
const EVERYBODY: [&str; 9] = ["jo", "mia", "sam", "ada", "max", "nina", "lena", "noah", "tim"];

#[tokio::test]
async fn every_page_of_the_console_is_clean_in_both_themes_on_every_screen() {
    browse("console-pages", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &EVERYBODY).await;
        house.wait(SignedDuration::from_mins(95));
        enter(browser, &house, "olivia", "").await;
        open_member(browser, &house, "Jo Park").await;
        let url = browser.url().await;
        let member = url.rsplit('/').next().unwrap_or_default();
        let mut tour = Tour::start(browser);
        let leaves = routes::pages(&[("connection", "demo-saml"), ("member", member)]);
        // The start of a test sign-in is the only address of the console that is no page of it, but a step to the provider.
        for leaf in leaves.into_iter().filter(|leaf| !leaf.ends_with("/test/start")) {
            let name = leaf.replace(member, "jo").replace('/', "-");
            tour.visit(if leaf.is_empty() { "overview" } else { name.trim_start_matches('-') }, &house.console(&leaf)).await;
        }
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn a_console_with_nothing_in_it_says_what_comes_next() {
    browse("console-new", async |browser| {
        let house = House::open().await;
        enter(browser, &house, "olivia", "").await;
        browser.see("#setup", "Set up").await;
        let mut tour = Tour::start(browser);
        for leaf in ["", "/connections/demo-oidc", "/access", "/members", "/members?q=nobody", "/invites", "/seats", "/tokens"] {
            let name = leaf.split('/').next_back().unwrap_or_default().replace("?q=", "-");
            tour.visit(&format!("new-{name}"), &house.console(leaf)).await;
        }
        tour.visit("nothing-fits", &house.console("/activity?who=nobody")).await;
        tour.end();
    })
    .await;
}
