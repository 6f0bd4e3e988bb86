//! A token for a program: shown once, good for what it was made for, and for nothing after it was revoked.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use super::enter;
use crate::demo::Demo;
use crate::support::browse;

/// What the API answers to this token.
#[expect(clippy::disallowed_methods, reason = "a program of somebody else's asks, not Usher")]
async fn ask(demo: &Demo, path: &str, token: &str) -> u16 {
    // No resolver of the machine's knows the name that browsers know.
    let api = reqwest::Client::builder().resolve("auth.localhost", ([127, 0, 0, 1], 0).into()).build().unwrap();
    api.get(demo.auth(path)).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_token_is_shown_once_and_may_do_what_was_ticked() {
    browse("console-token", async |browser| {
        let demo = Demo::start();
        enter(browser, &demo, "olivia", "/tokens").await;
        browser.fill("#name", "Nightly report").await;
        browser.click("input[value='activity:read']").await;
        browser.follow("Make the token").await;
        browser.see(".alert.good strong", "Nightly report is made.").await;
        let token = browser.text(".alert.good code").await;
        assert!(token.starts_with("ush_"), "{token}");
        assert_eq!(ask(&demo, "/api/v1/organizations/acme/activity", &token).await, 200);
        assert_eq!(ask(&demo, "/api/v1/organizations/acme/sessions", &token).await, 403);

        browser.goto(&demo.console("/tokens")).await;
        browser.see("tbody .badge", "Counts").await;
        assert!(!browser.run::<bool>("return document.documentElement.outerHTML.includes('ush_')").await, "it is shown again");
        browser.click("tbody form button").await;
        browser.see("h1", "Revoke “Nightly report”?").await;
        browser.click("main .actions button").await;
        browser.see("tbody .badge", "Revoked").await;
        browser.assert_clean().await;
        assert_eq!(ask(&demo, "/api/v1/organizations/acme/activity", &token).await, 401);
    })
    .await;
}
