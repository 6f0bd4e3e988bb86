//! Requests for access: who waits, and yes, no, or never.

use std::time::Duration;

use usher::admin::{AdminError, Permission};
use usher::core::provision::decide;
use usher::core::{DecisionId, GroupClaim, Identity, MemberStatus, Reason, Role, SeatTier};
use usher::store::{Asking, RequestOrigin};

use super::{admin, operator, somebody, token};
use crate::store::fixtures::{acme, identity, settings};
use crate::support::gateway::Gateway;

fn now(gateway: &Gateway) -> jiff::Timestamp {
    usher::clock::Clock::now(gateway.clock.as_ref())
}

/// A gateway where first logins wait, with group mappings if `mapped`.
async fn house(mapped: bool) -> Gateway {
    let gateway = Gateway::start().await;
    let mut changed = settings(2, 2);
    let organization = &mut changed.organizations[0];
    organization.policy.approve_first_logins = true;
    organization.group_mappings = mapped;
    if mapped {
        let mapping = |role: &str, group: &str| usher::core::RoleMapping {
            role: Role::new(role),
            groups: vec![usher::core::MappedGroup { value: group.to_owned(), label: None }],
        };
        organization.role_mappings = vec![mapping("Admin", "admins"), mapping("User", "everyone")];
    }
    let store = &gateway.members.store;
    let revision = store.find_settings().await.unwrap().unwrap().revision;
    store.save_settings(&changed, Some(revision), "cli", now(&gateway)).await.unwrap();
    gateway
}

/// A try to sign in; the refusal's record.
async fn knock(gateway: &Gateway, identity: &Identity) -> (Reason, DecisionId) {
    let facts = gateway.members.facts(identity, now(gateway)).await;
    let decision = decide(&facts, identity, now(gateway));
    let committed = gateway.members.login(identity, &decision, now(gateway)).await;
    (decision.outcome.reason(), committed.decision)
}

async fn waiting(gateway: &Gateway) -> Vec<DecisionId> {
    admin(gateway).list_requests(&operator()).await.unwrap().requests.into_iter().map(|request| request.id).collect()
}

fn user() -> Role {
    Role::new("User")
}

#[tokio::test]
async fn who_waits_is_listed_once_with_what_fits() {
    let gateway = house(true).await;
    let mut jo = identity("jo");
    jo.groups = GroupClaim::from_values(["admins", "everyone"]);
    let (reason, _) = knock(&gateway, &jo).await;
    assert_eq!(reason, Reason::AwaitingApproval);
    let (_, newest) = knock(&gateway, &jo).await;
    let list = admin(&gateway).list_requests(&operator()).await.unwrap();
    let [request] = list.requests.as_slice() else { panic!("{list:?}") };
    assert_eq!((request.id, request.count, request.reason), (newest, 2, Reason::AwaitingApproval));
    assert_eq!(request.groups.as_deref(), Some(&["admins".to_owned(), "everyone".to_owned()][..]));
    assert_eq!((request.suggested_role.as_str(), request.suggested_tier.clone()), ("Admin", Some(SeatTier::new("Premium"))));
    assert_eq!(list.seats.iter().map(usher::core::provision::SeatCount::free).collect::<Vec<_>>(), [2, 2], "nobody took a seat by waiting");
    gateway.clock.pass(Duration::from_hours(31 * 24));
    assert_eq!(waiting(&gateway).await, [], "after 30 days");
}

#[tokio::test]
async fn a_yes_makes_the_member_through_the_seat_gate_and_the_next_login_comes_in() {
    let gateway = house(false).await;
    let (_, id) = knock(&gateway, &identity("jo")).await;
    let approved = admin(&gateway).approve_request(&operator(), id, &user(), Some(&SeatTier::new("Standard"))).await.unwrap();
    assert_eq!((approved.row.member.status, approved.pinned_until), (MemberStatus::Active, None));
    assert_eq!(approved.row.member.last_login_at, None, "nobody has logged in yet");
    assert_eq!(gateway.members.used(now(&gateway)).await, [0, 1]);
    assert_eq!(waiting(&gateway).await, []);
    let again = admin(&gateway).approve_request(&operator(), id, &user(), None).await;
    assert!(matches!(again, Err(AdminError::NoSuch("request"))), "{again:?}");
    assert_eq!(knock(&gateway, &identity("jo")).await.0, Reason::OkExisting);
    gateway.members.assert_sound().await;
}

#[tokio::test]
async fn what_mappings_would_take_back_is_pinned_and_said() {
    let gateway = house(true).await;
    let mut jo = identity("jo");
    jo.groups = GroupClaim::Empty;
    let (reason, decision) = knock(&gateway, &jo).await;
    assert_eq!(reason, Reason::NoRoleGroup);
    assert_eq!(waiting(&gateway).await, [], "who was refused by the groups has to ask");
    let acme = acme();
    let asking = Asking { organization: &acme, decision, asked_for: Some("please"), origin: &RequestOrigin::default(), now: now(&gateway) };
    gateway.members.store.ask_for_access(asking).await.unwrap();
    let approved = admin(&gateway).approve_request(&operator(), decision, &user(), None).await.unwrap();
    assert!(approved.pinned_until.is_some());
    assert_eq!(knock(&gateway, &jo).await.0, Reason::OkExisting, "the pin holds");
    gateway.members.assert_sound().await;
}

