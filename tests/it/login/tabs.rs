//! One browser, many tabs, and the back button.

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
        let is_page = |url: &&url::Url| url.host_str() != Some(IDP_HOST) && !url.path().ends_with("/acs");
        for step in there.trail.iter().filter(is_page) {
            let page = browser.open(step.as_str()).await;
            assert_eq!(page.status, 200, "{door} {step}: {}", page.text);
            let (app, auth) = (house.usher.site.app("/"), house.usher.site.auth("/"));
            assert!(page.url.as_str().starts_with(&app) || page.url.as_str() == auth, "{door} {step} -> {}", page.url);
        }
        assert!(house.usher.is_inside(&mut browser).await);
    }
}
