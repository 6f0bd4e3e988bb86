//! What is done to people by hand: it holds as long as it was said to hold, and what was a mistake is undone.

use jiff::SignedDuration;

use super::{come_by, enter, open_member};
use crate::house::House;
use crate::support::{Browser, browse};

async fn assert_verdict(browser: &Browser, house: &House, verdict: &str) {
    browser.forget().await;
    house.sign_in(browser, "/", "Acme over SAML", "jo").await;
    browser.arrive(&house.app("/")).await;
    browser.see(".verdict", verdict).await;
}

#[tokio::test]
async fn a_pin_survives_sign_ins_until_its_end_date() {
    browse("console-pin", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo"]).await;
        enter(browser, &house, "olivia", "").await;
        open_member(browser, &house, "Jo Park").await;
        browser.choose("form[action$='/pin'] select[name=role]", "Admin").await;
        browser.choose("form[action$='/pin'] select[name=days]", "7 days").await;
        browser.fill("#reason", "Covers for Ada").await;
        browser.follow("Pin").await;
        let pin = browser.text(".alert:has(form[action$='/unpin'])").await;
        assert!(pin.contains("10 Nov 2026") && pin.contains("Covers for Ada") && pin.contains("Olivia Owens"), "{pin}");
        browser.assert_clean().await;
        assert_verdict(browser, &house, "Admin, Premium").await;
        house.wait(SignedDuration::from_hours(8 * 24));
        assert_verdict(browser, &house, "User, Premium").await;
    })
    .await;
}

#[tokio::test]
async fn a_removal_is_over_in_the_app_and_undone_as_if_it_had_not_been() {
    browse("console-removal", async |browser| {
        let house = House::open().await;
        browse("console-removed", async |jo| {
            house.sign_in(jo, "/", "Acme over SAML", "jo").await;
            jo.see(".verdict", "User, Premium").await;
            enter(browser, &house, "olivia", "").await;
            open_member(browser, &house, "Jo Park").await;
            browser.click("main form[action$='/remove'] button[value=true]").await;
            browser.see("h1", "Remove and block Jo Park?").await;
            let effects = browser.text("main").await;
            assert!(effects.contains("seat is free") && effects.contains("1 session ends at once"), "{effects}");
            browser.click("main .actions button").await;
            browser.see(".lead .badge", "Blocked").await;
            jo.reload().await;
            jo.arrive(&house.auth("/login?")).await;
            house.knock(jo, &house.app("/"), "jo").await;
            jo.see("h1", "Your access is blocked").await;
            browser.follow("Undo the removal").await;
            browser.see(".lead strong", "User").await;
            browser.assert_clean().await;
            house.sign_in(jo, "/", "Acme over SAML", "jo").await;
            jo.see(".verdict", "User, Premium").await;
        })
        .await;
    })
    .await;
}
