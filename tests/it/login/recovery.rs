//! A recovery link in a browser: what it shows, what it opens, and what it does not.

use std::time::Duration;

use jiff::SignedDuration;
use usher::admin::recovery_key;
use usher::clock::Clock as _;
use usher::core::{EmailAddress, OrganizationId};
use usher::store::{NewRecoveryLink, RequestOrigin};

use super::{DOORS, House};
use crate::support::ask::Ask;
use crate::support::browser::{Browser, Page};

const SECRET: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE";

impl House {
    /// A link for Olivia, who has never come; its address.
    async fn recovery_link(&self, secret: &str) -> String {
        let now = self.clock.now();
        let link = NewRecoveryLink {
            key: recovery_key(secret),
            organization: &OrganizationId::parse("acme").unwrap(),
            email: &EmailAddress::parse("olivia@acme.example").unwrap(),
            expires_at: now + SignedDuration::from_mins(15),
            actor: "cli",
            origin: &RequestOrigin::default(),
            now,
        };
        self.usher.store.create_recovery_link(link).await.unwrap();
        self.usher.site.auth(&format!("/recovery/{secret}"))
    }

    async fn use_link(&self, browser: &mut Browser, link: &str) -> Page {
        let page = browser.open(link).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let form = page.forms().remove(0);
        browser.submit(&page, form).await
    }

    async fn require_sso(&self) {
        let stored = self.usher.store.find_settings().await.unwrap().unwrap();
        let mut settings = (*stored.settings).clone();
        settings.organizations[0].policy.require_sso = true;
        self.usher.store.save_settings(&settings, Some(stored.revision), "cli", self.clock.now()).await.unwrap();
        self.usher.refresh().await;
    }
}

#[tokio::test]
async fn looking_at_a_link_does_not_use_it_up_and_using_it_leads_to_the_console() {
    let house = House::open().await;
    let link = house.recovery_link(SECRET).await;
    for _ in 0..3 {
        assert_eq!(Browser::new().open(&link).await.status, 200, "a program that looks at links");
    }
    let mut browser = Browser::new();
    let console = house.use_link(&mut browser, &link).await;
    assert_eq!((console.status, console.url.path()), (200, "/admin/acme"), "{}", console.text);
    assert!(console.text.contains("signed in with a recovery link"), "{}", console.text);
    let again = Browser::new().open(&link).await;
    assert_eq!(again.status, 410);
    assert!(again.text.contains("This link does not work"));
}

#[tokio::test]
async fn wrong_used_and_old_links_get_the_same_page() {
    let house = House::open().await;
    let link = house.recovery_link(SECRET).await;
    house.use_link(&mut Browser::new(), &link).await;
    let mut old = house.recovery_link(&"o".repeat(43)).await;
    house.clock.pass(Duration::from_mins(15));
    let wrong = house.usher.site.auth(&format!("/recovery/{}", "w".repeat(43)));
    let malformed = house.usher.site.auth("/recovery/short");
    old.push('?');
    let mut seen = Vec::new();
    for address in [link, old, wrong, malformed] {
        let page = Browser::new().open(&address).await;
        let plain = page.text.split("<dt>Reference").next().unwrap().to_owned();
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        seen.push((page.status, plain));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

#[tokio::test]
async fn another_site_cannot_press_the_button() {
    let house = House::open().await;
    let link = house.recovery_link(SECRET).await;
    let port = house.usher.site.port;
    let press = Ask::to(&format!("auth.localhost:{port}"), "POST", &format!("/recovery/{SECRET}"));
    let press = press.header("Sec-Fetch-Site", "cross-site").header("Origin", "https://evil.example");
    assert_eq!(press.send(([127, 0, 0, 1], port).into()).await.status, 403);
    assert_eq!(Browser::new().open(&link).await.status, 200, "the link still works");
}

/// What a look at a link is answered to somebody with this address.
async fn look(house: &House, address: u8, secret: &str) -> u16 {
    let ask = Ask::to("auth.localhost", "GET", &format!("/recovery/{secret}")).header("Connection", "close");
    house.usher.public_from([127, 0, 0, address], ask).await.status
}

#[tokio::test]
async fn an_address_that_tries_links_without_end_is_stopped_and_no_other() {
    let house = House::open().await;
    house.recovery_link(SECRET).await;
    let wrong = |number: usize| format!("{number:0>43}");
    for number in 0..30 {
        assert_eq!(look(&house, 1, &wrong(number)).await, 410, "{number}");
    }
    assert_eq!(look(&house, 1, &wrong(30)).await, 429, "another link each time");
    assert_eq!(look(&house, 1, SECRET).await, 429);
    assert_eq!(look(&house, 2, SECRET).await, 200);
    house.clock.pass(Duration::from_mins(10));
    assert_eq!(look(&house, 1, SECRET).await, 200);
}

#[tokio::test]
async fn a_link_that_is_tried_from_everywhere_is_closed_for_a_while_and_no_other() {
    let house = House::open().await;
    house.recovery_link(SECRET).await;
    for address in 1..=30 {
        assert_eq!(look(&house, address, SECRET).await, 200, "{address}");
    }
    assert_eq!(look(&house, 31, SECRET).await, 429, "another address each time");
    assert_eq!(look(&house, 31, &"o".repeat(43)).await, 410, "of another they learn at once that there is none");
    house.clock.pass(Duration::from_mins(10));
    assert_eq!(look(&house, 31, SECRET).await, 200);
}

#[tokio::test]
async fn apps_are_open_to_a_recovery_session_until_sign_in_is_required() {
    let house = House::open().await;
    let link = house.recovery_link(SECRET).await;
    let mut browser = Browser::new();
    house.use_link(&mut browser, &link).await;
    let app = house.usher.ask_to_sign_in(&mut browser).await;
    assert_eq!((app.status, app.url.host_str()), (200, Some("app.localhost")), "{}", app.text);
    house.sign_in(&mut Browser::new(), "/", DOORS[0], "olivia").await;
    house.require_sso().await;
    assert!(!house.usher.is_inside(&mut browser).await, "what was open is closed");
    let asked = house.usher.ask_to_sign_in(&mut browser).await;
    assert_eq!((asked.url.host_str(), asked.url.path()), (Some("auth.localhost"), "/login"), "only a real sign-in may");
    let console = browser.open(&house.usher.site.auth("/admin/acme")).await;
    assert_eq!(console.status, 200, "the console stays open");
}

#[tokio::test]
async fn a_recovery_session_lasts_an_hour_and_says_so() {
    let house = House::open().await;
    let link = house.recovery_link(SECRET).await;
    let mut browser = Browser::new();
    house.use_link(&mut browser, &link).await;
    let account = browser.open(&house.usher.site.auth("/")).await;
    assert_eq!(account.status, 200, "the account page works without a provider: {}", account.text);
    house.clock.pass(Duration::from_mins(59));
    assert_eq!(browser.open(&house.usher.site.auth("/admin/acme")).await.url.path(), "/admin/acme");
    house.clock.pass(Duration::from_mins(1));
    assert_eq!(browser.open(&house.usher.site.auth("/admin/acme")).await.url.path(), "/login");
}
