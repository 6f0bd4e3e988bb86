//! Out of the app, out of Usher, out of the provider.

use super::{OIDC, SAML, assert_ada_is_in, assert_nobody_is_in};
use crate::demo::Demo;
use crate::support::browse;

#[tokio::test]
async fn signing_out_in_the_app_ends_the_session_everywhere() {
    browse("out-of-the-app", async |browser| {
        let demo = Demo::start();
        demo.sign_in(browser, "/", SAML, "ada").await;
        assert_ada_is_in(browser, &demo, "/").await;
        browser.follow("Sign out").await;
        browser.arrive(&demo.auth("/signed-out")).await;
        browser.see("h1", "You are signed out").await;
        browser.look("demo-signed-out").await;
        assert_nobody_is_in(browser, &demo).await;
        browser.goto(&demo.auth("/")).await;
        browser.arrive(&demo.auth("/login")).await;
        browser.assert_clean().await;
    })
    .await;
}

#[tokio::test]
async fn signing_out_on_the_account_page_offers_the_provider_s_sign_out_and_comes_back() {
    browse("out-of-the-account", async |browser| {
        let demo = Demo::start();
        demo.sign_in(browser, "/", OIDC, "ada").await;
        assert_ada_is_in(browser, &demo, "/").await;
        browser.follow("Your account").await;
        browser.arrive(&demo.auth("/")).await;
        browser.see("h1", "Ada Lovelace").await;
        let account = browser.text("main").await;
        let facts =
            ["Ada Lovelace", "ada@acme.example", "Admin\nBecause you are in app-admins.", "Premium\nBecause you are in design.", OIDC];
        for fact in facts {
            assert!(account.contains(fact), "{fact} is not in:\n{account}");
        }
        browser.look("demo-account").await;
        browser.follow("Sign out").await;
        browser.arrive(&demo.auth("/logout")).await;
        browser
            .see(".note", "You are still signed in at Acme over OpenID Connect. On a computer that others use, sign out there too.")
            .await;
        browser.look("demo-signed-out-here").await;
        browser.follow("Sign out of Acme over OpenID Connect").await;
        browser.arrive(&demo.auth("/signed-out")).await;
        browser.see("h1", "You are signed out").await;
        assert!(browser.visits().await.iter().any(|visit| visit.url.starts_with(&demo.idp("/oidc/logout?"))));
        browser.assert_clean().await;
        assert_nobody_is_in(browser, &demo).await;
        browser.assert_clean().await;
    })
    .await;
}
