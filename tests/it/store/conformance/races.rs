use std::sync::Arc;

use futures_util::future::join_all;
use usher::core::provision::Change;
use usher::core::{ConnectionId, GroupClaim, Reason};
use usher::store::CommitOutcome;

use super::facts::invite;
use crate::store::fixtures::*;

pub(crate) async fn two_first_logins_of_one_person_make_one_person(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = identity("ada");
    let facts = world.facts(&ada, at(1)).await;
    let logins = (0..10).map(|_| {
        let (store, facts, ada) = (Arc::clone(&world.store), facts.clone(), ada.clone());
        tokio::spawn(async move { commit(&store, &facts, &ada, &newcomer(&ada, "User", Some("Premium")), at(1)).await.unwrap() })
    });
    let outcomes: Vec<_> = join_all(logins).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == CommitOutcome::LostRace).count(), 9);
    assert_eq!(world.used(at(2)).await, [1, 0]);
    assert_eq!(world.facts(&ada, at(2)).await.into_facts().same_email, []);
    world.assert_sound().await;
}

pub(crate) async fn two_logins_of_one_member_both_go_through(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let row = world.join("ada", "User", Some("Premium"), at(1)).await;
    let ada = identity("ada");
    let facts = world.facts(&ada, at(2)).await;
    for second in [3, 4] {
        let outcome = world.try_commit(&facts, &ada, &returning(&row.member, vec![]), at(second)).await.unwrap();
        assert!(matches!(outcome, CommitOutcome::Committed(_)));
    }
}

pub(crate) async fn changed_settings_win_against_a_decision(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = identity("ada");
    let facts = world.facts(&ada, at(1)).await;
    let mut changed = settings(9, 9);
    changed.organizations[0].group_mappings = true;
    world.store.save_settings(&changed, Some(1), "cli", at(1)).await.unwrap();
    let decision = newcomer(&ada, "User", None);
    assert_eq!(world.try_commit(&facts, &ada, &decision, at(1)).await.unwrap(), CommitOutcome::LostRace);

    let facts = world.facts(&ada, at(1)).await;
    changed.parent_name = "Acme Inc.".to_owned();
    world.store.save_settings(&changed, Some(2), "cli", at(1)).await.unwrap();
    let outcome = world.try_commit(&facts, &ada, &decision, at(1)).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Committed(_)), "a change that the decision does not rest on is no race");
}

pub(crate) async fn a_closed_connection_wins_against_a_decision(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = identity("ada");
    let decision = newcomer(&ada, "User", None);
    let mut changed = settings(9, 9);
    for (revision, change) in [(1, "disabled"), (2, "unverified")] {
        let facts = world.facts(&ada, at(1)).await;
        match change {
            "disabled" => changed.connections[0].enabled = false,
            _ => changed.domains[0].verified = None,
        }
        world.store.save_settings(&changed, Some(revision), "cli", at(1)).await.unwrap();
        assert_eq!(world.try_commit(&facts, &ada, &decision, at(1)).await.unwrap(), CommitOutcome::LostRace, "{change}");
    }
}

pub(crate) async fn a_changed_member_wins_against_a_decision(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let row = world.join("ada", "User", Some("Premium"), at(1)).await;
    let ada = identity("ada");
    let facts = world.facts(&ada, at(2)).await;
    let change = Change::SetRole { member: row.member.id, from: role("User"), to: role("Admin") };
    world.change("ada", "Admin", Some("Premium"), vec![change], at(2)).await;
    for decision in [
        returning(&row.member, vec![]),
        refuse(Reason::NoRoleGroup, vec![Change::RemoveMember { member: row.member.id, reason: Reason::NoRoleGroup }]),
    ] {
        assert_eq!(world.try_commit(&facts, &ada, &decision, at(3)).await.unwrap(), CommitOutcome::LostRace);
    }
    let blocked = world.facts(&ada, at(4)).await;
    world.backend.execute("UPDATE seat SET used = 0".to_owned()).await;
    world.backend.execute("UPDATE member SET status = 'blocked', seat = NULL, revision = revision + 1".to_owned()).await;
    let decision = admit(Reason::OkExisting, "Admin", Some("Premium"), vec![]);
    assert_eq!(world.try_commit(&blocked, &ada, &decision, at(5)).await.unwrap(), CommitOutcome::LostRace);
}

