//! Settings: sign-in, sessions, and the times of the rules.

use std::time::Duration;

use super::{OIDC, form_to};
use crate::login::House;
use crate::support::browser::{Browser, Form, Page};

/// The form as it is, with these fields; boxes are not ticked.
fn policy(page: &Page, fields: &[(&str, &str)]) -> Form {
    fields.iter().fold(form_to(page, "/settings/policy"), |form, (name, value)| form.with(name, value))
}

/// Reviews and saves.
async fn save(house: &House, browser: &mut Browser, fields: &[(&str, &str)]) -> Page {
    let page = house.page(browser, "settings").await;
    let review = browser.submit(&page, policy(&page, fields)).await;
    assert_eq!(review.status, 200, "{}", review.text);
    browser.submit(&review, form_to(&review, "/review/save")).await
}

#[tokio::test]
async fn a_shorter_session_ends_what_is_older_at_once_and_what_comes_later_in_time() {
    let house = House::open().await;
    let mut jo = house.browser_of("jo").await;
    house.clock.pass(Duration::from_hours(2));
    assert!(house.usher.is_inside(&mut jo).await, "usher.toml allows twelve hours");
    let mut olivia = house.browser_of("olivia").await;
    let saved = save(&house, &mut olivia, &[("session_max", "1h"), ("session_idle", "30m")]).await;
    assert!(saved.text.contains("Saved."), "{}", saved.text);
    assert!(!house.usher.is_inside(&mut jo).await, "two hours old");
    assert!(house.page(&mut olivia, "settings").await.text.contains("value=\"1h\""));

    let mut jo = house.browser_of("jo").await;
    for _ in 0..2 {
        house.clock.pass(Duration::from_mins(25));
        assert!(house.usher.is_inside(&mut jo).await, "a request every 25 minutes");
    }
    house.clock.pass(Duration::from_mins(11));
    assert!(!house.usher.is_inside(&mut jo).await, "one hour and a minute");

    let mut jo = house.browser_of("jo").await;
    house.clock.pass(Duration::from_mins(31));
    assert!(!house.usher.is_inside(&mut jo).await, "idle for half an hour");
}

#[tokio::test]
async fn limits_of_sessions_stay_within_what_the_process_allows() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let page = house.page(&mut olivia, "settings").await;
    for (fields, fault) in [
        (&[("session_max", "13h")][..], "usher.toml allows 12h at most"),
        (&[("session_idle", "9h")], "usher.toml allows 8h at most"),
        (&[("session_idle", "1m")], "at least 5 minutes"),
        (&[("session_idle", "<b>")], "write a number and a unit"),
        (&[("pin_max", "-1d")], "write a number and a unit"),
        (&[("removal_percent", "101")], "from 0 to 100"),
        (&[("seat_warn", "0")], "from 1 to 100"),
        (&[("seat_warn", "101")], "from 1 to 100"),
    ] {
        let refused = olivia.submit(&page, policy(&page, fields)).await;
        assert_eq!(refused.status, 422, "{fields:?}: {}", refused.text);
        assert!(refused.text.contains(fault), "{fields:?}: {}", refused.text);
    }
    let crossed = olivia.submit(&page, policy(&page, &[("session_max", "1h"), ("session_idle", "2h")])).await;
    assert_eq!(crossed.status, 422, "{}", crossed.text);
    assert!(crossed.text.contains("cannot be idle for longer than it lasts"), "{}", crossed.text);
}

#[tokio::test]
async fn rows_54_and_60_sso_is_required_only_after_a_recovery_link_was_used_and_an_owner_signed_in() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let page = house.page(&mut olivia, "settings").await;
    assert!(page.text.contains("not yet") && page.text.contains("usher admin link --organization acme"), "{}", page.text);
    let review = olivia.submit(&page, policy(&page, &[("require_sso", "yes")])).await;
    assert!(review.text.contains("before a recovery link was tried") && review.text.contains("The save is refused"), "{}", review.text);
    let id = form_to(&review, "/review/save").value("review").to_owned();
    assert_eq!(house.post(&mut olivia, "review/save", &[("review", &id)]).await.status, 409);

    let admin = house.usher.admin(house.clock.clone());
    let link = admin.create_recovery_link(&super::super::operator(), None).await.unwrap();
    let mut by_link = Browser::new();
    let door = by_link.open(&house.usher.site.auth(&format!("/recovery/{}", link.token))).await;
    by_link.submit(&door, door.forms().remove(0)).await;
    assert!(save(&house, &mut olivia, &[("require_sso", "yes")]).await.text.contains("Saved."));
    assert_eq!(house.page(&mut by_link, "").await.status, 200, "the console is open to a recovery link");
    let app = by_link.open(&house.usher.site.app("/")).await;
    assert!(app.url.path().starts_with("/login"), "and no app is: {}", app.url);
    assert_eq!(house.sign_in(&mut Browser::new(), "/", OIDC, "olivia").await.status, 200);
}

#[tokio::test]
async fn the_times_of_the_rules_and_approval_are_saved_through_a_review() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let fields =
        [("stale_after", "45d"), ("pin_max", "7d"), ("undo_window", "36h"), ("groups_absent_grace", "0h"), ("approve_first_logins", "yes")];
    let saved = save(&house, &mut olivia, &fields).await;
    for shown in ["value=\"45d\"", "value=\"7d\"", "value=\"36h\"", "value=\"0h\"", "name=\"approve_first_logins\" value=\"yes\" checked"] {
        assert!(saved.text.contains(shown), "{shown}: {}", saved.text);
    }
    let mut jo = Browser::new();
    assert!(house.sign_in(&mut jo, "/", OIDC, "jo").await.text.contains("awaiting_approval"));
}

#[tokio::test]
async fn administrators_say_from_which_share_of_a_tier_on_they_are_told_that_seats_run_out() {
    let house = House::open().await;
    house.settings(|settings| settings.organizations[0].seat_tiers[0].owned = 4).await;
    for person in ["mia", "ada"] {
        house.browser_of(person).await;
    }
    let mut olivia = house.browser_of("olivia").await;
    let told = "1 Premium seat left of 4.";
    let three_of_four = house.page(&mut olivia, "").await;
    assert!(!three_of_four.text.contains(told), "75 % is less than the 80 % of the default: {}", three_of_four.text);
    assert!(save(&house, &mut olivia, &[("seat_warn", "75")]).await.text.contains("Saved."));
    let overview = house.page(&mut olivia, "").await;
    assert!(overview.text.contains(told), "{}", overview.text);
}
