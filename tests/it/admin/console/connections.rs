//! Connections: on and off, the relink window, and what the operator's file has locked.

use std::sync::Arc;
use std::time::Duration;

use usher::clock::{Clock as _, SystemClock};

use super::{OIDC, SAML, form_to};
use crate::login::House;
use crate::support::browser::{Browser, Page};
use crate::support::gateway::TurnedClock;
use crate::support::installation::Installation;

async fn turn(house: &House, browser: &mut Browser, connection: &str, enabled: &str) -> Page {
    house.post(browser, &format!("connections/{connection}/switch"), &[("enabled", enabled)]).await
}

async fn is_open(house: &House, connection: &str) -> bool {
    Browser::new().visit(&house.usher.site.auth(&format!("/login/{connection}"))).await.status == 303
}

/// Tries a connection as an administrator does.
async fn test(house: &House, browser: &mut Browser, connection: &str) -> Page {
    let picker = browser.open(&house.console(&format!("connections/{connection}/test/start"))).await;
    let answer = house.pick(browser, &picker, "jo").await;
    browser.come_back(answer).await
}

#[tokio::test]
async fn a_connection_is_turned_off_after_a_review_and_on_again() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    assert!(is_open(&house, SAML).await);
    let review = turn(&house, &mut olivia, SAML, "false").await;
    assert!(review.text.contains("Turn off Acme over SAML"), "{}", review.text);
    assert!(is_open(&house, SAML).await, "a review changes nothing");
    let saved = olivia.submit(&review, form_to(&review, "/review/save")).await;
    assert_eq!((saved.status, saved.url.path()), (200, "/admin/acme/connections/demo-saml"), "{}", saved.text);
    assert!(!is_open(&house, SAML).await);

    // Nobody has signed in through it: it is tried first.
    let untried = turn(&house, &mut olivia, SAML, "true").await;
    assert_eq!(untried.status, 409, "{}", untried.text);
    assert!(untried.text.contains("test it first"), "{}", untried.text);
    assert!(house.page(&mut olivia, "connections/demo-saml").await.text.contains("test it</a> first"));
    let tested = test(&house, &mut olivia, SAML).await;
    assert!(tested.text.contains("What a sign-in would do"), "{}", tested.text);
    let review = turn(&house, &mut olivia, SAML, "true").await;
    let saved = olivia.submit(&review, form_to(&review, "/review/save")).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert!(is_open(&house, SAML).await);
}

#[tokio::test]
async fn the_last_way_in_of_an_owner_is_not_turned_off() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    house.close_windows().await;
    let review = turn(&house, &mut olivia, OIDC, "false").await;
    assert!(review.text.contains("This is the last way in of Olivia Owens (Owner)"), "{}", review.text);
    assert!(review.text.contains("The save is refused"), "{}", review.text);
    // The form is not offered; whoever sends it all the same is refused.
    let id = form_to(&review, "/review/save").value("review").to_owned();
    let forced = house.post(&mut olivia, "review/save", &[("review", &id), ("organization_name", "Acme")]).await;
    assert_eq!(forced.status, 409, "{}", forced.text);
    assert!(is_open(&house, OIDC).await);
}

#[tokio::test]
async fn an_old_sign_in_turns_nothing_and_opens_no_window() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let review = turn(&house, &mut olivia, SAML, "false").await;
    house.clock.pass(Duration::from_mins(11));
    let late = olivia.submit(&review, form_to(&review, "/review/save")).await;
    assert_eq!(late.status, 403, "reviewed in time, saved too late: {}", late.text);
    for (leaf, fields) in [
        ("connections/demo-saml/switch", &[("enabled", "false")][..]),
        ("connections/demo-saml/relink", &[("act", "open"), ("hours", "8")]),
        ("connections/demo-saml/relink", &[("act", "close")]),
    ] {
        let refused = house.post(&mut olivia, leaf, fields).await;
        assert_eq!(refused.status, 403, "{leaf}: {}", refused.text);
        assert!(refused.text.contains("Sign in once more for this"), "{}", refused.text);
    }
    assert!(is_open(&house, SAML).await);
}

