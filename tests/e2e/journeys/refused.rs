//! Nobody comes in who has no place.

use super::{OIDC, SAML, assert_ada_is_in, assert_nobody_is_in};
use crate::demo::Demo;
use crate::support::browse;

#[tokio::test]
async fn noah_is_refused_in_plain_words_with_a_reference_and_stays_outside() {
    browse("refused", async |browser| {
        let demo = Demo::start();
        for door in [SAML, OIDC] {
            demo.sign_in(browser, "/", door, "noah").await;
            browser.arrive(&demo.auth("/")).await;
            browser.see("h1", "Your account has no access here").await;
            let page = browser.text("main").await;
            assert!(page.contains("inc_"), "no reference:\n{page}");
            assert!(page.contains("no_role_group"), "no reason:\n{page}");
            for group in ["app-owners", "app-admins", "everyone", "design"] {
                assert!(!page.contains(group), "{group} is named:\n{page}");
            }
            browser.assert_clean().await;
            if door == SAML {
                browser.look("demo-refused").await;
                browser.portray("refused").await;
            }
            assert_nobody_is_in(browser, &demo).await;
            browser.goto(&demo.auth("/")).await;
            browser.arrive(&demo.auth("/login")).await;
            browser.assert_clean().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_person_can_come_back_as_someone_else_and_lands_on_the_page_that_was_asked_for() {
    browse("refused-then-ada", async |browser| {
        let demo = Demo::start();
        demo.sign_in(browser, "/reports", SAML, "noah").await;
        browser.click("main .actions a.button").await;
        browser.arrive(&demo.auth("/login?")).await;
        browser.follow(SAML).await;
        browser.arrive(&demo.idp("/")).await;
        browser.click("button[value=ada]").await;
        assert_ada_is_in(browser, &demo, "/reports").await;
        browser.assert_clean().await;
    })
    .await;
}
