//! The back button, the double click, two tabs, no scripts, an app that is down.

use super::{OIDC, SAML, assert_ada_is_in};
use crate::demo::{Demo, free_port};
use crate::support::browse;

#[tokio::test]
async fn the_back_button_after_sign_in_leads_to_the_app_again() {
    browse("back", async |browser| {
        let demo = Demo::start();
        for door in [SAML, OIDC] {
            browser.goto("about:blank").await;
            demo.sign_in(browser, "/reports", door, "ada").await;
            assert_ada_is_in(browser, &demo, "/reports").await;
            // The provider's page is the step before. Asked anew, it answers a request that we finished long ago.
            browser.back().await;
            browser.arrive(&demo.idp("/")).await;
            browser.reload().await;
            browser.click("button[value=ada]").await;
            assert_ada_is_in(browser, &demo, "/reports").await;
            browser.assert_clean().await;
            // The sign-in page is the step before that: nobody who is signed in needs it.
            browser.back().await;
            browser.back().await;
            assert_ada_is_in(browser, &demo, "/reports").await;
            browser.assert_clean().await;
            browser.follow("Sign out").await;
            browser.arrive(&demo.auth("/signed-out")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_ask_before_sign_in_both_end_on_their_own_page() {
    browse("two-tabs", async |browser| {
        let demo = Demo::start();
        for (first_door, second_door) in [(SAML, OIDC), (SAML, SAML)] {
            let first = browser.tab().await;
            browser.goto(&demo.app("/first")).await;
            let second = browser.open_tab().await;
            browser.goto(&demo.app("/second")).await;
            browser.follow(second_door).await;
            browser.show_tab(&first).await;
            browser.follow(first_door).await;
            browser.arrive(&demo.idp("/")).await;
            browser.click("button[value=ada]").await;
            assert_ada_is_in(browser, &demo, "/first").await;
            browser.assert_clean().await;
            browser.show_tab(&second).await;
            browser.arrive(&demo.idp("/")).await;
            browser.click("button[value=ada]").await;
            assert_ada_is_in(browser, &demo, "/second").await;
            browser.assert_clean().await;
            browser.follow("Sign out").await;
            browser.arrive(&demo.auth("/signed-out")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_on_the_way_needs_a_script() {
    browse("no-script", async |browser| {
        let demo = Demo::start();
        for door in [SAML, OIDC] {
            browser.allow_scripts(false).await;
            browser.goto(&demo.app("/reports")).await;
            browser.follow(door).await;
            browser.arrive(&demo.idp("/")).await;
            browser.click("button[value=ada]").await;
            if door == SAML {
                browser.see("h1", "You are Ada Lovelace").await;
                browser.follow("Continue").await;
            }
            assert_ada_is_in(browser, &demo, "/reports").await;
            browser.follow("Sign out").await;
            browser.arrive(&demo.auth("/signed-out")).await;
            browser.goto(&demo.app("/reports")).await;
            browser.follow("Use your work email").await;
            browser.fill("#email", "ada@acme.example").await;
            browser.follow("Continue").await;
            browser.arrive(&demo.idp("/")).await;
            browser.allow_scripts(true).await;
            browser.assert_clean().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_double_click_on_the_provider_s_button_signs_in_once() {
    browse("double-click", async |browser| {
        let demo = Demo::start();
        browser.allow_scripts(false).await;
        demo.sign_in(browser, "/reports", SAML, "ada").await;
        browser.see("h1", "You are Ada Lovelace").await;
        browser.allow_scripts(true).await;
        browser.look("demo-provider-continue").await;
        browser.follow_twice("Continue").await;
        assert_ada_is_in(browser, &demo, "/reports").await;
        browser.assert_clean().await;
    })
    .await;
}

#[tokio::test]
async fn an_app_that_is_down_is_named_and_nobody_is_signed_out() {
    browse("app-down", async |browser| {
        let upstream = format!("http://127.0.0.1:{}", free_port());
        let demo = Demo::start_with(&["--upstream", &upstream]);
        demo.sign_in(browser, "/reports", SAML, "ada").await;
        browser.arrive(&demo.app("/reports")).await;
        browser.see("h1", "app.localhost is down").await;
        assert!(browser.text(".lead").await.contains("You are still signed in"));
        browser.look("demo-app-down").await;
        browser.goto(&demo.auth("/")).await;
        browser.see("h1", "Ada Lovelace").await;
        browser.assert_clean().await;
    })
    .await;
}
