//! One browser, many tabs, and the back button.

use url::Url;
use usher::demo::IDP_HOST;

use super::{DOORS, House};
use crate::support::browser::Browser;
use crate::support::installation::told;

#[tokio::test]
async fn ten_tabs_that_all_sign_in_end_on_their_own_pages() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let mut waiting = Vec::new();
        for number in 0..10 {
            waiting.push(house.ask(&mut browser, &format!("/page/{number}"), door).await);
        }
        assert_eq!(browser.cookies("auth.localhost"), ["__Host-usher-tx"]);
        assert_eq!(browser.cookies("app.localhost"), ["__Host-usher-enter"]);
        for (number, page) in waiting.iter().enumerate() {
            let answer = house.pick(&mut browser, page, "ada").await;
            let page = browser.come_back(answer).await;
            assert_eq!(page.url.as_str(), house.usher.site.app(&format!("/page/{number}")), "{door}");
            assert_eq!(told(&page).0, "Admin");
        }
        assert_eq!(browser.cookies("auth.localhost").len(), 2, "{door}");
        assert_eq!(browser.cookies("app.localhost").len(), 2, "{door}");
    }
}

#[tokio::test]
async fn tabs_that_wait_at_the_sign_in_page_are_let_in_by_the_login_of_one() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let mut waiting = Vec::new();
    for number in 0..9 {
        waiting.push(browser.open(&house.usher.site.app(&format!("/page/{number}"))).await);
    }
    house.sign_in(&mut browser, "/page/9", DOORS[0], "ada").await;
    for (number, page) in waiting.iter().enumerate() {
        let page = browser.open(page.url.as_str()).await;
        assert_eq!(page.url.as_str(), house.usher.site.app(&format!("/page/{number}")));
        assert_eq!(told(&page).0, "Admin");
    }
    assert_eq!(house.usher.audit("login.admitted").await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_sent_twice_signs_in_once_and_arrives_twice() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let page = house.ask(&mut browser, "/page", door).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        for _ in 0..2 {
            let page = browser.come_back(answer.clone()).await;
            assert_eq!((page.url.as_str(), told(&page).0.as_str()), (house.usher.site.app("/page").as_str(), "Admin"), "{door}");
        }
        assert_eq!(house.usher.audit("login.admitted").await.len(), 1, "{door}");
    }
}

#[tokio::test]
async fn the_back_button_to_any_step_of_a_login_leads_into_the_app() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let page = house.ask(&mut browser, "/page", door).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        let there = browser.come_back(answer).await;
        let is_page = |url: &&Url| url.host_str() != Some(IDP_HOST) && !url.path().ends_with("/acs");
        for step in there.trail.iter().filter(is_page) {
            let page = browser.open(step.as_str()).await;
            assert_eq!(page.status, 200, "{door} {step}: {}", page.text);
            let (app, auth) = (house.usher.site.app("/"), house.usher.site.auth("/"));
            assert!(page.url.as_str().starts_with(&app) || page.url.as_str() == auth, "{door} {step} -> {}", page.url);
        }
        assert!(house.usher.is_inside(&mut browser).await);
    }
}

#[tokio::test]
async fn of_two_tabs_that_an_outage_interrupted_the_second_is_let_in_by_the_login_of_the_first() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let [first, second] = interrupted(&house, &mut browser, ["/page/1", "/page/2"].map(|path| house.usher.site.app(path)), door).await;
        let page = browser.open(first.as_str()).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        assert_eq!(told(&browser.come_back(answer).await).0, "Admin", "{door}");
        let cookies = |browser: &Browser| ["auth.localhost", "app.localhost"].map(|host| browser.cookie(host, "__Host-usher").unwrap());
        let session = cookies(&browser);
        for (number, tab) in [(2, second), (1, first)] {
            let page = browser.open(tab.as_str()).await;
            assert_eq!(page.url.as_str(), house.usher.site.app(&format!("/page/{number}")), "{door}");
            assert_eq!(told(&page).0, "Admin", "{door}");
            assert!(page.trail.iter().all(|url| url.host_str() != Some(IDP_HOST)), "{door}: {:?}", page.trail);
        }
        assert_eq!(cookies(&browser), session, "{door}: the session of the first tab stays");
        assert_eq!(house.usher.audit("login.admitted").await.len(), 1, "{door}");
    }
}

#[tokio::test]
async fn an_interrupted_login_that_has_to_be_fresh_leads_to_the_provider_again_whoever_is_signed_in() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        house.sign_in(&mut browser, "/page", door, "ada").await;
        let fresh = house.usher.site.auth(&format!("/login/{door}?return_to=%2F&fresh=true"));
        let [tab] = interrupted(&house, &mut browser, [fresh], door).await;
        let page = browser.open(tab.as_str()).await;
        assert_eq!(page.url.host_str(), Some(IDP_HOST), "{door}: {} {}", page.url, page.text);
        assert!(page.trail.iter().any(|url| url.query().is_some_and(|query| query.ends_with("fresh=true"))), "{door}: {:?}", page.trail);
    }
}

/// Where tabs are that were opened at these addresses, and whose logins an outage of the database met after the provider.
async fn interrupted<const N: usize>(house: &House, browser: &mut Browser, starts: [String; N], door: &str) -> [Url; N] {
    house.usher.break_store();
    let mut stopped = Vec::new();
    for start in starts {
        let mut page = browser.open(&start).await;
        if let Some(link) = page.find_link(&house.usher.site.auth(&format!("/login/{door}"))) {
            page = browser.click(&page, link).await;
        }
        let answer = house.pick(browser, &page, "ada").await;
        let page = browser.come_back(answer).await;
        assert_eq!(page.status, 503, "{door}: {} {}", page.url, page.text);
        stopped.push(page.url);
    }
    house.usher.mend_store();
    stopped.try_into().unwrap()
}
