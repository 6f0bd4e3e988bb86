use usher::core::provision::Change;
use usher::core::{ConnectionId, GroupClaim, Invite, InviteId, OrganizationId, Reason};
use usher::store::{FactsQuery, StoreError};
use uuid::Uuid;

use crate::store::fixtures::*;

pub(crate) async fn a_stranger_is_nobody(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let facts = world.facts(&identity("ada"), at(1)).await;
    assert_eq!(facts.linked, None);
    assert_eq!(facts.same_email, []);
    assert_eq!(facts.invite, None);
    assert_eq!(facts.other_admins, 0);
    assert_eq!(*facts.organization, organization(1, 2));
    assert_eq!(
        facts.seats.iter().map(|seat| (seat.tier.as_str(), seat.owned, seat.used)).collect::<Vec<_>>(),
        [("Premium", 1, 0), ("Standard", 2, 0)]
    );
    assert!(facts.connection.enabled && facts.connection.domain_verified);
}

pub(crate) async fn a_linked_person_is_found_by_subject_alone(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let mut moved = identity("ada");
    moved.email = Some(email("lovelace@acme.example"));
    let known = world.facts(&moved, at(2)).await.into_facts().linked.unwrap();
    assert_eq!(known.person, ada.person);
    assert_eq!(known.member, Some(ada.member));
    assert_eq!(known.links.len(), 1);
    let mut elsewhere = identity("ada");
    elsewhere.connection = ConnectionId::parse("entra").unwrap();
    assert_eq!(world.facts(&elsewhere, at(2)).await.into_facts().linked, None, "a subject belongs to its connection");
}

pub(crate) async fn an_address_is_compared_without_regard_to_case(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let mut other = identity("other");
    other.email = Some(email("ADA@Acme.Example"));
    let facts = world.facts(&other, at(2)).await;
    assert_eq!(facts.linked, None);
    assert_eq!(facts.same_email.iter().map(|known| known.person.id).collect::<Vec<_>>(), [ada.person.id]);
    let own = world.facts(&identity("ada"), at(2)).await;
    assert_eq!(own.same_email, [], "the linked person is not among the others");
    other.email = None;
    assert_eq!(world.facts(&other, at(2)).await.into_facts().same_email, []);
}

pub(crate) async fn a_domain_counts_when_the_connection_lists_it_and_it_is_verified(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let mut foreign = identity("ada");
    foreign.email = Some(email("ada@evil.example"));
    assert!(!world.facts(&foreign, at(1)).await.connection.domain_verified);
    foreign.email = None;
    assert!(!world.facts(&foreign, at(1)).await.connection.domain_verified);
    let mut unverified = settings(1, 2);
    unverified.domains[0].verified = None;
    world.store.save_settings(&unverified, Some(1), "cli", at(1)).await.unwrap();
    assert!(!world.facts(&identity("ada"), at(1)).await.connection.domain_verified);
}

pub(crate) async fn other_administrators_are_human_and_have_logged_in(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    world.join("ada", "Admin", None, at(1)).await;
    world.join("jo", "User", None, at(1)).await;
    assert_eq!(world.facts(&identity("ada"), at(2)).await.other_admins, 0, "oneself is not another");
    assert_eq!(world.facts(&identity("jo"), at(2)).await.other_admins, 0, "nobody counts them for whoever is none");
    let olivia = world.join("olivia", "Owner", None, at(1)).await;
    assert_eq!(world.facts(&identity("ada"), at(2)).await.other_admins, 1);
    let jim = world.join("jim", "Admin", None, at(1)).await;
    assert_eq!(world.facts(&identity("ada"), at(2)).await.other_admins, 2);
    world.remove(&jim, "jim", at(2)).await;
    assert_eq!(world.facts(&identity("ada"), at(2)).await.other_admins, 1, "a removed one is none");

    world.backend.execute(format!("UPDATE person SET service_account = 1 WHERE id = '{}'", olivia.person.id)).await;
    assert_eq!(world.facts(&identity("ada"), at(2)).await.other_admins, 0, "a bot cannot log in");
    world.backend.execute("UPDATE person SET service_account = 0".to_owned()).await;
    world.backend.execute(format!("UPDATE member SET last_login_at = NULL WHERE id = '{}'", olivia.member.id)).await;
    assert_eq!(world.facts(&identity("ada"), at(2)).await.other_admins, 0, "who never came may never come");
}

