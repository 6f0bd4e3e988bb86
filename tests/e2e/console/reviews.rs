//! What stands between a change of settings and its save, in every form that it takes.

use jiff::SignedDuration;

use super::tour::Tour;
use super::{come_by, enter};
use crate::demo::Site;
use crate::house::House;
use crate::support::{Browser, browse};

/// Unticks a group on Identity & access.
pub(super) async fn untick(browser: &Browser, group: &str) {
    browser.click(&format!("input[type=checkbox][value={group}]")).await;
}

/// Makes a change on Identity & access, and comes to its review. What was begun before is dropped.
pub(super) async fn review_without(browser: &Browser, site: &Site, groups: &[&str]) {
    browser.goto(&site.console("/access")).await;
    if browser.is_there("form[action$='/discard']").await {
        browser.follow("Discard them").await;
        browser.see_number("form[action$='/discard']", 0).await;
    }
    for group in groups {
        untick(browser, group).await;
    }
    browser.follow("Review changes").await;
    browser.see("h1", "Review your changes").await;
}

#[tokio::test]
async fn every_state_of_a_review_is_clean() {
    browse("console-reviews", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo", "mia", "sam", "ada", "max", "nina", "lena"]).await;
        enter(browser, &house, "olivia", "/access").await;
        let mut tour = Tour::start(browser);

        // A seat for somebody else's group: nobody loses anything.
        browser.fill("input[name=add-tier-0]", "Support").await;
        browser.click("input[name=add-tier-0] + button").await;
        browser.see(".alert p", "These changes are not saved yet.").await;
        tour.look("access-unsaved").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        tour.look("review-warnings").await;
        browser.follow("Discard").await;
        browser.see("h1", "Identity & access").await;

        // Nothing at all.
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        tour.look("review-nothing").await;

        // Seven lose access: their number has to be typed, and a slip is told.
        review_without(browser, &house, &["everyone", "app-admins"]).await;
        tour.look("review-lose-access").await;
        browser.fill("#lose_access", "4").await;
        browser.follow("Save").await;
        browser.see(".alert.bad strong", "Nothing was saved.").await;
        tour.look("review-wrong-number").await;

        // The same, when the sign-in is too old for something that does harm.
        house.wait(SignedDuration::from_mins(11));
        review_without(browser, &house, &["everyone", "app-admins"]).await;
        browser.see(".alert a", "Sign in again").await;
        tour.look("review-sign-in-again").await;

        // Groups do not decide any more: nobody is changed by that.
        browser.goto(&house.console("/access")).await;
        browser.follow("Discard them").await;
        browser.see_number("form[action$='/discard']", 0).await;
        browser.click("input[name=group_mappings]").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        tour.look("review-mappings-off").await;
        browser.follow("Save").await;
        browser.see(".alert.good p", "Saved. Roles and seats follow at each person’s next sign-in.").await;
        tour.look("access-saved").await;
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn what_if_answers_and_says_what_it_does_not_understand() {
    browse("console-what-if", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo"]).await;
        enter(browser, &house, "olivia", "/access").await;
        let mut tour = Tour::start(browser);
        browser.fill("#wi-email", "jo@acme.example").await;
        browser.fill("#wi-groups", "app-admins\neveryone").await;
        browser.follow("Ask").await;
        browser.see(".answer strong", "Admin · Premium, because app-admins").await;
        tour.look("what-if").await;
        browser.fill("#wi-email", "jo").await;
        browser.follow("Ask").await;
        browser.see("#what-if [role=alert] p", "This is not a whole email address.").await;
        tour.look("what-if-problem").await;
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn a_review_that_locks_out_is_clean_when_it_is_refused_and_when_it_can_be_forced() {
    browse("console-lockout", async |browser| {
        let house = House::open().await;
        enter(browser, &house, "ada", "/access").await;
        let mut tour = Tour::start(browser);
        review_without(browser, &house, &["app-admins"]).await;
        tour.look("review-refused").await;
        come_by(browser, &house, &["olivia"]).await;
        enter(browser, &house, "ada", "/access").await;
        review_without(browser, &house, &["app-admins"]).await;
        browser.see("label[for=organization_name] bdi", "Acme").await;
        tour.look("review-lockout").await;
        tour.end();
    })
    .await;
}
