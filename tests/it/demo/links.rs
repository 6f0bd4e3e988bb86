//! A newcomer tries SAML and then OpenID Connect as the same person, and is one member.

use usher::core::provision::{Outcome, decide};
use usher::core::{Identity, OrganizationId, Reason, RequestBinding};
use usher::demo::{Demo, ORGANIZATION, Scenario};
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, RequestOrigin, Store, StoreError};

use super::doors::{oidc_identity, saml_identity, served};
use super::now;

/// What the shared ending of a login does with the store.
async fn login(store: &SqliteStore, identity: &Identity) -> (Outcome, Option<usher::core::MemberId>) {
    let organization = OrganizationId::parse(ORGANIZATION).unwrap();
    let facts = store.load_facts(FactsQuery { organization: &organization, identity, now: now() }).await.unwrap();
    let decision = decide(&facts, identity, now());
    let origin = RequestOrigin::default();
    let commit = LoginCommit { facts: &facts, identity, decision: &decision, origin: &origin, now: now() };
    let CommitOutcome::Committed(committed) = store.commit_login(commit).await.unwrap() else { panic!("lost a race alone") };
    (decision.outcome, committed.member.map(|row| row.member.id))
}

async fn prepared(demo: &Demo) -> SqliteStore {
    let store = SqliteStore::open_in_memory().await.unwrap();
    demo.prepare(&store, now()).await.unwrap();
    store
}

fn admitted(outcome: &Outcome) -> (Reason, String, Option<String>) {
    let Outcome::Admit(admission) = outcome else { panic!("refused: {outcome:?}") };
    (admission.reason, admission.role.to_string(), admission.seat.as_ref().map(ToString::to_string))
}

#[tokio::test]
async fn ada_is_one_member_through_saml_and_openid_connect() {
    let demo = served().await;
    let store = prepared(&demo).await;
    let (first, member) = login(&store, &saml_identity(&demo, "ada", RequestBinding::Redirect).await).await;
    assert_eq!(admitted(&first), (Reason::OkNew, "Admin".to_owned(), Some("Premium".to_owned())));
    let (second, same_member) = login(&store, &oidc_identity(&demo, "ada").await).await;
    assert_eq!(admitted(&second), (Reason::OkExisting, "Admin".to_owned(), Some("Premium".to_owned())));
    assert!(member.is_some());
    assert_eq!(member, same_member);
}

#[tokio::test]
async fn nina_keeps_her_member_through_both_doors_while_her_address_changes() {
    let demo = served().await;
    let store = prepared(&demo).await;
    let mut members = Vec::new();
    for _ in 0..2 {
        members.push(login(&store, &saml_identity(&demo, "nina", RequestBinding::Redirect).await).await.1);
        members.push(login(&store, &oidc_identity(&demo, "nina").await).await.1);
    }
    assert!(members[0].is_some());
    assert!(members.iter().all(|member| *member == members[0]), "{members:?}");
}

#[tokio::test]
async fn everyone_comes_out_as_their_page_says() {
    let demo = served().await;
    let store = prepared(&demo).await;
    let premium = || Some("Premium".to_owned());
    for (person, role, seat) in
        [("olivia", "Owner", premium()), ("ada", "Admin", premium()), ("mia", "User", premium()), ("sam", "Admin", premium())]
    {
        let (outcome, _) = login(&store, &saml_identity(&demo, person, RequestBinding::Redirect).await).await;
        assert_eq!(admitted(&outcome), (Reason::OkNew, role.to_owned(), seat), "{person}");
    }
    for (person, reason) in
        [("noah", Reason::NoRoleGroup), ("tim", Reason::NoRoleGroup), ("otto", Reason::GroupsOverage), ("rosa", Reason::DomainNotAllowed)]
    {
        let (outcome, member) = login(&store, &saml_identity(&demo, person, RequestBinding::Redirect).await).await;
        assert_eq!((outcome, member), (Outcome::Refuse(reason), None), "{person}");
    }
    for person in ["jo", "max", "nina", "lena"] {
        let (outcome, _) = login(&store, &saml_identity(&demo, person, RequestBinding::Redirect).await).await;
        assert_eq!(admitted(&outcome).1, "User", "{person}");
    }
    let seats = store.count_seats(&OrganizationId::parse(ORGANIZATION).unwrap(), now()).await.unwrap();
    assert!(seats.iter().all(|tier| tier.free() == 0), "lena has taken the last seat: {seats:?}");
}

#[tokio::test]
async fn in_seats_full_lena_takes_the_last_seat_and_jo_finds_none() {
    let demo = super::demo_in(Scenario::SeatsFull);
    let store = prepared(&demo).await;
    let (lena, _) = login(&store, &saml_identity(&demo, "lena", RequestBinding::Redirect).await).await;
    assert_eq!(admitted(&lena).0, Reason::OkNew);
    let (jo, _) = login(&store, &saml_identity(&demo, "jo", RequestBinding::Redirect).await).await;
    assert_eq!(jo, Outcome::Refuse(Reason::NoSeatsLeft));
    let (olivia, _) = login(&store, &saml_identity(&demo, "olivia", RequestBinding::Redirect).await).await;
    assert_eq!(admitted(&olivia).1, "Owner");
}

#[tokio::test]
async fn in_groups_missing_nobody_new_comes_in_but_the_primary_owner() {
    let demo = super::demo_in(Scenario::GroupsMissing);
    let store = prepared(&demo).await;
    let (ada, _) = login(&store, &saml_identity(&demo, "ada", RequestBinding::Redirect).await).await;
    assert_eq!(ada, Outcome::Refuse(Reason::GroupsClaimMissing));
    let (olivia, _) = login(&store, &saml_identity(&demo, "olivia", RequestBinding::Redirect).await).await;
    assert_eq!(admitted(&olivia).1, "Owner");
}

#[tokio::test]
async fn without_an_open_window_the_second_provider_is_refused() {
    let demo = served().await;
    let store = SqliteStore::open_in_memory().await.unwrap();
    store.save_settings(demo.settings(), None, "test", now()).await.unwrap();
    login(&store, &saml_identity(&demo, "ada", RequestBinding::Redirect).await).await;
    assert_eq!(login(&store, &oidc_identity(&demo, "ada").await).await.0, Outcome::Refuse(Reason::SubjectChanged));
}

#[tokio::test]
async fn a_relink_window_ends_within_three_days_and_belongs_to_a_connection_that_exists() {
    let demo = super::demo();
    let store = prepared(&demo).await;
    let connection = &demo.settings().connections[0].id;
    let hours = jiff::SignedDuration::from_hours;
    for until in [now() - hours(1), now() + hours(80)] {
        assert!(matches!(store.open_relink_window(connection, until, "test", now()).await, Err(StoreError::Refused(_))));
    }
    let unknown = usher::core::ConnectionId::parse("unknown").unwrap();
    let missing = store.open_relink_window(&unknown, now() + hours(1), "test", now()).await;
    assert!(matches!(missing, Err(StoreError::Missing(_))));
    let events: Vec<String> = store.list_audit(0, 100).await.unwrap().into_iter().map(|line| line.event).collect();
    assert_eq!(events.iter().filter(|event| *event == "connection.relink_window_opened").count(), 2);
}