#[tokio::test]
async fn a_relink_window_is_opened_for_some_hours_shown_and_closed() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    house.close_windows().await;
    let page = house.page(&mut olivia, "connections/demo-saml/relink").await;
    assert!(page.text.contains("Closed: a new name"), "{}", page.text);
    for hours in ["73", "0", "-8", "x", ""] {
        let refused = olivia.submit(&page, form_to(&page, "/relink").with("act", "open").with("hours", hours)).await;
        assert!([400, 422].contains(&refused.status), "{hours}: {} {}", refused.status, refused.text);
    }
    let open = olivia.submit(&page, form_to(&page, "/relink").with("act", "open").with("hours", "72")).await;
    assert!(open.text.contains("Open until"), "{}", open.text);
    assert!(house.page(&mut olivia, "connections/demo-saml").await.text.contains("relink window is open"));
    // Olivia came over OpenID Connect; inside the window she is the same person over SAML.
    let mut other = Browser::new();
    assert_eq!(house.sign_in(&mut other, "/", SAML, "olivia").await.status, 200);
    let closed = olivia.submit(&open, form_to(&open, "/relink").with("act", "close")).await;
    assert!(closed.text.contains("Closed: a new name"), "{}", closed.text);
    assert_eq!(house.sign_in(&mut Browser::new(), "/", OIDC, "ada").await.status, 200);
    assert_eq!(house.sign_in(&mut Browser::new(), "/", SAML, "ada").await.status, 403, "closed");
}

#[tokio::test]
async fn row_51_a_look_ahead_names_who_would_not_be_found() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    for person in ["ada", "jo", "mia"] {
        house.browser_of(person).await;
    }
    let page = house.page(&mut olivia, "connections/demo-saml/relink").await;
    let form = form_to(&page, "/preflight").with("from", OIDC);
    let known = olivia.submit(&page, form.clone()).await;
    assert!(known.text.contains("Unmatched <span class=\"muted\">0"), "{}", known.text);
    let there = "olivia@acme.example, Ada@acme.example\nmia@acme.example;MIA@acme.example";
    let looked = olivia.submit(&page, form.clone().with("there", there)).await;
    let list = |title: &str| looked.text.split(title).nth(1).unwrap().split("</section>").next().unwrap().to_owned();
    assert!(list(">Unmatched").contains("Jo Park"), "{}", looked.text);
    assert!(list(">Duplicate").contains("Mia Santos"), "{}", looked.text);
    assert!(list(">Differs in case only").contains("Ada Lovelace"), "{}", looked.text);
    assert!(list(">Ready").contains("Olivia Owens"), "{}", looked.text);
    let nonsense = olivia.submit(&page, form.clone().with("there", "<script>")).await;
    assert_eq!(nonsense.status, 422, "{}", nonsense.text);
    assert!(nonsense.text.contains("&#60;script&#62;”"), "{}", nonsense.text);
    assert_eq!(olivia.submit(&page, form.with("from", "nowhere")).await.status, 404);
}

#[tokio::test]
async fn what_stands_in_the_operators_file_is_shown_and_not_changed_here() {
    let clock = Arc::new(TurnedClock::standing_at(SystemClock.now()));
    let usher = Installation::demo_with(clock.clone(), |config| config.org_file = Some("/etc/usher/org.toml".into())).await;
    let house = House { usher, clock };
    let mut olivia = house.browser_of("olivia").await;
    for leaf in ["access", "connections/demo-saml"] {
        let page = house.page(&mut olivia, leaf).await;
        assert!(page.text.contains("/etc/usher/org.toml"), "{leaf}: {}", page.text);
        assert!(!page.text.contains("Review changes") && !page.text.contains("Turn off"), "{leaf}: {}", page.text);
    }
    for (leaf, fields) in
        [("access", &[("act", "review"), ("mode", "manual")][..]), ("connections/demo-saml/switch", &[("enabled", "false")])]
    {
        let refused = house.post(&mut olivia, leaf, fields).await;
        assert_eq!(refused.status, 409, "{leaf}: {}", refused.text);
        assert!(refused.text.contains("is set in /etc/usher/org.toml on the host"), "{}", refused.text);
    }
}
