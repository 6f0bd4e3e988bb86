use jiff::{SignedDuration, Timestamp};
use usher::store::{NewRecoveryLink, RecoveryKey, RequestOrigin, StoreError};

use crate::store::fixtures::*;

const KEY: RecoveryKey = RecoveryKey([7; 32]);

async fn create(world: &World, key: RecoveryKey, address: &str, now: Timestamp) -> Result<(), StoreError> {
    let link = NewRecoveryLink {
        key,
        organization: &acme(),
        email: &email(address),
        expires_at: now + SignedDuration::from_mins(15),
        actor: "cli",
        origin: &RequestOrigin::default(),
        now,
    };
    world.store.create_recovery_link(link).await
}

pub(crate) async fn a_link_works_once_and_not_for_long(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    let ada = world.join("ada", "Owner", None, at(1)).await;
    let origin = RequestOrigin::default();
    create(&world, KEY, "ada@acme.example", at(2)).await.unwrap();
    let late = at(2) + SignedDuration::from_mins(15);
    assert!(world.store.is_recovery_link_open(KEY, at(3)).await.unwrap());
    assert!(!world.store.is_recovery_link_open(KEY, late).await.unwrap());
    assert_eq!(world.store.use_recovery_link(KEY, &origin, late).await.unwrap(), None);
    assert_eq!(world.store.use_recovery_link(KEY, &origin, at(3)).await.unwrap().unwrap().member.id, ada.member.id);
    assert_eq!(world.store.use_recovery_link(KEY, &origin, at(3)).await.unwrap(), None);
    assert!(matches!(create(&world, RecoveryKey([8; 32]), "jo@acme.example", at(4)).await, Err(StoreError::Refused(_))));
}

pub(crate) async fn a_primary_owner_comes_by_a_link_with_the_held_seat(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    world.store.save_settings(&with_owner(settings(1, 1), "olivia@acme.example"), None, "cli", at(0)).await.unwrap();
    create(&world, KEY, "olivia@acme.example", at(1)).await.unwrap();
    let row = world.store.use_recovery_link(KEY, &RequestOrigin::default(), at(2)).await.unwrap().unwrap();
    assert_eq!((row.member.primary_owner, row.member.seat), (true, Some(tier("Premium"))));
    assert_eq!(world.used(at(3)).await, [1, 0]);
    world.assert_sound().await;
}

pub(crate) async fn both_ways_in_are_proven_before_sso_is_required(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    let mut required = settings(1, 1);
    required.organizations[0].policy.require_sso = true;
    let save = async || world.store.save_settings(&required, Some(1), "cli", at(9)).await;
    assert!(matches!(save().await, Err(StoreError::Refused(_))));
    world.join("ada", "Owner", None, at(1)).await;
    assert!(matches!(save().await, Err(StoreError::Refused(_))));
    create(&world, KEY, "ada@acme.example", at(2)).await.unwrap();
    world.store.use_recovery_link(KEY, &RequestOrigin::default(), at(3)).await.unwrap().unwrap();
    let proof = world.store.find_sso_proof(&acme()).await.unwrap();
    assert_eq!((proof.recovery_used_at, proof.owner_signed_in_at), (Some(at(3)), Some(at(1))));
    save().await.unwrap();
}
