//! Pages that were left open.

use std::time::Duration;

use crate::login::{DOORS, House};
use crate::support::browser::Browser;
use crate::support::installation::told;

/// oauth2-proxy #1736: a sign-in page from the evening before was a dead end in the morning.
#[tokio::test]
async fn a_page_left_open_for_twelve_hours_leads_on_or_says_what_to_do() {
    let night = Duration::from_hours(12);
    for door in DOORS {
        let house = House::open().await;
        // Our own page: as if it had been opened a moment ago.
        let mut browser = Browser::new();
        let choice = browser.open(&house.usher.site.app("/page")).await;
        house.clock.pass(night);
        let link = choice.find_link(&house.usher.site.auth(&format!("/login/{door}"))).unwrap();
        let page = browser.click(&choice, link).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        let page = browser.come_back(answer).await;
        assert_eq!((page.url.as_str(), told(&page).0.as_str()), (house.usher.site.app("/page").as_str(), "Admin"), "{door}");

        // The provider's page: its answer is to a question that we have forgotten, so the login begins anew, for the same page.
        let mut browser = Browser::new();
        let page = house.ask(&mut browser, "/page", door).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        house.clock.pass(night);
        let choice = browser.come_back(answer).await;
        assert_eq!((choice.status, choice.url.path()), (200, "/login"), "{door}: {}", choice.text);
        let link = choice.find_link(&house.usher.site.auth(&format!("/login/{door}"))).unwrap();
        let page = browser.click(&choice, link).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        let late = answer.clone();
        let page = browser.come_back(answer).await;
        assert_eq!((page.url.as_str(), told(&page).0.as_str()), (house.usher.site.app("/page").as_str(), "Admin"), "{door}");

        // Once: what is too late again says so, and what to do.
        for host in ["app.localhost", "auth.localhost"] {
            browser.forget(host, "__Host-usher");
        }
        house.clock.pass(Duration::from_mins(20));
        let page = browser.come_back(late).await;
        assert!(page.status == 400 && page.text.contains("login_expired"), "{door}: {} {}", page.status, page.text);
        let again = page.find_link(&house.usher.site.auth("/login")).unwrap_or_else(|| panic!("no way on: {}", page.text));
        let choice = browser.click(&page, again).await;
        assert_eq!(choice.status, 200, "{door}: {}", choice.text);
        assert_eq!(told(&house.sign_in(&mut browser, "/page", door, "ada").await).0, "Admin");
        // And the next morning is another day.
        for host in ["app.localhost", "auth.localhost"] {
            browser.forget(host, "__Host-usher");
        }
        let page = house.ask(&mut browser, "/page", door).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        house.clock.pass(night);
        assert_eq!(browser.come_back(answer).await.url.path(), "/login");
    }
}
