//! What is done to members, as a person without script does it: every step a page and a form.

use usher::core::MemberStatus;

use super::{House, post};

#[tokio::test]
async fn a_member_is_removed_after_the_page_said_what_ends_and_is_brought_back() {
    let house = House::open().await;
    let jo = house.join("jo", "Jo Park", &["everyone"]).await;
    let (mut browser, _) = house.sign_in("olivia", "/admin/acme").await;
    let path = format!("/admin/acme/members/{}", jo.member.id);
    let page = browser.open(&house.usher.site.auth(&path)).await;
    let form = page.forms().into_iter().find(|form| form.action.path().ends_with("/remove")).unwrap().with("block", "false");
    let question = browser.submit(&page, form).await;
    for sentence in
        ["Remove Jo Park?", "seat is free at once", "not signed in now", "come back with what their groups give", "undone for 30 days"]
    {
        assert!(question.text.contains(sentence), "{sentence}\n{}", question.text);
    }
    assert!(house.usher.find_member("jo").await.is_some(), "asking removes nobody");
    let removed = browser.submit(&question, question.form("confirmed")).await;
    assert_eq!(removed.url.path(), path);
    assert!(house.usher.find_member("jo").await.is_none());
    let undo = removed.forms().into_iter().find(|form| form.action.path().ends_with("/undo")).unwrap();
    let back = browser.submit(&removed, undo).await;
    assert_eq!(back.url.path(), path);
    let member = house.usher.find_member("jo").await.unwrap();
    assert_eq!((member.status, &member.role, &member.seat), (MemberStatus::Active, &jo.member.role, &jo.member.seat));
}

#[tokio::test]
async fn several_are_named_before_they_are_removed() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for name in ["Ann", "Ben", "Cy", "Dan", "Eve"] {
        ids.push(house.join(&name.to_lowercase(), name, &["everyone"]).await.member.id.to_string());
    }
    let (mut browser, console) = house.sign_in("olivia", "/admin/acme").await;
    let url = house.usher.site.auth("/admin/acme/members/remove");
    let chosen: Vec<(&str, &str)> = ids.iter().map(|id| ("member", id.as_str())).collect();
    let question = post(&mut browser, &console, &url, &chosen).await;
    for name in ["Remove 5 people?", "Ann", "Ben", "Cy", "Dan", "Eve", "Type the number of people, 5"] {
        assert!(question.text.contains(name), "{name}\n{}", question.text);
    }
    let wrong = browser.send(&question, question.form("typed").with("typed", "4")).await;
    assert_eq!(wrong.status, 422);
    assert!(house.usher.find_member("ann").await.is_some());
    let done = browser.submit(&wrong, wrong.form("typed").with("typed", "5")).await;
    assert_eq!(done.status, 200);
    assert!(house.usher.find_member("ann").await.is_none() && house.usher.find_member("eve").await.is_none());
}

#[tokio::test]
async fn a_change_by_hand_is_refused_where_groups_decide_and_a_pin_is_offered_instead() {
    let house = House::open().await;
    let jo = house.join("jo", "Jo Park", &["everyone"]).await;
    let (mut browser, _) = house.sign_in("olivia", "/admin/acme").await;
    let path = format!("/admin/acme/members/{}", jo.member.id);
    let page = browser.open(&house.usher.site.auth(&path)).await;
    let revision = jo.member.revision.to_string();
    let change = house.usher.site.auth(&format!("{path}/change"));
    let refused = post(&mut browser, &page, &change, &[("role", "Admin"), ("revision", &revision)]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("app-admins"), "{}", refused.text);
    let form = page.form("reason").with("role", "Admin").with("days", "7").with("reason", "covers for Ada");
    let pinned = browser.submit(&page, form).await;
    assert!(pinned.text.contains("Pinned until") && pinned.text.contains("covers for Ada"), "{}", pinned.text);
    // The next sign-in, with the same groups, keeps it.
    house.join("jo", "Jo Park", &["everyone"]).await;
    assert_eq!(house.usher.find_member("jo").await.unwrap().role.as_str(), "Admin");
}

#[tokio::test]
async fn an_invite_is_made_where_people_come_by_invites_and_refused_elsewhere_with_the_reason() {
    let house = House::open().await;
    let (mut browser, _) = house.sign_in("olivia", "/admin/acme").await;
    let page = browser.open(&house.usher.site.auth("/admin/acme/invites")).await;
    assert!(page.text.contains("so nobody is invited"), "{}", page.text);
    house.groups_decide(false).await;
    let page = browser.open(&house.usher.site.auth("/admin/acme/invites")).await;
    let wrong = browser.submit(&page, page.form("email").with("email", "nobody")).await;
    assert_eq!(wrong.status, 422);
    let made = browser.submit(&page, page.form("email").with("email", "new@acme.example").with("role", "User")).await;
    assert!(made.status == 200 && made.text.contains("new@acme.example"), "{}", made.text);
    let revoke = made.forms().into_iter().find(|form| form.action.path().ends_with("/revoke"));
    let gone = browser.submit(&made, revoke.unwrap()).await;
    assert!(!gone.text.contains("new@acme.example"));
}

#[tokio::test]
async fn only_the_primary_owner_hands_the_ownership_over_and_types_the_address() {
    let house = House::open().await;
    let (mut ada, _) = house.sign_in("ada", "/admin/acme").await;
    let (mut olivia, console) = house.sign_in("olivia", "/admin/acme").await;
    let row = house.usher.find_member("ada").await.unwrap();
    let url = house.usher.site.auth(&format!("/admin/acme/members/{}/owner", row.id));
    let refused = post(&mut ada, &console, &url, &[("typed", "ada@acme.example")]).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let question = post(&mut olivia, &console, &url, &[]).await;
    let wrong = olivia.send(&question, question.form("typed").with("typed", "olivia@acme.example")).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let done = olivia.submit(&wrong, wrong.form("typed").with("typed", "ada@acme.example")).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(house.usher.find_member("ada").await.unwrap().primary_owner);
    assert!(!house.usher.find_member("olivia").await.unwrap().primary_owner);
}
