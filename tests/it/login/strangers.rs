//! Messages that come to another browser than the one that asked (login CSRF, RFC 9700 4.7).

use usher::core::Reason;

use super::{DOORS, House};
use crate::support::browser::Browser;

#[tokio::test]
async fn an_answer_that_another_browser_asked_for_signs_nobody_in() {
    for door in DOORS {
        let house = House::open().await;
        let mut attacker = Browser::new();
        let page = house.ask(&mut attacker, "/page", door).await;
        let answer = house.pick(&mut attacker, &page, "mia").await;

        // The victim has a login of their own under way.
        let mut victim = Browser::new();
        house.ask(&mut victim, "/page", door).await;
        let page = victim.come_back(answer).await;
        assert_eq!(page.status, 400, "{door}: {}", page.text);
        assert_eq!(victim.cookie("auth.localhost", "__Host-usher"), None, "{door}");
        assert!(!house.usher.is_inside(&mut victim).await);
        assert!(house.usher.find_member("mia").await.is_none());
        let [line] = &house.usher.audit("login.refused").await[..] else { panic!("{door}: not one line") };
        assert_eq!((line.reason, line.detail["code"].as_str()), (Some(Reason::AuthInvalid), Some("another_browser")));
    }
}

#[tokio::test]
async fn an_answer_in_a_browser_without_our_cookie_signs_nobody_in() {
    for door in DOORS {
        let house = House::open().await;
        let mut browser = Browser::new();
        let page = house.ask(&mut browser, "/page", door).await;
        let answer = house.pick(&mut browser, &page, "mia").await;
        let mut stranger = Browser::new();
        let page = stranger.come_back(answer.clone()).await;
        assert_eq!(page.status, 400, "{door}: {}", page.text);
        assert!(page.text.contains("cookies_blocked") || page.text.contains("cookie_missing"), "{door}: {}", page.text);
        assert!(!house.usher.is_inside(&mut stranger).await);
        assert!(house.usher.find_member("mia").await.is_none());
    }
}

#[tokio::test]
async fn a_ticket_in_another_browser_is_worth_nothing() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let page = house.ask(&mut browser, "/page", DOORS[0]).await;
    let answer = house.pick(&mut browser, &page, "ada").await;
    let form = answer.form("SAMLResponse");
    let parked = browser.send(&answer, form).await;
    let ticket = browser.follow_until(parked, |url| url.path() == "/.usher/enter").await.location().unwrap();
    let mut stranger = Browser::new();
    let page = stranger.open(ticket.as_str()).await;
    assert!(page.status >= 400 || page.url.host_str() == Some("auth.localhost"), "{} {}", page.url, page.text);
    assert!(!house.usher.is_inside(&mut stranger).await);
}
