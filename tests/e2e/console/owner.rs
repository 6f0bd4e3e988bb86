//! Who owns the organization is handed over by its owner alone, freshly signed in, and by typing whom.

use jiff::SignedDuration;

use super::{come_by, enter, open_member};
use crate::house::House;
use crate::support::browse;

#[tokio::test]
async fn the_ownership_is_handed_over_after_a_fresh_sign_in_by_typing_the_new_owner_s_address() {
    browse("console-owner", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["ada"]).await;
        enter(browser, &house, "olivia", "").await;
        house.wait(SignedDuration::from_mins(11));
        open_member(browser, &house, "Ada Lovelace").await;
        browser.follow("Make them Primary Owner").await;
        browser.see("h1", "Sign in once more for this").await;
        browser.follow("Sign in again").await;
        browser.arrive(&house.idp("/")).await;
        browser.click("button[value=olivia]").await;
        browser.arrive(&house.console("/members/mem_")).await;
        browser.see("h1", "Ada Lovelace").await;
        browser.follow("Make them Primary Owner").await;
        browser.see("h1", "Make Ada Lovelace the Primary Owner?").await;
        browser.fill("#typed", "ada@acme.exmaple").await;
        browser.follow("Hand it over").await;
        browser.see("#typed-says", "Type the address of Ada Lovelace to confirm.").await;
        browser.fill("#typed", "ada@acme.example").await;
        browser.follow("Hand it over").await;
        browser.see("h1", "Ada Lovelace").await;
        browser.see(".lead .badge.good", "Primary Owner").await;
        browser.assert_clean().await;

        // Olivia cannot take it back, and Ada's own sign-in does not take it away: no group gives Owner to her.
        open_member(browser, &house, "Ada Lovelace").await;
        assert!(!browser.is_there("form[action$='/owner']").await);
        house.sign_in_to(browser, &house.console("/members"), "ada").await;
        browser.see(".me .role", "Primary Owner").await;
    })
    .await;
}
