//! Changing who comes in as what: the effect is seen by name, saved, true at the next sign-in, and taken back.

use super::reviews::{review_without, untick};
use super::{come_by, enter, open_member};
use crate::demo::Demo;
use crate::support::{Browser, browse};

/// Signs somebody in to the app, and sees what they are there.
async fn assert_verdict(browser: &Browser, demo: &Demo, person: &str, verdict: &str) {
    browser.forget().await;
    demo.sign_in(browser, "/", "Acme over SAML", person).await;
    browser.arrive(&demo.app("/")).await;
    browser.see(".verdict", verdict).await;
}

#[tokio::test]
async fn a_save_that_locks_out_is_refused_and_names_the_group_that_would_mend_it() {
    browse("console-locked-out", async |browser| {
        let demo = Demo::start();
        enter(browser, &demo, "ada", "/access").await;
        review_without(browser, &demo, &["app-admins"]).await;
        let said = browser.text("#review .alert.bad").await;
        assert!(said.contains("app-admins"), "no group that would mend it:\n{said}");
        assert!(said.contains("The save is refused."), "{said}");
        assert!(!browser.is_there("#save button.danger").await, "the save is offered all the same");
        browser.assert_clean().await;

        // What was refused is not in force, and mending it as the page says is allowed.
        browser.follow("Back").await;
        browser.see("h1", "Identity & access").await;
        browser.fill("input[name=add-role-1]", "design").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        browser.follow("Save").await;
        browser.see(".alert.good p", "Saved. Roles and seats follow at each person’s next sign-in.").await;
        assert_verdict(browser, &demo, "mia", "Admin, Premium").await;
        browser.assert_clean().await;
    })
    .await;
}

#[tokio::test]
async fn a_change_is_reviewed_saved_true_at_the_next_sign_in_and_undone() {
    browse("console-change", async |browser| {
        let demo = Demo::start();
        come_by(browser, &demo, &["mia", "jo"]).await;
        enter(browser, &demo, "olivia", "/access").await;

        browser.fill("input[name=add-role-1]", "design").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        let effects = browser.text("#review").await;
        for fact in ["Mia Santos", "User · Premium", "Admin · Premium"] {
            assert!(effects.contains(fact), "{fact} is not in:\n{effects}");
        }
        assert!(!effects.contains("Jo Park"), "nothing happens to Jo:\n{effects}");
        browser.follow("Save").await;
        browser.see(".alert.good p", "Saved. Roles and seats follow at each person’s next sign-in.").await;
        assert_verdict(browser, &demo, "mia", "Admin, Premium").await;

        enter(browser, &demo, "olivia", "/access").await;
        browser.follow("Undo").await;
        browser.see("h1", "Undo the last save").await;
        browser.follow("Save").await;
        browser.see(".alert.good p", "Saved. Roles and seats follow at each person’s next sign-in.").await;
        browser.assert_clean().await;
        assert_verdict(browser, &demo, "mia", "User, Premium").await;
    })
    .await;
}

#[tokio::test]
async fn whoever_saves_second_sees_a_review_of_what_is_now() {
    browse("console-two-saves", async |browser| {
        let demo = Demo::start();
        come_by(browser, &demo, &["mia", "jo"]).await;
        enter(browser, &demo, "olivia", "/access").await;
        browser.fill("input[name=add-tier-0]", "everyone").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        browse("console-two-saves-ada", async |other| {
            enter(other, &demo, "ada", "/access").await;
            other.fill("input[name=add-role-1]", "design").await;
            other.follow("Review changes").await;
            other.see("h1", "Review your changes").await;
            other.follow("Save").await;
            other.text(".alert.good").await;
        })
        .await;
        browser.follow("Save").await;
        browser.see(".alert.warn strong", "Nothing was saved:").await;
        browser.look("console-review-changed").await;
        assert_eq!(browser.status().await, 409);
        // Neither change undoes the other.
        browser.follow("Save").await;
        browser.text(".alert.good").await;
        let page = browser.text("main").await;
        assert!(page.contains("design") && page.contains("everyone"), "{page}");
        assert_verdict(browser, &demo, "mia", "Admin, Premium").await;
    })
    .await;
}

#[tokio::test]
async fn why_jo_is_a_user_is_one_click_away_from_the_list() {
    browse("console-why", async |browser| {
        let demo = Demo::start();
        come_by(browser, &demo, &["jo"]).await;
        enter(browser, &demo, "olivia", "/members").await;
        browser.follow("Why? Jo Park is User").await;
        browser.see("h1", "Jo Park").await;
        let why = browser.text("#why").await;
        for fact in ["everyone", "User", "because everyone", "Be in app-admins", "Be in app-owners", "gives the same"] {
            assert!(why.contains(fact), "{fact} is not in:\n{why}");
        }
        browser.click("#why summary").await;
        assert!(browser.text("#why .facts").await.contains("rank 2 of 3: Admin, needs app-admins"));
        browser.look("console-why").await;

        // Other rules, another answer; what was decided then stays as it was.
        browser.goto(&demo.console("/access")).await;
        browser.fill("input[name=add-role-1]", "everyone").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        browser.follow("Save").await;
        browser.text(".alert.good").await;
        open_member(browser, &demo, "Jo Park").await;
        let why = browser.text("#why").await;
        assert!(why.contains("With today’s rules and seats, a sign-in with these groups gives: Admin"), "{why}");
        browser.assert_clean().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_in_the_console_needs_a_script() {
    browse("console-no-script", async |browser| {
        let demo = Demo::start();
        come_by(browser, &demo, &["mia"]).await;
        enter(browser, &demo, "olivia", "/access").await;
        browser.allow_scripts(false).await;
        browser.reload().await;
        browser.fill("input[name=add-role-1]", "design").await;
        browser.click("input[name=add-role-1] + button").await;
        browser.see(".alert.warn p", "These changes are not saved yet.").await;
        untick(browser, "app-admins").await;
        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        browser.follow("Save").await;
        browser.see(".alert.good p", "Saved. Roles and seats follow at each person’s next sign-in.").await;
        browser.goto(&demo.console("/members?q=mia")).await;
        browser.follow("Why? Mia Santos is User").await;
        browser.see("h1", "Mia Santos").await;
        assert!(browser.text("#why").await.contains("gives: Admin · Premium, because design"));
        browser.goto(&demo.console("/activity")).await;
        browser.fill("#who", "olivia").await;
        browser.follow("Show").await;
        browser.arrive(&demo.console("/activity?text=&who=olivia&")).await;
        browser.allow_scripts(true).await;
        browser.reload().await;
        browser.assert_clean().await;
    })
    .await;
}
