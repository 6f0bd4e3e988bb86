//! Who was refused asks on that page; an administrator says yes or no; and it holds at the next sign-in.

use super::enter;
use super::tour::Tour;
use crate::demo::Site;
use crate::house::House;
use crate::support::{Browser, browse};

const DOOR: &str = "Acme over SAML";

/// Is refused, and asks with these words.
async fn ask(browser: &Browser, site: &Site, person: &str, words: &str) {
    browser.forget().await;
    site.sign_in(browser, "/reports", DOOR, person).await;
    browser.see("h1", "Your account has no access here").await;
    browser.fill("#reason", words).await;
    browser.follow("Ask for access").await;
    let answer = browser.text("main [role=status]").await;
    assert!(answer.starts_with("You asked on"), "{answer}");
}

#[tokio::test]
async fn who_asks_for_access_gets_in_after_a_yes_and_reads_the_note_after_a_no() {
    browse("console-requests", async |browser| {
        let house = House::open().await;
        enter(browser, &house, "olivia", "").await;
        ask(browser, &house, "noah", "I write the reports").await;
        browser.assert_clean().await;
        ask(browser, &house, "tim", "Everybody else is in").await;

        enter(browser, &house, "olivia", "/requests").await;
        let mut tour = Tour::start(browser);
        tour.look("requests-waiting").await;
        let page = browser.text("main").await;
        assert!(page.contains("I write the reports") && page.contains("Everybody else is in"), "{page}");
        let (noah, tim) = ("form[action$='/approve'] button", "form[action$='/decline'] button.quiet");
        browser.click(noah).await;
        let done = browser.text(".alert.good").await;
        assert!(done.contains("Noah") && done.contains("pinned until"), "{done}");
        tour.look("requests-approved").await;
        browser.fill("input[name=note]", "Ask your team lead first").await;
        browser.click(tim).await;
        browser.see("main .panel", "Nobody waits. Whoever is refused can ask on that page, and stands here then.").await;
        tour.end();

        browser.forget().await;
        house.sign_in(browser, "/reports", DOOR, "noah").await;
        browser.arrive(&house.app("/reports")).await;
        browser.see("h1", "Noah Webb").await;
        browser.forget().await;
        house.sign_in(browser, "/reports", DOOR, "tim").await;
        browser.see("h1", "Your account has no access here").await;
        let answer = browser.text("main [role=status]").await;
        assert!(answer.contains("declined") && answer.contains("Ask your team lead first"), "{answer}");
        browser.assert_clean().await;
    })
    .await;
}
