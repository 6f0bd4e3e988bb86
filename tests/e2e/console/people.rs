//! Members in every state, what is asked before something is done to them, and what is said when it is not.

use jiff::SignedDuration;

use super::tour::Tour;
use super::{come_by, enter, open_member};
use crate::house::House;
use crate::support::browse;

#[tokio::test]
async fn every_state_of_a_member_is_clean() {
    browse("console-member", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo", "mia", "lena"]).await;
        enter(browser, &house, "olivia", "").await;
        let mut tour = Tour::start(browser);
        open_member(browser, &house, "Olivia Owens").await;
        tour.look("member-owner").await;

        open_member(browser, &house, "Jo Park").await;
        browser.choose("form[action$='/pin'] select[name=role]", "Admin").await;
        browser.fill("#reason", "Covers for Ada while she is away").await;
        browser.follow("Pin").await;
        browser.text("form[action$='/unpin']").await;
        tour.look("member-pinned").await;

        browser.click("main form[action$='/remove'] button[value=false]").await;
        browser.see("h1", "Remove Jo Park?").await;
        tour.look("confirm-remove").await;
        browser.click("main .actions button").await;
        browser.see(".lead .badge", "Removed").await;
        tour.look("member-removed").await;

        open_member(browser, &house, "Mia Santos").await;
        browser.click("main form[action$='/remove'] button[value=true]").await;
        browser.see("h1", "Remove and block Mia Santos?").await;
        browser.click("main .actions button").await;
        browser.see(".lead .badge", "Blocked").await;
        tour.look("member-blocked").await;

        open_member(browser, &house, "Lena Fischer").await;
        browser.follow("Make them Primary Owner").await;
        browser.see("h1", "Make Lena Fischer the Primary Owner?").await;
        tour.look("confirm-owner").await;
        browser.fill("#typed", "lena@acme.exmaple").await;
        browser.follow("Hand it over").await;
        browser.text("#typed-says").await;
        tour.look("confirm-owner-wrong").await;
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn removing_several_names_them_and_asks_for_their_number() {
    browse("console-several", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo", "mia", "sam", "max", "nina"]).await;
        enter(browser, &house, "olivia", "/members").await;
        let mut tour = Tour::start(browser);
        browser.follow("Remove the chosen").await;
        browser.see("h1", "Something in the form cannot be used").await;
        tour.look("trouble-form").await;
        browser.follow("Back").await;
        for name in ["Jo Park", "Mia Santos", "Sam Okafor", "Max Hubner", "Nina Berg"] {
            browser.click(&format!("input[aria-label='Choose {name}']")).await;
        }
        browser.follow("Remove the chosen").await;
        browser.see("h1", "Remove 5 people?").await;
        tour.look("confirm-several").await;
        browser.fill("#typed", "4").await;
        browser.follow("Remove 5 people").await;
        browser.see("#typed-says", "That is not 5.").await;
        tour.look("confirm-several-wrong").await;
        browser.fill("#typed", "5").await;
        browser.follow("Remove 5 people").await;
        browser.see("h1", "Members").await;
        tour.look("members-removed").await;
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn what_is_not_done_is_said_in_a_page_that_leads_on() {
    browse("console-trouble", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["olivia", "lena"]).await;
        enter(browser, &house, "ada", "").await;
        let mut tour = Tour::start(browser);
        tour.visit("trouble-nothing", &house.console("/members/mem_0190a5c8b8f07cc3a1b2c3d4e5f60718")).await;
        tour.visit("trouble-no-page", &house.console("/nowhere")).await;

        // An Admin does nothing to the Owner.
        open_member(browser, &house, "Olivia Owens").await;
        browser.choose("form[action$='/pin'] select[name=role]", "User").await;
        browser.fill("#reason", "x").await;
        browser.follow("Pin").await;
        browser.see("h1", "This was not done").await;
        tour.look("trouble-refused").await;

        // Somebody was faster: the page of a minute ago is not what there is now.
        open_member(browser, &house, "Lena Fischer").await;
        let late = browser.tab().await;
        browser.open_tab().await;
        open_member(browser, &house, "Lena Fischer").await;
        browser.choose("form[action$='/pin'] select[name=seat]", "Premium").await;
        browser.fill("#reason", "first").await;
        browser.follow("Pin").await;
        browser.text("form[action$='/unpin']").await;
        browser.show_tab(&late).await;
        browser.choose("form[action$='/pin'] select[name=role]", "Admin").await;
        browser.fill("#reason", "second").await;
        browser.follow("Pin").await;
        browser.see("h1", "Somebody was faster").await;
        tour.look("trouble-stale").await;

        // The danger zone, long after the sign-in.
        browser.forget().await;
        enter(browser, &house, "olivia", "").await;
        house.wait(SignedDuration::from_mins(11));
        open_member(browser, &house, "Lena Fischer").await;
        browser.follow("Make them Primary Owner").await;
        browser.see("h1", "Sign in once more for this").await;
        tour.look("trouble-fresh").await;
        tour.end();
    })
    .await;
}
