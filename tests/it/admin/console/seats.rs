//! Seats: the forecast, and who took the last.

use super::form_to;
use crate::login::House;

#[tokio::test]
async fn a_tier_shows_what_it_would_need_and_who_took_the_last_seat() {
    let house = House::open().await;
    house.settings(|settings| settings.organizations[0].seat_tiers[0].owned = 2).await;
    let mut olivia = house.browser_of("olivia").await;
    for person in ["ada", "mia"] {
        house.clock.pass(std::time::Duration::from_mins(1));
        house.browser_of(person).await;
    }
    let page = house.page(&mut olivia, "seats").await;
    // Ada and Mia by group, and Olivia has the second of two.
    assert!(page.text.contains("<dt>Forecast</dt><dd>2 of 2"), "{}", page.text);
    assert!(page.text.contains("Took the last") && page.text.contains("Ada Lovelace"), "{}", page.text);
    house.settings(|settings| settings.organizations[0].seat_tiers[0].owned = 1).await;
    let short = house.page(&mut olivia, "seats").await;
    assert!(short.text.contains("<dt>Forecast</dt><dd>2 of 1 <span class=\"badge warn\">too few</span>"), "{}", short.text);
}

#[tokio::test]
async fn row_14_a_stale_seat_is_reclaimed_with_one_click() {
    let house = House::open().await;
    house.browser_of("jo").await;
    house.clock.pass(std::time::Duration::from_hours(31 * 24));
    let mut olivia = house.browser_of("olivia").await;
    let page = house.page(&mut olivia, "seats").await;
    assert!(page.text.contains("Jo Park"), "{}", page.text);
    let after = olivia.submit(&page, form_to(&page, "/reclaim")).await;
    assert!(after.text.contains("Everybody with a seat was here lately"), "{}", after.text);
    assert_eq!(house.usher.find_member("jo").await.unwrap().seat, None);
}
