//! Who gets what: the whole table, for every kind of visitor.

use std::time::Duration;

use super::routes::{PICKER, Route, TABLE, find};
use super::{House, OWN, Things, cookie, operator, post};

/// Longer than a sign-in stays fresh.
const STALE: Duration = Duration::from_mins(11);
/// Longer than any session lives.
const LIFETIME: Duration = Duration::from_hours(13);

/// Somebody who administers nothing in Acme, with the cookie that they send and what they are answered.
type Outsider = (&'static str, Option<String>, u16);

impl House {
    /// `elsewhere` is another installation. An installation has one parent organization, so it is another parent, too.
    async fn outsiders(&self, elsewhere: &Self) -> Vec<Outsider> {
        let expired = self.session("ada").await;
        self.clock.pass(LIFETIME);
        elsewhere.clock.pass(LIFETIME);
        let member = |person| async move { cookie(&self.sign_in(person, "/").await.0) };
        let removed = self.session("sam").await;
        let sam = self.usher.find_member("sam").await.unwrap();
        self.admin.remove_members(&operator(), &[sam.id], false).await.unwrap();
        let demoted = member("lena").await;
        let lena = self.usher.find_member("lena").await.unwrap();
        self.pin(lena.id, "Admin").await;
        let overview = find("GET", "/admin/{organization}");
        assert_eq!(self.send(overview, "acme", &Things::new(), Some(&demoted), &OWN).await.status, 200);
        self.pin(lena.id, "User").await;
        let signed_out = {
            let (mut browser, page) = self.sign_in("ada", "/admin/acme").await;
            let kept = cookie(&browser);
            post(&mut browser, &page, &self.usher.site.auth("/logout"), &[]).await;
            kept
        };
        let labs = cookie(&self.sign_in("mia", "/admin/labs").await.0);
        vec![
            ("a stranger", None, 303),
            ("a cookie that never was", Some("A".repeat(22)), 303),
            ("a session of another installation", Some(elsewhere.session("olivia").await), 303),
            ("a session that has expired", Some(expired), 303),
            ("a session that was signed out", Some(signed_out), 303),
            ("an Admin who was removed since", Some(removed), 303),
            ("an Admin who was demoted since", Some(demoted), 404),
            ("a User", Some(member("jo").await), 404),
            ("an Owner of another organization", Some(labs), 404),
        ]
    }
}

#[tokio::test]
async fn nobody_but_an_administrator_of_the_organization_gets_a_page_or_changes_anything() {
    let (house, elsewhere) = (House::open().await, House::open().await);
    house.session("olivia").await;
    let outsiders = house.outsiders(&elsewhere).await;
    for route in TABLE {
        let things = house.things(route).await;
        let before = (house.everything("acme").await, house.acts().await);
        for (who, cookie, status) in &outsiders {
            let reply = house.send(route, "acme", &things, cookie.as_deref(), &OWN).await;
            assert_eq!(reply.status, *status, "{who} at {} {}: {reply:?}", route.method, route.path);
            if *status == 303 {
                assert!(reply.header("location").unwrap().starts_with("/login?"), "{who} at {}: {reply:?}", route.path);
            }
            assert!(!reply.body.contains("Victim"), "{who} at {} {} reads {}", route.method, route.path, reply.body);
        }
        assert_eq!((house.everything("acme").await, house.acts().await), before, "{} {} changed something", route.method, route.path);
    }
}

#[tokio::test]
async fn outside_of_every_organization_there_is_only_the_way_in_and_the_colours() {
    let (house, elsewhere) = (House::open().await, House::open().await);
    for (who, cookie, status) in house.outsiders(&elsewhere).await {
        let reply = house.send(&PICKER, "", &Things::new(), cookie.as_deref(), &OWN).await;
        let expected = if who == "an Owner of another organization" { 303 } else { status };
        assert_eq!(reply.status, expected, "{who}: {reply:?}");
    }
}

/// What one administrator is answered by the whole table.
async fn walk(house: &House, session: &str, expected: impl Fn(&Route) -> u16) {
    for route in TABLE {
        let things = house.things(route).await;
        let reply = house.send(route, "acme", &things, Some(session), &OWN).await;
        assert_eq!(reply.status, expected(route), "{} {}: {reply:?}", route.method, route.path);
        if reply.status == 403 {
            assert!(reply.body.contains("Sign in once more for this") && reply.body.contains("fresh=true"), "{}", reply.body);
        }
    }
}

#[tokio::test]
async fn an_owner_gets_every_page_and_does_every_act() {
    let house = House::open().await;
    let session = house.session("olivia").await;
    walk(&house, &session, |route| route.owner).await;
}

#[tokio::test]
async fn an_admin_gets_the_same_but_for_the_ownership() {
    let house = House::open().await;
    house.session("olivia").await;
    let session = house.session("ada").await;
    walk(&house, &session, |route| route.admin).await;
}

#[tokio::test]
async fn the_danger_zone_is_closed_to_a_sign_in_that_is_not_fresh() {
    let house = House::open().await;
    let session = house.session("olivia").await;
    house.clock.pass(STALE);
    walk(&house, &session, |route| if route.danger { 403 } else { route.owner }).await;
}

#[tokio::test]
async fn the_danger_zone_is_closed_to_a_recovery_link_however_fresh_it_is() {
    let house = House::open().await;
    house.session("olivia").await;
    let session = cookie(&house.recover().await.0);
    walk(&house, &session, |route| if route.danger { 403 } else { route.owner }).await;
}

/// Whoever shuts many people out types how many, and what has to be typed is of the danger zone.
#[tokio::test]
async fn a_recovery_link_saves_nothing_that_has_to_be_typed() {
    let house = House::open().await;
    house.session("olivia").await;
    for number in 0..8 {
        house.join(&format!("victim-{number}"), "One of many", &["everyone"]).await;
    }
    let (mut browser, console) = house.recover().await;
    let before = house.everything("acme").await;
    let url = house.usher.site.auth("/admin/acme/access");
    let edit = [("mode", "jit"), ("group_mappings", "on"), ("role-0", "app-owners"), ("role-1", "app-admins")];
    let review = post(&mut browser, &console, &url, &edit).await;
    let review = browser.follow(review).await;
    assert!(review.text.contains("needs a sign-in of the last ten minutes"), "{}", review.text);
    let form = review.form("review").with("lose_access", "8");
    let refused = browser.submit(&review, form).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(house.everything("acme").await, before);
}

#[tokio::test]
async fn an_admin_changes_no_owner() {
    let house = House::open().await;
    house.session("olivia").await;
    let session = house.session("ada").await;
    let acts = TABLE.iter().filter(|route| route.method == "POST" && route.path.contains("/members/{member}/"));
    for (number, route) in acts.chain(TABLE.iter().filter(|route| route.path.contains("/removals/"))).enumerate() {
        house.groups_decide(true).await;
        let owner = house.join(&format!("owner-{number}"), "Another Owner", &["app-owners"]).await;
        let things = house.things_of(route, owner).await;
        let before = house.everything("acme").await;
        let reply = house.send(route, "acme", &things, Some(&session), &OWN).await;
        assert_eq!(reply.status, 409, "{}: {reply:?}", route.path);
        assert_eq!(house.everything("acme").await, before, "{}", route.path);
    }
}

#[tokio::test]
async fn an_owner_reaches_nothing_of_another_organization() {
    let house = House::open().await;
    house.session("olivia").await;
    let session = cookie(&house.sign_in("mia", "/admin/labs").await.0);
    for route in TABLE {
        let things = house.things(route).await;
        let before = house.everything("acme").await;
        let reply = house.send(route, "labs", &things, Some(&session), &OWN).await;
        if route.names_a_row() {
            assert_eq!(reply.status, 404, "{} {}: {reply:?}", route.method, route.path);
        }
        assert!(!reply.body.contains("Victim") && !reply.body.contains("victim-"), "{} {}: {}", route.method, route.path, reply.body);
        assert_eq!(house.everything("acme").await, before, "{} {}", route.method, route.path);
    }
    // A save of the other organization is not theirs to take back, though the revision is one of all settings.
    house.groups_decide(true).await;
    house.groups_decide(false).await;
    let undo = find("POST", "/admin/{organization}/access/undo");
    let things = house.things(undo).await;
    let before = house.everything("acme").await;
    assert_eq!(house.send(undo, "labs", &things, Some(&session), &OWN).await.status, 303);
    let review = house.send(find("GET", "/admin/{organization}/review"), "labs", &things, Some(&session), &OWN).await;
    assert!([404, 409].contains(&review.status) && !review.body.contains("Victim"), "{review:?}");
    assert_eq!(house.everything("acme").await, before);
}

/// A second parent organization is a second installation: what it has does not exist in the first.
#[tokio::test]
async fn an_owner_reaches_nothing_of_another_parent() {
    let (house, elsewhere) = (House::open().await, House::open().await);
    elsewhere.session("olivia").await;
    let session = house.session("olivia").await;
    for route in TABLE.iter().filter(|route| route.names_a_row()) {
        let things = elsewhere.things(route).await;
        house.groups_decide(true).await;
        let before = (house.everything("acme").await, elsewhere.everything("acme").await, elsewhere.acts().await);
        let reply = house.send(route, "acme", &things, Some(&session), &OWN).await;
        assert_eq!(reply.status, 404, "{} {}: {reply:?}", route.method, route.path);
        let after = (house.everything("acme").await, elsewhere.everything("acme").await, elsewhere.acts().await);
        assert_eq!(after, before, "{} {}", route.method, route.path);
    }
}