pub(crate) async fn another_primary_owner_is_seen(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let olivia = world.join("olivia", "Owner", None, at(1)).await;
    world.join("ada", "Owner", None, at(1)).await;
    assert!(!world.facts(&identity("ada"), at(2)).await.other_primary_owner);
    world.change("olivia", "Owner", None, vec![Change::MarkPrimaryOwner { member: olivia.member.id }], at(2)).await;
    assert!(world.facts(&identity("ada"), at(3)).await.other_primary_owner);
    assert!(!world.facts(&identity("olivia"), at(3)).await.other_primary_owner, "oneself is not another");
    world.remove(&olivia, "olivia", at(4)).await;
    assert!(!world.facts(&identity("ada"), at(5)).await.other_primary_owner);
}

pub(crate) fn invite(number: u128, name: &str, seat: Option<&str>, expires_at: i64) -> Invite {
    Invite {
        id: InviteId::from_uuid(Uuid::from_u128(number)),
        organization: acme(),
        email: email(&format!("{name}@acme.example")),
        role: role("Admin"),
        seat: seat.map(tier),
        expires_at: at(expires_at),
    }
}

pub(crate) async fn the_newest_open_invite_is_found_also_when_it_has_expired(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let (first, second) = (invite(1, "ada", Some("Premium"), 10), invite(2, "ada", Some("Standard"), 20));
    world.invite(&first).await;
    world.invite(&second).await;
    let mut shouted = identity("ada");
    shouted.email = Some(email("ADA@acme.example"));
    assert_eq!(world.facts(&shouted, at(5)).await.into_facts().invite, Some(second.clone()));
    assert_eq!(world.facts(&shouted, at(50)).await.into_facts().invite, Some(second.clone()));
    world.backend.execute(format!("UPDATE invite SET closed_at = 1, held = NULL WHERE id = '{}'", second.id)).await;
    assert_eq!(world.facts(&shouted, at(5)).await.into_facts().invite, Some(first));
}

pub(crate) async fn an_expired_hold_is_not_counted(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    world.invite(&invite(1, "ada", Some("Premium"), 10)).await;
    assert_eq!(world.used(at(9)).await, [1, 0]);
    assert_eq!(world.used(at(10)).await, [0, 0]);
    assert_eq!(world.facts(&identity("jo"), at(10)).await.seats[0].used, 0);
}

pub(crate) async fn claim_health_is_remembered_for_each_connection(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let mut silent = identity("jo");
    silent.groups = GroupClaim::Absent;
    world.login(&silent, &newcomer(&silent, "User", None), at(1)).await;
    assert_eq!(world.facts(&silent, at(2)).await.connection.health.last_present_at, None);
    let noah = identity("noah");
    world.login(&noah, &refuse(Reason::NoRoleGroup, vec![]), at(3)).await;
    assert_eq!(world.facts(&silent, at(4)).await.connection.health.last_present_at, Some(at(3)), "a refused login delivered groups too");
    world.join("ada", "User", None, at(2)).await;
    assert_eq!(world.facts(&silent, at(4)).await.connection.health.last_present_at, Some(at(3)), "it does not go back");
    silent.connection = ConnectionId::parse("entra").unwrap();
    assert_eq!(world.facts(&silent, at(4)).await.connection.health.last_present_at, None);
}

pub(crate) async fn an_unknown_organization_or_connection_is_missing(backend: Box<dyn Backend>) {
    let empty = World::empty(backend);
    let ada = identity("ada");
    let load = async |world: &World, organization: &str, connection: &str| {
        let mut ada = ada.clone();
        ada.connection = ConnectionId::parse(connection).unwrap();
        let organization = OrganizationId::parse(organization).unwrap();
        let found = world.store.load_facts(FactsQuery { organization: &organization, identity: &ada, now: at(1) }).await;
        matches!(found, Err(StoreError::Missing(_)))
    };
    assert!(load(&empty, "acme", "okta").await);
    empty.store.save_settings(&settings(1, 1), None, "cli", at(0)).await.unwrap();
    assert!(!load(&empty, "acme", "okta").await);
    assert!(load(&empty, "other", "okta").await);
    assert!(load(&empty, "acme", "other").await);
}
