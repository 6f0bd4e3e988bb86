//! What happened: narrowed by an address that can be sent to a colleague, and taken along as a file.

use super::{come_by, enter};
use crate::demo::Demo;
use crate::support::browse;

#[tokio::test]
async fn a_filter_is_an_address_that_shows_a_colleague_the_same_and_downloads_the_same() {
    browse("console-activity", async |browser| {
        let demo = Demo::start();
        come_by(browser, &demo, &["jo", "noah"]).await;
        enter(browser, &demo, "olivia", "/activity").await;
        browser.fill("#text", "noah").await;
        // The list follows while one types, and so does the address.
        browser.arrive(&demo.console("/activity?")).await;
        browser.see_number("#list .log > li", 1).await;
        let found = browser.text("#list").await;
        assert!(found.contains("noah@acme.example was refused") && !found.contains("Jo Park"), "{found}");
        browser.assert_clean().await;
        let address = browser.url().await;
        let csv = browser.download("a[href*='format=csv']").await;
        assert_eq!(csv.lines().count(), 2, "a heading and one line:\n{csv}");
        assert!(csv.contains("event,actor") && csv.contains("no_role_group"), "{csv}");

        browse("console-activity-ada", async |colleague| {
            enter(colleague, &demo, "ada", "").await;
            colleague.goto(&address).await;
            assert_eq!(colleague.text("#list").await.lines().next(), found.lines().next());
        })
        .await;
    })
    .await;
}