#[tokio::test]
async fn of_two_yeses_for_the_last_seat_one_is_refused() {
    let gateway = house(false).await;
    for name in ["a", "b", "c"] {
        gateway.join(name, "User", Some(if name == "c" { "Standard" } else { "Premium" })).await;
    }
    let (_, first) = knock(&gateway, &identity("jo")).await;
    let (_, second) = knock(&gateway, &identity("mia")).await;
    let standard = SeatTier::new("Standard");
    let (operator, admin, user) = (operator(), admin(&gateway), user());
    let (one, two) = tokio::join!(
        admin.approve_request(&operator, first, &user, Some(&standard)),
        admin.approve_request(&operator, second, &user, Some(&standard)),
    );
    let refused = [one, two].into_iter().filter(|result| matches!(result, Err(AdminError::Refused { code: "no_seats_left", .. }))).count();
    assert_eq!(refused, 1);
    assert_eq!(gateway.members.used(now(&gateway)).await, [2, 2]);
    gateway.members.assert_sound().await;
}

#[tokio::test]
async fn a_no_stands_with_its_note_and_a_never_blocks() {
    let gateway = house(false).await;
    let (_, jo) = knock(&gateway, &identity("jo")).await;
    let (_, mia) = knock(&gateway, &identity("mia")).await;
    let admin = admin(&gateway);
    admin.decline_request(&operator(), jo, Some(" Next year. ")).await.unwrap();
    let (_, again) = knock(&gateway, &identity("jo")).await;
    let request = gateway.members.store.find_request(&acme(), again).await.unwrap().unwrap();
    assert_eq!(request.declined(now(&gateway)).unwrap().note.as_deref(), Some("Next year."));
    let acme = acme();
    let asking = Asking { organization: &acme, decision: again, asked_for: None, origin: &RequestOrigin::default(), now: now(&gateway) };
    assert!(gateway.members.store.ask_for_access(asking).await.is_err(), "asking on and on does not help");
    assert_eq!(waiting(&gateway).await, [mia]);
    let long = "x".repeat(501);
    assert!(matches!(admin.decline_request(&operator(), mia, Some(&long)).await, Err(AdminError::Invalid(_))));
    let blocked = admin.block_request(&operator(), mia).await.unwrap();
    assert_eq!((blocked.member.status, blocked.member.seat), (MemberStatus::Blocked, None));
    assert_eq!(knock(&gateway, &identity("mia")).await.0, Reason::BlockedByAdmin);
    gateway.clock.pass(Duration::from_hours(31 * 24));
    let (_, jo) = knock(&gateway, &identity("jo")).await;
    assert_eq!(waiting(&gateway).await, [jo], "a no stands for 30 days");
    gateway.members.assert_sound().await;
}

#[tokio::test]
async fn nobody_answers_what_is_not_theirs_or_above_them() {
    let gateway = house(false).await;
    let admins = gateway.join("ada", "Admin", None).await;
    let (_, id) = knock(&gateway, &identity("jo")).await;
    let admin = admin(&gateway);
    let above = admin.approve_request(&somebody(&admins), id, &Role::new("Owner"), None).await;
    assert!(matches!(above, Err(AdminError::Refused { code: "above_your_role", .. })), "{above:?}");
    let unknown = admin.approve_request(&operator(), id, &Role::new("King"), None).await;
    assert!(matches!(unknown, Err(AdminError::Invalid(_))), "{unknown:?}");
    let reader = token(&[Permission::MembersRead], "acme");
    assert_eq!(admin.list_requests(&reader).await.unwrap().requests.len(), 1);
    for denied in [
        admin.approve_request(&reader, id, &user(), None).await.map(|_| ()),
        admin.decline_request(&reader, id, None).await,
        admin.block_request(&reader, id).await.map(|_| ()),
    ] {
        assert!(matches!(denied, Err(AdminError::NotAllowed(Permission::MembersWrite))), "{denied:?}");
    }
    let theirs = token(&[Permission::MembersRead, Permission::MembersWrite], "theirs");
    assert!(admin.decline_request(&theirs, id, None).await.is_err());
    assert_eq!(waiting(&gateway).await, [id]);
    let (_, admitted) = knock(&gateway, &identity("ada")).await;
    let not_refused = admin.approve_request(&operator(), admitted, &user(), None).await;
    assert!(matches!(not_refused, Err(AdminError::NoSuch("request"))), "a login that was let in is no request: {not_refused:?}");
}
