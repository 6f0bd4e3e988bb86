//! Rows of rules.md that are about a person with an open session or a token, seen from the console.

use jiff::SignedDuration;
use url::Url;
use usher::admin::{Permission, TokenState, TokenWish};
use usher::clock::Clock as _;
use usher::core::MappedGroup;

use super::{OIDC, form_to};
use crate::login::House;
use crate::support::browser::{Browser, Page};
use crate::support::installation::told;

/// What the app is told about this browser's person: the role.
async fn role(house: &House, browser: &mut Browser) -> String {
    told(&browser.open(&house.usher.site.app("/")).await).0
}

#[tokio::test]
async fn row_11_a_changed_mapping_counts_at_the_next_login() {
    let house = House::open().await;
    let mut jo = house.browser_of("jo").await;
    house
        .settings(|settings| {
            settings.organizations[0].role_mappings[1].groups.push(MappedGroup { value: "everyone".to_owned(), label: None });
        })
        .await;
    assert_eq!(role(&house, &mut jo).await, "User", "the session goes on as it was");
    let mut again = house.browser_of("jo").await;
    assert_eq!(role(&house, &mut again).await, "Admin");
    assert_eq!(role(&house, &mut jo).await, "Admin", "the member is one and the same");
}

#[tokio::test]
async fn row_57_who_wants_it_at_once_ends_the_sessions_of_everyone_who_changes() {
    let house = House::open().await;
    let (mut jo, mut ada) = (house.browser_of("jo").await, house.browser_of("ada").await);
    let mut olivia = house.browser_of("olivia").await;
    let fields = [
        ("act", "review"),
        ("mode", "jit"),
        ("group_mappings", "on"),
        ("role-0", "app-owners"),
        ("role-1", "app-admins"),
        ("add-role-1", "everyone"),
        ("tier-0", "design"),
    ];
    let review = house.post(&mut olivia, "access", &fields).await;
    assert!(review.text.contains("Jo Park"), "{}", review.text);
    let saved = olivia.submit(&review, form_to(&review, "/review/save").with("apply_now", "yes")).await;
    assert!(saved.text.contains("Saved."), "{}", saved.text);
    assert!(!house.usher.is_inside(&mut jo).await, "Jo becomes an Admin, by a new sign-in");
    assert!(house.usher.is_inside(&mut ada).await, "nothing changes for Ada");
}

#[tokio::test]
async fn row_66_a_removal_names_the_tokens_of_the_person_and_revokes_them() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    house.browser_of("ada").await;
    let ada = house.usher.find_member("ada").await.unwrap();
    let (admin, operator) = (house.usher.admin(house.clock.clone()), super::super::operator());
    let wish = TokenWish {
        name: "nightly <export>".to_owned(),
        scopes: [Permission::MembersRead].into(),
        expires_at: house.clock.now() + SignedDuration::from_hours(24),
        owner: Some(ada.person),
    };
    let secret = admin.create_token(&operator, wish).await.unwrap().secret;
    let question = house.post(&mut olivia, &format!("members/{}/remove", ada.id), &[("block", "false")]).await;
    assert!(question.text.contains("1 API token of theirs is revoked: nightly &#60;export&#62;"), "{}", question.text);
    olivia.submit(&question, form_to(&question, "/remove")).await;
    let states: Vec<TokenState> = admin.list_tokens_of(&operator, ada.person).await.unwrap().into_iter().map(|token| token.state).collect();
    assert!(!states.contains(&TokenState::Active), "{states:?}");
    let bearer = admin.find_bearer(secret.reveal(), usher::store::RequestOrigin::default()).await.unwrap();
    assert!(!matches!(bearer, usher::admin::Bearer::Actor(_)));
}

/// The provider sends somebody back who is not assigned to the app any more.
async fn turned_away(house: &House, person: &str) -> Page {
    let mut browser = Browser::new();
    let asked = house.ask(&mut browser, "/", OIDC).await.url;
    let sent = |name: &str| asked.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("{person}: {asked}")).1.into_owned();
    let mut back = Url::parse(&sent("redirect_uri")).unwrap();
    back.query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair("state", &sent("state"))
        .append_pair("iss", &asked.origin().ascii_serialization());
    browser.open(back.as_str()).await
}

#[tokio::test]
async fn row_13_who_is_unassigned_at_the_provider_cannot_sign_in_and_stays_listed_with_their_seat() {
    for mapped in [false, true] {
        let house = House::open().await;
        house.settings(|settings| settings.organizations[0].group_mappings = mapped).await;
        house.browser_of("jo").await;
        let before = house.usher.find_member("jo").await.unwrap();
        let page = turned_away(&house, "jo").await;
        assert!(page.status == 403 && page.text.contains("provider_refused"), "{} {}", page.status, page.text);
        assert_eq!(house.usher.find_member("jo").await.unwrap(), before);
        let mut olivia = house.browser_of("olivia").await;
        let list = house.page(&mut olivia, "members").await;
        assert!(list.text.contains("Jo Park"), "{}", list.text);
    }
}
