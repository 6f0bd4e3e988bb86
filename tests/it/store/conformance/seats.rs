use std::sync::Arc;

use futures_util::future::join_all;
use usher::core::Reason;
use usher::core::provision::Change;
use usher::store::{CommitOutcome, FactsQuery, MemberQuery};

use super::facts::invite;
use crate::store::fixtures::*;

pub(crate) async fn a_seat_moves_between_tiers(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let move_seat =
        |from: Option<&str>, to: Option<&str>| Change::MoveSeat { member: ada.member.id, from: from.map(tier), to: to.map(tier) };
    world.change("ada", "User", Some("Standard"), vec![move_seat(Some("Premium"), Some("Standard"))], at(2)).await;
    assert_eq!(world.used(at(2)).await, [0, 1]);
    world.change("ada", "User", None, vec![move_seat(Some("Standard"), None)], at(3)).await;
    assert_eq!(world.used(at(3)).await, [0, 0]);
    world.backend.execute("UPDATE member SET seat_unassigned = 1".to_owned()).await;
    let member = world.change("ada", "User", Some("Premium"), vec![move_seat(None, Some("Premium"))], at(4)).await;
    assert_eq!(world.used(at(4)).await, [1, 0]);
    assert!(!member.seat_unassigned);
    world.assert_sound().await;
}

pub(crate) async fn a_full_tier_is_a_lost_race_and_nothing_is_written(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    world.join("ada", "User", Some("Premium"), at(1)).await;
    let jo = identity("jo");
    let facts = world.facts(&jo, at(2)).await;
    for seat in ["Premium", "Standard"] {
        let outcome = world.try_commit(&facts, &jo, &newcomer(&jo, "User", Some(seat)), at(2)).await.unwrap();
        assert_eq!(outcome, CommitOutcome::LostRace);
    }
    let after = world.facts(&jo, at(3)).await;
    assert_eq!((&after.linked, &after.same_email), (&None, &vec![]));
    assert_eq!(world.used(at(3)).await, [1, 0]);
    assert_eq!(world.store.list_audit(0, 10).await.unwrap().len(), 2, "settings and Ada");
    world.assert_sound().await;
}

fn invited(identity: &usher::core::Identity, invite: &usher::core::Invite) -> usher::core::provision::Decision {
    let mut decision = newcomer(identity, "Admin", Some("Premium"));
    decision.changes.push(Change::ConsumeInvite { invite: invite.id, held: Some(tier("Premium")) });
    decision
}

pub(crate) async fn an_invited_person_gets_the_held_seat_when_all_are_taken(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    let invite = invite(1, "ada", Some("Premium"), 100);
    world.invite(&invite).await;
    // Fewer owned than used: the hold changes hands all the same.
    world.store.save_settings(&settings(0, 0), Some(1), "cli", at(1)).await.unwrap();
    let ada = identity("ada");
    let row = world.login(&ada, &invited(&ada, &invite), at(2)).await.member.unwrap();
    assert_eq!(row.member.seat, Some(tier("Premium")));
    assert_eq!(world.used(at(2)).await, [1, 0]);
    world.assert_sound().await;
}

pub(crate) async fn someone_else_does_not_get_a_held_seat(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    world.invite(&invite(1, "ada", Some("Premium"), 100)).await;
    let jo = identity("jo");
    let facts = world.facts(&jo, at(99)).await;
    assert_eq!(facts.seats[0].free(), 0);
    let outcome = world.try_commit(&facts, &jo, &newcomer(&jo, "User", Some("Premium")), at(99)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::LostRace);
}

pub(crate) async fn an_expired_hold_frees_its_seat_for_the_next(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    let held = invite(1, "ada", Some("Premium"), 100);
    world.invite(&held).await;
    world.join("jo", "User", Some("Premium"), at(100)).await;
    assert_eq!(world.used(at(100)).await, [1, 0]);
    assert_eq!(world.used(at(50)).await, [1, 0], "it was freed once and for all");
    let ada = identity("ada");
    let facts = world.facts(&ada, at(101)).await;
    let outcome = world.try_commit(&facts, &ada, &invited(&ada, &held), at(101)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::LostRace, "an expired invite is worth nothing");
    world.assert_sound().await;
}

pub(crate) async fn fewer_seats_owned_evict_nobody_and_let_nobody_in(backend: Box<dyn Backend>) {
    let world = World::new(backend, 2, 0).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    world.join("jo", "User", Some("Premium"), at(1)).await;
    world.store.save_settings(&settings(1, 0), Some(1), "cli", at(2)).await.unwrap();
    let facts = world.facts(&identity("mia"), at(3)).await;
    assert_eq!((facts.seats[0].owned, facts.seats[0].used, facts.seats[0].free()), (1, 2, 0));
    world.login(&identity("ada"), &returning(&ada.member, vec![]), at(4)).await;
    let mia = identity("mia");
    let outcome = world.try_commit(&facts, &mia, &newcomer(&mia, "User", Some("Premium")), at(4)).await;
    assert_eq!(outcome.unwrap(), CommitOutcome::LostRace, "the settings are not the point: the gate is shut");
    world.remove(&ada, "ada", at(5)).await;
    let facts = world.facts(&mia, at(6)).await;
    let outcome = world.try_commit(&facts, &mia, &newcomer(&mia, "User", Some("Premium")), at(6)).await;
    assert_eq!(outcome.unwrap(), CommitOutcome::LostRace, "one of one is still in use");
    world.assert_sound().await;
}

pub(crate) async fn a_hundred_first_logins_for_one_seat_make_one_member(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    let logins = (0..100).map(|number| {
        let store = Arc::clone(&world.store);
        tokio::spawn(async move {
            let identity = identity(&format!("person{number}"));
            // As the shared ending does: what a lost race leaves is decided once more.
            for _ in 0..2 {
                let facts = store.load_facts(FactsQuery { organization: &acme(), identity: &identity, now: at(1) }).await.unwrap();
                let decision = if facts.seats[0].free() > 0 {
                    newcomer(&identity, "User", Some("Premium"))
                } else {
                    refuse(Reason::NoSeatsLeft, vec![Change::RecordAttempt { reason: Reason::NoSeatsLeft }])
                };
                if let CommitOutcome::Committed(committed) = commit(&store, &facts, &identity, &decision, at(1)).await.unwrap() {
                    return committed.member.is_some();
                }
            }
            false
        })
    });
    let admitted = join_all(logins).await.into_iter().filter(|admitted| *admitted.as_ref().unwrap()).count();
    assert_eq!(admitted, 1);
    assert_eq!(world.used(at(2)).await, [1, 0]);
    let query = MemberQuery { organization: &acme(), search: None, after: None, limit: 500 };
    assert_eq!(world.store.list_members(query).await.unwrap().len(), 1);
    assert_eq!(world.store.list_attempts(&acme()).await.unwrap().len(), 99);
    world.assert_sound().await;
}

pub(crate) async fn an_organization_without_tiers_counts_nothing(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    let mut without = with_owner(settings(0, 0), "olivia@acme.example");
    without.organizations[0].seat_tiers.clear();
    world.store.save_settings(&without, None, "cli", at(0)).await.unwrap();
    assert_eq!(world.store.count_seats(&acme(), at(0)).await.unwrap(), []);
    assert_eq!(world.facts(&identity("olivia"), at(0)).await.into_facts().invite.unwrap().seat, None);
    assert_eq!(world.join("ada", "User", None, at(1)).await.member.seat, None);
    world.assert_sound().await;
}
