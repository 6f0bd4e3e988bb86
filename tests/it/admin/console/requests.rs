//! The page of requests.

use super::{OIDC, form_to};
use crate::login::House;
use crate::support::browser::{Browser, Page};

/// Noah, who is in no group, is refused and asks.
async fn noah_asks(house: &House, says: &str) -> Browser {
    let mut noah = Browser::new();
    let refused = house.sign_in(&mut noah, "/", OIDC, "noah").await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let asked = noah.submit(&refused, refused.form("form").with("reason", says)).await;
    assert!(asked.text.contains("You asked on"), "{}", asked.text);
    noah
}

async fn noah_tries(house: &House, noah: &mut Browser) -> Page {
    house.sign_in(noah, "/", OIDC, "noah").await
}

#[tokio::test]
async fn an_owner_sees_who_asked_says_yes_and_the_person_comes_in() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    assert!(house.page(&mut olivia, "requests").await.text.contains("Nobody waits"));
    let mut noah = noah_asks(&house, "Let me <b>in</b>").await;

    let overview = house.page(&mut olivia, "").await;
    assert!(overview.text.contains("1 person waits for your answer"), "{}", overview.text);
    let link = overview.find_link(&house.console("requests")).unwrap();
    let page = olivia.click(&overview, link).await;
    for shown in ["Noah Webb", "noah@acme.example", "Let me &#60;b&#62;in&#60;/b&#62;", "no_role_group", "in none"] {
        assert!(page.text.contains(shown), "{shown} in {}", page.text);
    }
    let form = form_to(&page, "/approve").with("role", "User").with("seat", "tier:Standard");
    let done = olivia.submit(&page, form).await;
    assert!(done.text.contains("Noah Webb is a member now, as User"), "{}", done.text);
    assert!(done.text.contains("so it is pinned until"), "no group of his gives a role: {}", done.text);
    assert!(done.text.contains("Nobody waits"), "{}", done.text);
    assert_eq!(noah_tries(&house, &mut noah).await.status, 200);
}

#[tokio::test]
async fn a_no_is_read_with_its_note_and_a_never_asks_once_more_and_blocks() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let mut noah = noah_asks(&house, "").await;
    let page = house.page(&mut olivia, "requests").await;
    let mut block = form_to(&page, "/decline");
    block.action.set_path(&block.action.path().replace("/decline", "/block"));
    let question = olivia.submit(&page, block).await;
    assert!(question.text.contains("Block Noah Webb?"), "{}", question.text);
    assert_eq!(house.usher.audit("request.blocked").await.len(), 0, "asked first");

    let declined = olivia.submit(&page, form_to(&page, "/decline").with("note", "Ask <again> in May")).await;
    assert!(declined.text.contains("Declined."), "{}", declined.text);
    let told = noah_tries(&house, &mut noah).await;
    assert!(told.text.contains("Ask &#60;again&#62; in May"), "{}", told.text);

    let gone = olivia.submit(&question, form_to(&question, "/block")).await;
    assert_eq!(gone.status, 404, "it was declined meanwhile: {}", gone.text);
}

#[tokio::test]
async fn whoever_is_blocked_stays_out() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let mut noah = noah_asks(&house, "").await;
    let page = house.page(&mut olivia, "requests").await;
    let mut block = form_to(&page, "/decline").with("confirmed", "yes");
    block.action.set_path(&block.action.path().replace("/decline", "/block"));
    let done = olivia.submit(&page, block).await;
    assert!(done.text.contains("Blocked, until"), "{}", done.text);
    assert!(noah_tries(&house, &mut noah).await.text.contains("blocked_by_admin"));
}

#[tokio::test]
async fn nobody_gives_a_role_above_their_own_or_answers_what_is_not_there() {
    let house = House::open().await;
    let mut ada = house.browser_of("ada").await;
    noah_asks(&house, "").await;
    let page = house.page(&mut ada, "requests").await;
    assert!(!page.text.contains("<option>Owner"), "{}", page.text);
    let forged = ada.submit(&page, form_to(&page, "/approve").with("role", "Owner").with("seat", "none")).await;
    assert_eq!(forged.status, 409, "{}", forged.text);
    assert!(forged.text.contains("ranks above your own role"), "{}", forged.text);
    let unknown = ada.submit(&page, form_to(&page, "/approve").with("role", "King").with("seat", "none")).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    for id in ["dec_00000000-0000-0000-0000-000000000000", "x", "%2e%2e"] {
        let missing = house.post(&mut ada, &format!("requests/{id}/decline"), &[("note", "no")]).await;
        assert_eq!(missing.status, 404, "{id}: {}", missing.text);
    }
    assert!(house.find_noah().await.is_none(), "nothing was made");
}

#[tokio::test]
async fn who_waits_for_a_seat_is_marked_and_approved_when_one_is_free() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    house.settings(|settings| settings.organizations[0].seat_tiers.iter_mut().for_each(|seats| seats.owned = 1)).await;
    let mut mia = Browser::new();
    house.browser_of("jo").await;
    let refused = house.sign_in(&mut mia, "/", OIDC, "mia").await;
    assert!(refused.text.contains("no_seats_left"), "{}", refused.text);
    let page = house.page(&mut olivia, "requests").await;
    assert!(page.text.contains("Waits for a seat") && page.text.contains("none free"), "{}", page.text);
    assert!(house.page(&mut olivia, "").await.text.contains("1 person waits for a free seat"));
    let full = olivia.submit(&page, form_to(&page, "/approve").with("role", "User").with("seat", "tier:Premium")).await;
    assert_eq!(full.status, 409, "{}", full.text);
    house.settings(|settings| settings.organizations[0].seat_tiers[0].owned = 2).await;
    let done = olivia.submit(&page, form_to(&page, "/approve").with("role", "User").with("seat", "tier:Premium")).await;
    assert!(done.text.contains("is a member now"), "{}", done.text);
    assert_eq!(house.sign_in(&mut mia, "/", OIDC, "mia").await.status, 200);
}

impl House {
    async fn find_noah(&self) -> Option<usher::core::Member> {
        self.usher.find_member("noah").await
    }
}
