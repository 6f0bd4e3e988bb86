//! Recovery links: the way in that needs no identity provider (row 60).

use std::time::Duration;

use usher::admin::{AdminError, Permission, RecoveryLink, recovery_key};
use usher::core::{MemberStatus, Settings};
use usher::store::{MemberRow, RequestOrigin, StoreError};

use super::{admin, operator, somebody, token};
use crate::store::fixtures::{at, email, settings, with_owner};
use crate::support::gateway::Gateway;

async fn make(gateway: &Gateway, address: &str) -> RecoveryLink {
    admin(gateway).create_recovery_link(&operator(), Some(&email(address))).await.unwrap()
}

async fn redeem(gateway: &Gateway, secret: &str) -> Option<MemberRow> {
    let now = usher::clock::Clock::now(gateway.clock.as_ref());
    gateway.members.store.use_recovery_link(recovery_key(secret), &RequestOrigin::default(), now).await.unwrap()
}

async fn apply(gateway: &Gateway, settings: &Settings) -> Result<(), StoreError> {
    let store = &gateway.members.store;
    let revision = store.find_settings().await?.map(|stored| stored.revision);
    store.save_settings(settings, revision, "cli", at(1)).await.map(|_| ())
}

fn refusal(result: Result<RecoveryLink, AdminError>) -> (&'static str, String) {
    match result {
        Err(AdminError::Refused { code, sentence }) => (code, sentence),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_link_signs_an_administrator_in_once_within_a_quarter_of_an_hour() {
    let gateway = Gateway::start().await;
    let ada = gateway.join("ada", "Owner", None).await;
    let link = make(&gateway, "ada@acme.example").await;
    assert_eq!(redeem(&gateway, &link.token).await.unwrap().member.id, ada.member.id);
    assert_eq!(redeem(&gateway, &link.token).await, None, "the second time");
    let late = make(&gateway, "ada@acme.example").await;
    gateway.clock.pass(Duration::from_mins(15));
    assert_eq!(redeem(&gateway, &late.token).await, None, "after 15 minutes");
    assert_eq!(redeem(&gateway, &"A".repeat(43)).await, None, "one that was never made");
}

#[tokio::test]
async fn of_many_at_once_one_gets_in() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Owner", None).await;
    let link = make(&gateway, "ada@acme.example").await;
    let tries = futures_util::future::join_all((0..20).map(|_| redeem(&gateway, &link.token))).await;
    assert_eq!(tries.into_iter().flatten().count(), 1);
}

#[tokio::test]
async fn only_the_hash_is_stored_and_both_ends_are_in_the_activity() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Owner", None).await;
    let link = make(&gateway, "ada@acme.example").await;
    redeem(&gateway, &link.token).await.unwrap();
    let lines = gateway.members.store.list_audit(0, 1000).await.unwrap();
    let events: Vec<&str> = lines.iter().rev().take(2).map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["recovery.link_used", "recovery.link_created"]);
    assert!(!serde_json::to_string(&lines).unwrap().contains(&link.token));
}

#[tokio::test]
async fn a_new_link_ends_the_one_before() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Owner", None).await;
    let (first, second) = (make(&gateway, "ada@acme.example").await, make(&gateway, "ada@acme.example").await);
    assert_eq!(redeem(&gateway, &first.token).await, None);
    assert!(redeem(&gateway, &second.token).await.is_some());
}

