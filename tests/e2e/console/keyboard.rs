//! Without a mouse: everything can be reached, in the order in which it is read, and one always sees where one is.

use thirtyfour::Key;

use super::{come_by, enter};
use crate::demo::Demo;
use crate::support::{Browser, browse};

const TAB: &[Key] = &[Key::Tab];
const ENTER: &[Key] = &[Key::Enter];
const SPACE: &[Key] = &[Key::Space];

/// What has the focus, and whether one can see that.
async fn focus(browser: &Browser) -> (String, bool) {
    browser
        .run(
            "const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
             const says = e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || e.name || e.id;
             return [says.replace(/\\s+/g, ' ').trim(), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 && box.width > 1 && box.height > 1];",
        )
        .await
}

/// Tabs on until something that says this has the focus; everything on the way is seen, too.
async fn tab_to(browser: &Browser, label: &str) -> usize {
    let mut passed = Vec::new();
    for steps in 1..120 {
        browser.press(TAB).await;
        let (says, visible) = focus(browser).await;
        assert!(visible, "{says} has the focus, and nobody sees it");
        if says.contains(label) {
            return steps;
        }
        passed.push(says);
    }
    unreachable!("{label} is not among {passed:?}");
}

#[tokio::test]
async fn a_mapping_is_changed_and_saved_by_keyboard_alone() {
    browse("console-keyboard", async |browser| {
        let demo = Demo::start();
        come_by(browser, &demo, &["mia"]).await;
        enter(browser, &demo, "olivia", "").await;
        assert_eq!(tab_to(browser, "Skip to the page").await, 1, "it is not the first thing");
        browser.press(ENTER).await;
        assert_eq!(browser.run::<String>("return document.activeElement.id").await, "main");

        // The address without `#main`: a reload would keep it, and with it where the next Tab starts.
        browser.goto(&demo.console("")).await;
        tab_to(browser, "Identity & access").await;
        browser.press(ENTER).await;
        browser.see("h1", "Identity & access").await;
        tab_to(browser, "Add a group to Admin").await;
        browser.type_in("design").await;
        // Enter in a field adds; it neither saves nor reviews.
        browser.press(ENTER).await;
        browser.see(".alert.warn p", "These changes are not saved yet.").await;
        tab_to(browser, "Review changes").await;
        browser.press(ENTER).await;
        browser.see("h1", "Review your changes").await;
        tab_to(browser, "End the sessions of everyone who changes").await;
        browser.press(SPACE).await;
        assert!(browser.run::<bool>("return document.activeElement.checked").await);
        tab_to(browser, "Save").await;
        browser.press(ENTER).await;
        browser.text(".alert.good").await;
        browser.assert_clean().await;

        // The menu of one's own opens, and closes with Escape.
        tab_to(browser, "Olivia Owens").await;
        browser.press(ENTER).await;
        tab_to(browser, "Dark").await;
        browser.press(ENTER).await;
        browser.text("html[data-theme=dark]").await;
        tab_to(browser, "Olivia Owens").await;
        browser.press(ENTER).await;
        assert!(browser.is_there("details.me[open]").await);
        browser.press(&[Key::Escape]).await;
        assert!(!browser.is_there("details.me[open]").await);
    })
    .await;
}
