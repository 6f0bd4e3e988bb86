//! The danger zone asks for a fresh sign-in, and for the provider's word that it is one.

use std::time::Duration;

use super::OIDC;
use crate::login::{DOORS, House};
use crate::support::browser::{Browser, Page};
use crate::support::saml_house::SamlHouse;

/// Opens the relink window, which needs a fresh sign-in first and the highest role then.
async fn dare(browser: &mut Browser, auth: &str, connection: &str) -> Page {
    let address = format!("{auth}/admin/acme/connections/{connection}/relink");
    browser.post_from(&address.parse().unwrap(), &address, &[("act", "open"), ("hours", "1")]).await
}

#[tokio::test]
async fn a_providers_old_session_is_no_fresh_sign_in() {
    let house = SamlHouse::open("").await;
    let auth = house.usher.site.auth("");
    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft).await;
    let fresh = dare(&mut browser, &auth, "okta").await;
    assert_eq!(fresh.status, 409, "an Admin may not, but the sign-in is fresh: {}", fresh.text);

    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft.edit("AuthnInstant=\"2026-11-24T09:59:58Z\"", "AuthnInstant=\"2026-11-24T06:00:00Z\"")).await;
    let stale = dare(&mut browser, &auth, "okta").await;
    assert_eq!(stale.status, 403, "{}", stale.text);
    assert!(stale.text.contains("Your provider did not ask you again"), "{}", stale.text);
}

#[tokio::test]
async fn signing_in_again_tells_the_provider_to_ask_anew_and_opens_the_danger_zone() {
    let house = House::open().await;
    let auth = house.usher.site.auth("");
    let mut olivia = house.browser_of("olivia").await;
    house.clock.pass(Duration::from_mins(11));
    let refused = dare(&mut olivia, &auth, OIDC).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let again = refused.find_link(&format!("{auth}/login/{OIDC}?fresh=true")).unwrap();
    let leave = olivia.visit(again.as_str()).await.location().unwrap();
    let asked: Vec<(String, String)> = leave.query_pairs().into_owned().collect();
    for wanted in [("prompt", "login"), ("max_age", "0")] {
        assert!(asked.contains(&(wanted.0.to_owned(), wanted.1.to_owned())), "{asked:?}");
    }
    let picker = olivia.click(&refused, again).await;
    let answer = house.pick(&mut olivia, &picker, "olivia").await;
    let back = olivia.come_back(answer).await;
    assert!(back.url.path().starts_with("/admin/acme"), "{}", back.url);
    assert_eq!(dare(&mut olivia, &auth, OIDC).await.status, 200);
}

#[tokio::test]
async fn a_recovery_link_is_no_fresh_sign_in() {
    let house = House::open().await;
    let admin = house.usher.admin(house.clock.clone());
    let link = admin.create_recovery_link(&super::super::operator(), None).await.unwrap();
    let mut browser = Browser::new();
    let page = browser.open(&house.usher.site.auth(&format!("/recovery/{}", link.token))).await;
    browser.submit(&page, page.forms().remove(0)).await;
    assert_eq!(dare(&mut browser, &house.usher.site.auth(""), DOORS[0]).await.status, 403);
}
