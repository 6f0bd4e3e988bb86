//! Tokens, settings, sessions and connections in every state, a recovery link, and a store that is down.

use jiff::SignedDuration;

use super::tour::Tour;
use super::{come_by, enter};
use crate::house::House;
use crate::support::browse;

#[tokio::test]
async fn every_state_of_tokens_and_settings_is_clean() {
    browse("console-tokens", async |browser| {
        let house = House::open().await;
        enter(browser, &house, "olivia", "/tokens").await;
        let mut tour = Tour::start(browser);
        browser.fill("#name", "Nightly report").await;
        browser.follow("Make the token").await;
        browser.see(".alert.bad strong", "Nothing was saved.").await;
        tour.look("tokens-fault").await;
        browser.fill("#name", "Nightly report").await;
        browser.click("input[value='members:read']").await;
        browser.click("input[value='activity:read']").await;
        browser.follow("Make the token").await;
        browser.see(".alert.good strong", "Nightly report is made.").await;
        tour.look("tokens-made").await;
        browser.click("#tokens ~ * form button").await;
        browser.see("h1", "Revoke “Nightly report”?").await;
        tour.look("confirm-revoke").await;
        browser.click("main .actions button").await;
        browser.see("tbody .badge", "Revoked").await;
        tour.look("tokens-revoked").await;
        house.wait(SignedDuration::from_mins(11));
        tour.visit("tokens-sign-in-again", &house.console("/tokens")).await;

        browser.goto(&house.console("/settings")).await;
        browser.fill("#name", "").await;
        browser.follow("Review changes").await;
        browser.text(".alert.bad").await;
        tour.look("settings-fault").await;
        browser.goto(&house.console("/settings")).await;
        browser.fill("#support_contact", "it-help@acme.example").await;
        browser.click("input[name=own_colour]").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        tour.look("review-settings").await;
        browser.follow("Save").await;
        browser.text(".alert.good").await;
        tour.look("settings-saved").await;
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn every_state_of_sessions_and_of_a_test_sign_in_is_clean() {
    browse("console-sign-in", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo", "mia"]).await;
        enter(browser, &house, "olivia", "/sessions").await;
        let mut tour = Tour::start(browser);
        browser.follow("End all sessions").await;
        browser.see("h1", "End every session?").await;
        tour.look("confirm-sessions").await;
        browser.follow("Cancel").await;
        browser.click("tbody tr:nth-child(2) button").await;
        browser.see("[role=status] p", "The session has ended.").await;
        tour.look("sessions-ended").await;
        for (connection, person) in [("demo-saml", "jo"), ("demo-oidc", "noah")] {
            browser.goto(&house.console(&format!("/connections/{connection}/test"))).await;
            browser.follow("Start a test sign-in").await;
            browser.arrive(&house.idp("/")).await;
            browser.click(&format!("button[value={person}]")).await;
            browser.arrive(&house.console(&format!("/connections/{connection}/test"))).await;
            browser.text("#received").await;
            tour.look(&format!("tested-{person}")).await;
        }
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_down_is_said_in_a_page_and_nobody_is_signed_out() {
    browse("console-store-down", async |browser| {
        let house = House::open().await;
        enter(browser, &house, "olivia", "").await;
        let mut tour = Tour::start(browser);
        house.break_store();
        browser.goto(&house.console("/members")).await;
        browser.text("h1").await;
        tour.look("store-down").await;
        house.mend_store();
        browser.reload().await;
        browser.see("h1", "Members").await;
        tour.look("store-back").await;
        tour.end();
    })
    .await;
}

#[tokio::test]
async fn a_session_by_a_recovery_link_says_so_on_every_page() {
    browse("console-recovery", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["olivia"]).await;
        let link = house.recovery_link().await;
        let mut tour = Tour::start(browser);
        browser.goto(&house.auth(&format!("/recovery/{link}"))).await;
        browser.click("main button").await;
        browser.goto(&house.console("")).await;
        browser.see("[role=note] strong", "You are signed in with a recovery link").await;
        tour.look("recovery").await;
        tour.end();
    })
    .await;
}
