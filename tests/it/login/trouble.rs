//! Logins that take too long, go round in circles, or have no provider.

use std::time::Duration;

use usher::core::PendingLogin;
use usher::demo::IDP_HOST;

use super::{DOORS, House};
use crate::support::browser::Browser;
use crate::support::installation::{CONNECTION, Installation, Site, told};
use crate::support::port::free_port;

#[tokio::test]
async fn a_login_page_left_open_too_long_begins_anew_and_signs_nobody_in() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let page = house.ask(&mut browser, "/page", door).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        house.clock.pass(PendingLogin::TTL + Duration::from_secs(1));
        let page = browser.come_back(answer).await;
        assert_eq!((page.status, page.url.path()), (200, "/login"), "{door}: it begins anew: {}", page.text);
        assert!(page.find_link(&house.usher.site.auth(&format!("/login/{door}"))).is_some(), "{door}: {}", page.text);
        assert!(house.usher.find_member("ada").await.is_none());
        assert_eq!(told(&house.sign_in(&mut browser, "/page", door, "ada").await).0, "Admin");
    }
}

#[tokio::test]
async fn a_browser_that_signs_in_for_the_same_page_again_and_again_is_told_why() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let mut logins = 0;
    loop {
        let page = house.sign_in(&mut browser, "/page", DOORS[0], "ada").await;
        if page.status != 200 {
            assert_eq!(page.status, 400);
            assert!(page.text.contains("login_loop"), "{}", page.text);
            break;
        }
        logins += 1;
        assert!(logins < 10, "nothing stops the loop");
        // Something between the browser and us loses the sessions.
        browser.forget("app.localhost", "__Host-usher");
        browser.forget("auth.localhost", "__Host-usher");
    }
    assert_eq!(logins, 3);
    assert_eq!(told(&house.sign_in(&mut browser, "/another", DOORS[0], "ada").await).0, "Admin");
    browser.forget("app.localhost", "__Host-usher");
    browser.forget("auth.localhost", "__Host-usher");
    house.clock.pass(Duration::from_mins(1));
    assert_eq!(told(&house.sign_in(&mut browser, "/page", DOORS[0], "ada").await).0, "Admin");
}

#[tokio::test]
async fn a_login_that_a_database_outage_stops_five_times_within_a_minute_is_no_loop_and_works_afterwards() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let page = house.ask(&mut browser, "/page", door).await;
        house.usher.break_store();
        let mut answer = house.pick(&mut browser, &page, "ada").await;
        for round in 1..=5 {
            let page = browser.come_back(answer).await;
            assert_eq!(page.status, 503, "{door}, round {round}: {}", page.text);
            let page = browser.open(page.url.as_str()).await;
            assert_eq!(page.url.host_str(), Some(IDP_HOST), "{door}, round {round}: {}", page.text);
            answer = house.pick(&mut browser, &page, "ada").await;
        }
        house.usher.mend_store();
        let page = browser.come_back(answer).await;
        assert_eq!((page.url.as_str(), told(&page).0.as_str()), (house.usher.site.app("/page").as_str(), "Admin"), "{door}");
    }
}

/// A gateway whose one provider is not there.
async fn alone(protocol: &str) -> Installation {
    let connection =
        format!("[[connection]]\nid = \"{CONNECTION}\"\nname = \"Okta\"\ndomains = [\"acme.example\"]\ninternal = true\n{protocol}");
    Installation::start(Site::new(), &connection).await
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_named_and_nothing_else_stops() {
    let gone = format!("http://127.0.0.1:{}", free_port());
    for protocol in [
        format!("protocol = \"saml\"\nidp_metadata = \"{gone}/metadata\""),
        format!("protocol = \"oidc\"\nissuer = \"{gone}\"\nclient_id = \"usher\"\nclient_secret = \"secret\""),
    ] {
        let usher = alone(&protocol).await;
        let mut browser = Browser::new();
        let page = usher.ask_to_sign_in(&mut browser).await;
        assert_eq!(page.status, 502, "{protocol}: {}", page.text);
        assert!(page.text.contains("Okta") && page.text.contains("provider_unreachable"), "{}", page.text);
        assert!(!page.text.contains("127.0.0.1"), "the page says where the provider is: {}", page.text);
        assert_eq!(browser.open(&usher.site.auth("/login")).await.status, 200);
        assert_eq!(browser.open(&usher.site.auth("/.well-known/jwks.json")).await.status, 200);
    }
}

#[tokio::test]
async fn a_program_gets_401_and_the_address_where_a_person_can_sign_in() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let answer = browser.fetch(&house.usher.site.app("/api/orders?page=2")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    let page = browser.open(body["login_url"].as_str().unwrap()).await;
    let link = page.find_link(&house.usher.site.auth("/login/")).unwrap();
    let page = browser.click(&page, link).await;
    let answer = house.pick(&mut browser, &page, "ada").await;
    let page = browser.come_back(answer).await;
    assert_eq!((page.url.as_str(), told(&page).0.as_str()), (house.usher.site.app("/api/orders?page=2").as_str(), "Admin"));
}