#[tokio::test]
async fn it_is_for_administrators_and_made_on_the_host() {
    let gateway = Gateway::start().await;
    let ada = gateway.join("ada", "Owner", None).await;
    gateway.join("jo", "User", None).await;
    let admin = admin(&gateway);
    for stranger in ["jo@acme.example", "nobody@acme.example"] {
        let (code, _) = refusal(admin.create_recovery_link(&operator(), Some(&email(stranger))).await);
        assert_eq!(code, "no_administrator", "{stranger}");
    }
    for actor in [somebody(&ada), token(&[Permission::SettingsWrite, Permission::MembersWrite], "acme")] {
        let (code, _) = refusal(admin.create_recovery_link(&actor, Some(&email("ada@acme.example"))).await);
        assert_eq!(code, "operator_only");
    }
    assert_eq!(admin.create_recovery_link(&operator(), None).await.unwrap().email, email("ada@acme.example"), "the only administrator");
    gateway.join("olivia", "Admin", None).await;
    match admin.create_recovery_link(&operator(), None).await {
        Err(AdminError::Invalid(faults)) => assert!(faults[0].message.contains("olivia@acme.example"), "{faults:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_administrator_who_was_demoted_or_removed_meanwhile_stays_out() {
    let gateway = Gateway::start().await;
    gateway.join("olivia", "Owner", None).await;
    let ada = gateway.join("ada", "Owner", None).await;
    let link = make(&gateway, "ada@acme.example").await;
    gateway.members.remove(&ada, "ada", at(5)).await;
    assert_eq!(redeem(&gateway, &link.token).await, None);
}

#[tokio::test]
async fn the_primary_owner_of_a_fresh_installation_becomes_the_first_administrator_with_the_held_seat() {
    let gateway = Gateway::start().await;
    apply(&gateway, &with_owner(settings(5, 5), "olivia@acme.example")).await.unwrap();
    assert_eq!(gateway.members.used(at(2)).await, [1, 0], "held");
    let link = admin(&gateway).create_recovery_link(&operator(), None).await.unwrap();
    let row = redeem(&gateway, &link.token).await.unwrap();
    let member = &row.member;
    assert_eq!((member.role.as_str(), member.primary_owner, member.status), ("Owner", true, MemberStatus::Active));
    assert_eq!(member.seat.as_ref().map(usher::core::SeatTier::as_str), Some("Premium"));
    assert_eq!(member.last_login_at, None, "a link is no sign-in");
    assert_eq!(gateway.members.used(at(2)).await, [1, 0], "the held seat changed hands");
    gateway.members.assert_sound().await;
    // The first real sign-in finds the same person.
    let identity = crate::store::fixtures::identity("olivia");
    let facts = gateway.members.facts(&identity, at(3)).await;
    let decision = usher::core::provision::decide(&facts, &identity, at(3));
    let committed = gateway.members.login(&identity, &decision, at(3)).await;
    assert_eq!(committed.member.unwrap().member.id, member.id);
    gateway.members.assert_sound().await;
}

#[tokio::test]
async fn a_second_primary_owner_is_never_made() {
    let gateway = Gateway::start().await;
    apply(&gateway, &with_owner(settings(5, 5), "olivia@acme.example")).await.unwrap();
    let link = make(&gateway, "olivia@acme.example").await;
    redeem(&gateway, &link.token).await.unwrap();
    let moved = crate::store::fixtures::identity("olivia");
    let mut renamed = moved.clone();
    renamed.email = Some(email("olivia.new@acme.example"));
    for identity in [moved, renamed] {
        let facts = gateway.members.facts(&identity, at(4)).await;
        gateway.members.login(&identity, &usher::core::provision::decide(&facts, &identity, at(4)), at(4)).await;
    }
    // The address in the settings now belongs to nobody; its link must not make another owner beside Olivia.
    let refused = admin(&gateway).create_recovery_link(&operator(), Some(&email("olivia@acme.example"))).await;
    assert_eq!(refusal(refused).0, "no_administrator");
}

#[tokio::test]
async fn required_sso_waits_for_a_used_link_and_an_owner_who_signed_in() {
    let gateway = Gateway::start().await;
    let mut required = with_owner(settings(5, 5), "olivia@acme.example");
    required.organizations[0].policy.require_sso = true;
    let why = async || match apply(&gateway, &required).await {
        Err(StoreError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    let reviewed = async || {
        let stored = gateway.members.store.find_settings().await.unwrap().unwrap();
        admin(&gateway).check_required_sso(Some(&stored.settings), &required).await
    };
    assert!(why().await.contains("usher admin link --organization acme"));
    assert!(matches!(reviewed().await, Err(AdminError::Refused { code: "sso_not_proven", .. })));
    apply(&gateway, &with_owner(settings(5, 5), "olivia@acme.example")).await.unwrap();
    let link = make(&gateway, "olivia@acme.example").await;
    assert!(why().await.contains("recovery link"), "made is not used");
    redeem(&gateway, &link.token).await.unwrap();
    assert!(why().await.contains("role Owner has signed in"), "a link is no sign-in");
    gateway.join("jo", "User", None).await;
    assert!(why().await.contains("role Owner has signed in"), "a User is no Owner");
    gateway.join("ada", "Owner", None).await;
    reviewed().await.unwrap();
    apply(&gateway, &required).await.unwrap();
    // Once it is required, other settings are saved without asking again.
    required.parent_name = "Acme Ltd".to_owned();
    apply(&gateway, &required).await.unwrap();
}
