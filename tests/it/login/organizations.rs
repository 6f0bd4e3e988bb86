//! One person, one browser, two organizations.

use std::time::Duration;

use usher::clock::Clock as _;
use usher::core::{OrganizationId, Settings};

use super::{DOORS, House};
use crate::support::browser::Browser;

/// Beside Acme there is Globex, with the same groups.
async fn add_globex(house: &House) {
    let stored = house.usher.store.find_settings().await.unwrap().unwrap();
    let mut settings = Settings::clone(&stored.settings);
    let mut globex = settings.organizations[0].clone();
    globex.id = OrganizationId::parse("globex").unwrap();
    "Globex".clone_into(&mut globex.name);
    settings.organizations.push(globex);
    house.usher.store.save_settings(&settings, Some(stored.revision), "test", house.clock.now()).await.unwrap();
    house.usher.refresh().await;
}

/// Each login kept what the others had been decided for, with a whole life from then on: who signed in here and there in turn was never asked again
/// what they may.
#[tokio::test]
async fn what_was_decided_for_one_organization_ends_on_time_whatever_was_entered_after_it() {
    for door in DOORS {
        let house = House::open().await;
        add_globex(&house).await;
        let mut browser = Browser::new();
        house.sign_in(&mut browser, "/page", door, "ada").await;
        assert!(house.usher.is_inside(&mut browser).await, "{door}");
        house.clock.pass(Duration::from_hours(7));

        let page = browser.open(&house.usher.site.auth(&format!("/login/{door}?return_to=%2Fadmin%2Fglobex"))).await;
        let answer = house.pick(&mut browser, &page, "ada").await;
        let console = browser.come_back(answer).await;
        assert_eq!((console.status, console.url.path()), (200, "/admin/globex"), "{}", console.text);
        browser.open(&house.usher.site.app("/page")).await;
        assert!(house.usher.is_inside(&mut browser).await, "{door}: Acme was decided this morning");

        house.clock.pass(Duration::from_hours(4));
        assert!(house.usher.is_inside(&mut browser).await, "{door}");
        house.clock.pass(Duration::from_hours(2));
        assert!(!house.usher.is_inside(&mut browser).await, "{door}: twelve hours have passed since then");
    }
}
