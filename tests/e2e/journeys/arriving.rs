//! From a deep link of the app through the provider back to it.

use super::{OIDC, SAML, assert_ada_is_in};
use crate::demo::Demo;
use crate::support::browse;

const DEEP_LINK: &str = "/reports/2026?quarter=3";

#[tokio::test]
async fn ada_signs_in_over_saml_and_lands_on_her_deep_link_as_admin_with_a_premium_seat() {
    browse("saml", async |browser| {
        let demo = Demo::start();
        browser.goto(&demo.app(DEEP_LINK)).await;
        browser.arrive(&demo.auth("/login?")).await;
        browser.see("h1", "Sign in").await;
        browser.look("demo-sign-in").await;
        browser.portray("sign-in").await;
        browser.follow(SAML).await;
        browser.arrive(&demo.idp("/saml/sso?")).await;
        browser.see("h1", "Who are you?").await;
        browser.look("demo-provider").await;
        browser.visits().await;
        browser.click("button[value=ada]").await;
        assert_ada_is_in(browser, &demo, DEEP_LINK).await;
        browser.look("demo-app").await;
        browser.goto(&demo.app("/")).await;
        browser.portray("app").await;

        // The form comes from another site: no Lax cookie is with it, and the next step, on our own site, has one.
        let visits = browser.visits().await;
        let answer = visits.iter().position(|visit| visit.url == demo.auth("/saml/demo-saml/acs")).unwrap();
        let [answer, next] = &visits[answer..answer + 2] else { unreachable!() };
        assert_eq!((answer.method.as_str(), answer.with_cookie), ("POST", Some(false)), "{visits:#?}");
        assert!(next.url.starts_with(&demo.auth("/sso/continue?")), "{visits:#?}");
        assert_eq!((next.method.as_str(), next.with_cookie), ("GET", Some(true)), "{visits:#?}");
    })
    .await;
}

#[tokio::test]
async fn ada_signs_in_over_openid_connect_and_lands_on_her_deep_link_as_admin_with_a_premium_seat() {
    browse("oidc", async |browser| {
        let demo = Demo::start();
        demo.sign_in(browser, DEEP_LINK, OIDC, "ada").await;
        assert_ada_is_in(browser, &demo, DEEP_LINK).await;
        browser.assert_clean().await;
    })
    .await;
}

#[tokio::test]
async fn a_work_email_leads_to_the_provider_and_from_there_to_the_app() {
    browse("work-email", async |browser| {
        let demo = Demo::start();
        browser.goto(&demo.app(DEEP_LINK)).await;
        browser.follow("Use your work email").await;
        browser.look("demo-email").await;
        browser.fill("#email", "jo@nowhere.example").await;
        browser.follow("Continue").await;
        browser.see("#problem", "Nobody signs in with “nowhere.example” here. Check the spelling, or ask your administrator.").await;
        browser.look("demo-email-unknown").await;
        browser.fill("#email", "ada@acme.example").await;
        browser.follow("Continue").await;
        // The page on the way goes on by itself.
        browser.arrive(&demo.idp("/")).await;
        assert!(browser.titles().await.iter().any(|title| title == "Taking you to Acme over SAML · Acme"));
        browser.click("button[value=ada]").await;
        assert_ada_is_in(browser, &demo, DEEP_LINK).await;
        browser.assert_clean().await;
    })
    .await;
}
