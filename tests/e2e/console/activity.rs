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
        browse("console-activity-ada", async |colleague| {
            enter(colleague, &demo, "ada", "").await;
            colleague.goto(&address).await;
            colleague.see_number("#list .log > li", 1).await;
            assert!(colleague.text("#list").await.contains("noah@acme.example was refused"));
        })
        .await;

        // The file begins with the line that says that it was taken, for the word was looked for.
        let csv = browser.download("a[href*='format=csv']").await;
        let events: Vec<&str> =
            csv.lines().filter_map(|line| ["activity.exported", "login.refused"].into_iter().find(|event| line.contains(event))).collect();
        assert_eq!((csv.lines().count(), events), (3, vec!["activity.exported", "login.refused"]), "{csv}");
    })
    .await;
}