pub(crate) async fn a_used_invite_wins_against_a_decision(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let invite = invite(1, "ada", None, 100);
    world.invite(&invite).await;
    let ada = identity("ada");
    let facts = world.facts(&ada, at(1)).await;
    world.backend.execute("UPDATE invite SET closed_at = 1".to_owned()).await;
    let mut decision = newcomer(&ada, "Admin", None);
    decision.changes.push(Change::ConsumeInvite { invite: invite.id, held: None });
    assert_eq!(world.try_commit(&facts, &ada, &decision, at(1)).await.unwrap(), CommitOutcome::LostRace);
    let facts = world.facts(&ada, at(2)).await;
    world.backend.execute("UPDATE invite SET closed_at = NULL".to_owned()).await;
    let refusal = refuse(Reason::NotInvited, vec![]);
    assert_eq!(
        world.try_commit(&facts, &ada, &refusal, at(2)).await.unwrap(),
        CommitOutcome::LostRace,
        "a new invite saves from a refusal"
    );
}

pub(crate) async fn a_new_person_with_the_address_wins_against_a_decision(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let mut entra = identity("ada");
    entra.connection = ConnectionId::parse("entra").unwrap();
    let facts = world.facts(&entra, at(1)).await;
    world.join("ada", "User", None, at(1)).await;
    let outcome = world.try_commit(&facts, &entra, &newcomer(&entra, "User", None), at(1)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::LostRace);
}

pub(crate) async fn two_administrators_cannot_both_be_removed(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let (ada, jo) = (world.join("ada", "Admin", None, at(1)).await, world.join("jo", "Admin", None, at(1)).await);
    let (ada_facts, jo_facts) = (world.facts(&identity("ada"), at(2)).await, world.facts(&identity("jo"), at(2)).await);
    assert_eq!((ada_facts.other_admins, jo_facts.other_admins), (1, 1));
    let demote = Change::SetRole { member: ada.member.id, from: role("Admin"), to: role("User") };
    let demotion = admit(Reason::OkExisting, "User", None, vec![demote]);
    let first = world.try_commit(&ada_facts, &identity("ada"), &demotion, at(2)).await.unwrap();
    assert!(matches!(first, CommitOutcome::Committed(_)));
    let removal = refuse(Reason::NoRoleGroup, vec![Change::RemoveMember { member: jo.member.id, reason: Reason::NoRoleGroup }]);
    assert_eq!(world.try_commit(&jo_facts, &identity("jo"), &removal, at(2)).await.unwrap(), CommitOutcome::LostRace);
}

pub(crate) async fn a_lost_race_leaves_its_neighbours_alone(backend: Box<dyn Backend>) {
    let world = World::new(backend, 30, 0).await;
    let mut silent = identity("taken");
    silent.groups = GroupClaim::Absent;
    let stale = world.facts(&silent, at(1)).await;
    world.login(&silent, &newcomer(&silent, "User", Some("Premium")), at(1)).await;
    let logins = (0..50).map(|number| {
        let (store, stale, silent) = (Arc::clone(&world.store), stale.clone(), silent.clone());
        let fresh = identity(&format!("p{number}"));
        let loses = number % 2 == 0;
        let world = &world;
        async move {
            let (facts, who) = if loses { (stale, silent) } else { (world.facts(&fresh, at(2)).await, fresh) };
            commit(&store, &facts, &who, &newcomer(&who, "User", Some("Premium")), at(2)).await.unwrap() != CommitOutcome::LostRace
        }
    });
    let won = join_all(logins).await;
    assert!(won.iter().enumerate().all(|(number, won)| *won == (number % 2 == 1)));
    assert_eq!(world.used(at(3)).await, [26, 0]);
    world.assert_sound().await;
}

pub(crate) async fn a_primary_owner_who_is_one_no_longer_wins_against_a_decision(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Owner", None, at(1)).await.member;
    let jo = world.join("jo", "Owner", None, at(1)).await.member;
    world.change("ada", "Owner", None, vec![Change::MarkPrimaryOwner { member: ada.id }], at(2)).await;
    let facts = world.facts(&identity("ada"), at(3)).await;
    world.change("jo", "Owner", None, vec![Change::MarkPrimaryOwner { member: jo.id }], at(3)).await;
    let outcome = world.try_commit(&facts, &identity("ada"), &admit(Reason::OkExisting, "Owner", None, vec![]), at(3)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::LostRace);
}
