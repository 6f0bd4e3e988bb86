use usher::core::provision::Change;
use usher::core::{ConnectionId, GroupClaim, MemberStatus, Pin, Reason};
use usher::store::{CommitOutcome, StoreError};

use super::facts::invite;
use crate::store::fixtures::*;

pub(crate) async fn a_first_login_writes_everything(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = identity("ada");
    let decision = newcomer(&ada, "Admin", Some("Premium"));
    let committed = world.login(&ada, &decision, at(1)).await;
    let row = committed.member.unwrap();

    assert_eq!(row.person.email, ada.email);
    assert_eq!(row.person.name.as_deref(), Some("ada"));
    let member = &row.member;
    assert_eq!((member.status, &member.role, &member.seat), (MemberStatus::Active, &role("Admin"), &Some(tier("Premium"))));
    assert_eq!((member.joined_at, member.last_login_at, member.last_groups_at), (at(1), Some(at(1)), Some(at(1))));
    assert_eq!(world.store.find_member(&acme(), row.person.id).await.unwrap().as_ref(), Some(&row));
    assert_eq!(world.links(&ada, at(2)).await[0].subject, "okta-ada");
    assert_eq!(world.used(at(2)).await, [1, 0]);

    let record = world.store.find_last_decision(&acme(), row.person.id).await.unwrap().unwrap();
    assert_eq!((record.id, record.member, &record.decision, &record.identity), (committed.decision, Some(member.id), &decision, &ada));
    let line = world.store.list_audit(1, 10).await.unwrap().remove(0);
    assert_eq!((line.id, line.event.as_str(), line.reason), (record.audit, "login.admitted", Some(Reason::OkNew)));
    assert_eq!(line.target, Some(row.person.id.to_string()));
    assert_eq!(line.detail["before"], serde_json::Value::Null);
    assert_eq!(line.detail["after"]["member"]["role"], "Admin");
    world.assert_sound().await;
}

pub(crate) async fn a_refused_stranger_leaves_a_record_and_no_person(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let noah = identity("noah");
    let committed = world.login(&noah, &refuse(Reason::NoRoleGroup, vec![]), at(1)).await;
    assert_eq!(committed.member, None);
    let facts = world.facts(&noah, at(2)).await;
    assert_eq!((&facts.linked, &facts.same_email), (&None, &vec![]));
    let line = world.store.list_audit(1, 10).await.unwrap().remove(0);
    assert_eq!((line.event.as_str(), line.actor.as_str(), line.reason), ("login.refused", "system", Some(Reason::NoRoleGroup)));
    assert_eq!(line.detail["decision"], committed.decision.to_string());
    world.assert_sound().await;
}

pub(crate) async fn a_refused_attempt_is_counted_and_ends_with_an_admission(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = identity("ada");
    let full = refuse(Reason::NoSeatsLeft, vec![Change::RecordAttempt { reason: Reason::NoSeatsLeft }]);
    world.login(&ada, &full, at(1)).await;
    world.login(&ada, &full, at(9)).await;
    let attempts = world.store.list_attempts(&acme()).await.unwrap();
    assert_eq!(attempts.len(), 1);
    let attempt = &attempts[0];
    assert_eq!((attempt.count, attempt.first_at, attempt.last_at, attempt.reason), (2, at(1), at(9), Reason::NoSeatsLeft));
    assert_eq!((attempt.subject.as_str(), &attempt.email), ("okta-ada", &ada.email));
    world.join("ada", "User", None, at(10)).await;
    assert_eq!(world.store.list_attempts(&acme()).await.unwrap(), []);
}

pub(crate) async fn a_returning_member_only_moves_times(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let before = world.join("ada", "User", Some("Premium"), at(1)).await;
    let mut ada = identity("ada");
    ada.groups = GroupClaim::Absent;
    let after = world.login(&ada, &returning(&before.member, vec![]), at(5)).await.member.unwrap();
    let mut expected = before.clone();
    expected.member.last_login_at = Some(at(5));
    assert_eq!(after, expected, "without groups the grace clock stands");
    assert_eq!(world.used(at(5)).await, [1, 0]);
}

pub(crate) async fn a_person_is_updated(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let change =
        Change::UpdatePerson { person: ada.person.id, email: Some(email("Lovelace@acme.example")), name: Some("Ada L".to_owned()) };
    world.change("ada", "User", None, vec![change], at(2)).await;
    let found = world.store.find_members_by_email(&acme(), &email("lovelace@ACME.example")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].person.id, found[0].person.name.as_deref()), (ada.person.id, Some("Ada L")));
    assert_eq!(world.store.find_members_by_email(&acme(), &email("ada@acme.example")).await.unwrap(), []);
}

pub(crate) async fn a_link_is_added_to_the_only_person_with_the_address(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let mut entra = identity("ada");
    entra.connection = ConnectionId::parse("entra").unwrap();
    entra.subject = "42".to_owned();
    let row = world.login(&entra, &returning(&ada.member, vec![Change::CreateLink]), at(2)).await.member.unwrap();
    assert_eq!(row.person.id, ada.person.id);
    assert_eq!(world.links(&entra, at(3)).await.len(), 2);
    assert_eq!(world.facts(&identity("ada"), at(3)).await.into_facts().linked.unwrap().person.id, ada.person.id, "the first link stays");
}

pub(crate) async fn a_subject_is_replaced(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    world.backend.execute(format!("UPDATE connection SET relink_open_until = {} WHERE id = 'okta'", at(9).as_microsecond())).await;
    let link = world.links(&identity("ada"), at(2)).await.remove(0);
    let mut renewed = identity("ada");
    renewed.subject = "new".to_owned();
    assert_eq!(world.facts(&renewed, at(2)).await.connection.relink_open_until, Some(at(9)));
    world.login(&renewed, &returning(&ada.member, vec![Change::Relink { link: link.id }]), at(2)).await;
    assert_eq!(world.facts(&renewed, at(3)).await.into_facts().linked.unwrap().person.id, ada.person.id);
    assert_eq!(world.facts(&identity("ada"), at(3)).await.into_facts().linked, None);
}

pub(crate) async fn a_role_changes(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let change = Change::SetRole { member: ada.member.id, from: role("User"), to: role("Admin") };
    let after = world.change("ada", "Admin", None, vec![change], at(2)).await;
    assert_eq!(after.role, role("Admin"));
    assert!(after.revision > ada.member.revision);
    let line = world.store.list_audit(2, 10).await.unwrap().remove(0);
    assert_eq!((&line.detail["before"]["member"]["role"], &line.detail["after"]["member"]["role"]), (&"User".into(), &"Admin".into()));
}

pub(crate) async fn a_place_in_the_queue_is_kept_and_left(backend: Box<dyn Backend>) {
    let world = World::new(backend, 0, 2).await;
    let ada = identity("ada");
    let mut decision = newcomer(&ada, "User", Some("Standard"));
    decision.changes.push(Change::QueueForTier { tier: tier("Premium") });
    let member = world.login(&ada, &decision, at(1)).await.member.unwrap().member;
    assert_eq!(member.wanted_tier.as_ref().map(|wanted| wanted.since), Some(at(1)));
    let member = world.change("ada", "User", Some("Standard"), vec![Change::QueueForTier { tier: tier("Premium") }], at(2)).await;
    assert_eq!(member.wanted_tier.as_ref().map(|wanted| wanted.since), Some(at(1)), "the earlier place is kept");
    let member = world.change("ada", "User", Some("Standard"), vec![Change::QueueForTier { tier: tier("Gold") }], at(3)).await;
    assert_eq!(member.wanted_tier.as_ref().map(|wanted| (wanted.tier.as_str(), wanted.since)), Some(("Gold", at(3))));
    let member = world.change("ada", "User", Some("Standard"), vec![Change::LeaveQueue { member: member.id }], at(4)).await;
    assert_eq!(member.wanted_tier, None);
}

fn pin() -> String {
    let pin = Pin { role: Some(role("Owner")), seat: Some(None), reason: "audit".to_owned(), by: "Olivia".to_owned(), ends_at: at(9) };
    serde_json::to_string(&pin).unwrap()
}

pub(crate) async fn a_removed_member_has_no_seat_and_no_pin(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "Admin", Some("Premium"), at(1)).await;
    world.backend.execute(format!("UPDATE member SET pin = '{}'", pin())).await;
    let after = world.remove(&ada, "ada", at(2)).await;
    assert_eq!((after.status, after.seat, after.pin, after.role), (MemberStatus::Removed, None, None, role("Admin")));
    assert_eq!(world.used(at(2)).await, [0, 0]);
    assert_eq!(after.last_login_at, Some(at(1)), "a refused login is no login");
    world.assert_sound().await;
}

pub(crate) async fn a_removed_member_is_one_again(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "Admin", Some("Premium"), at(1)).await;
    world.remove(&ada, "ada", at(2)).await;
    let change = Change::ReaddMember { member: ada.member.id, role: role("User"), seat: Some(tier("Standard")) };
    let decision = admit(Reason::OkReadded, "User", Some("Standard"), vec![change.clone()]);
    let row = world.login(&identity("ada"), &decision, at(3)).await.member.unwrap();
    assert_eq!((row.member.id, row.member.status, row.member.role), (ada.member.id, MemberStatus::Active, role("User")));
    assert_eq!(row.member.joined_at, at(1), "history is kept");
    assert_eq!(world.used(at(3)).await, [0, 1]);
    let facts = world.facts(&identity("ada"), at(4)).await;
    let again = world.try_commit(&facts, &identity("ada"), &decision, at(4)).await.unwrap();
    assert_eq!(again, CommitOutcome::LostRace, "nobody is re-added twice");
    world.assert_sound().await;
}

pub(crate) async fn a_pin_is_dropped(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    world.backend.execute(format!("UPDATE member SET pin = '{}'", pin())).await;
    let pinned = world.facts(&identity("ada"), at(2)).await.into_facts().linked.unwrap().member.unwrap().pin.unwrap();
    assert_eq!((pinned.seat, pinned.ends_at), (Some(None), at(9)));
    let after = world.change("ada", "User", None, vec![Change::DropPin { member: ada.member.id }], at(3)).await;
    assert_eq!(after.pin, None);
}

pub(crate) async fn there_is_one_primary_owner(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Owner", None, at(1)).await;
    let jo = world.join("jo", "Owner", None, at(1)).await;
    assert!(world.change("ada", "Owner", None, vec![Change::MarkPrimaryOwner { member: ada.member.id }], at(2)).await.primary_owner);
    assert!(world.change("jo", "Owner", None, vec![Change::MarkPrimaryOwner { member: jo.member.id }], at(3)).await.primary_owner);
    assert!(!world.store.find_member(&acme(), ada.person.id).await.unwrap().unwrap().member.primary_owner);
    let mia = identity("mia");
    let mut decision = newcomer(&mia, "Owner", None);
    decision.changes[2] = Change::CreateMember { role: role("Owner"), seat: None, primary_owner: true };
    assert!(world.login(&mia, &decision, at(4)).await.member.unwrap().member.primary_owner);
    assert!(!world.store.find_member(&acme(), jo.person.id).await.unwrap().unwrap().member.primary_owner);
}

pub(crate) async fn an_invite_is_used_once(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    let invite = invite(1, "ada", Some("Premium"), 100);
    world.invite(&invite).await;
    let ada = identity("ada");
    let facts = world.facts(&ada, at(1)).await;
    let mut decision = newcomer(&ada, "Admin", Some("Standard"));
    decision.changes.insert(0, Change::ConsumeInvite { invite: invite.id, held: Some(tier("Premium")) });
    world.try_commit(&facts, &ada, &decision, at(1)).await.unwrap();
    assert_eq!(world.used(at(1)).await, [0, 1], "what the invite held and the member does not need is free");
    assert_eq!(world.facts(&ada, at(2)).await.into_facts().invite, None);
    assert_eq!(world.try_commit(&facts, &ada, &decision, at(2)).await.unwrap(), CommitOutcome::LostRace);
    world.assert_sound().await;
}

pub(crate) async fn a_decision_that_does_not_fit_is_a_denial(backend: Box<dyn Backend>) {
    let world = World::new(backend, 2, 2).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let jo = world.join("jo", "User", Some("Standard"), at(1)).await;
    let lines = world.store.list_audit(0, 100).await.unwrap().len();
    let id = ada.member.id;
    let stranger = identity("mia");
    let bad = [
        ("shows a role that is not written", identity("ada"), admit(Reason::OkExisting, "Owner", Some("Premium"), vec![])),
        ("shows a seat that is not written", identity("ada"), admit(Reason::OkExisting, "User", Some("Standard"), vec![])),
        ("admits nobody", stranger.clone(), admit(Reason::OkNew, "User", None, vec![create_person(&stranger)])),
        ("links nobody", stranger.clone(), admit(Reason::OkNew, "User", None, vec![Change::CreateLink])),
        ("queues nobody", stranger.clone(), refuse(Reason::NoSeatsLeft, vec![Change::QueueForTier { tier: tier("Premium") }])),
        (
            "moves a seat that is not there",
            identity("ada"),
            admit(
                Reason::OkExisting,
                "User",
                Some("Premium"),
                vec![Change::MoveSeat { member: id, from: Some(tier("Standard")), to: Some(tier("Premium")) }],
            ),
        ),
        (
            "changes someone else",
            identity("ada"),
            returning(&ada.member, vec![Change::SetRole { member: jo.member.id, from: role("User"), to: role("Owner") }]),
        ),
        (
            "renames someone else",
            identity("ada"),
            returning(&ada.member, vec![Change::UpdatePerson { person: jo.person.id, email: None, name: None }]),
        ),
    ];
    for (what, identity, decision) in bad {
        let facts = world.facts(&identity, at(2)).await;
        let outcome = world.try_commit(&facts, &identity, &decision, at(2)).await;
        assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "a decision that {what}: {outcome:?}");
    }
    assert_eq!(world.used(at(3)).await, [1, 1]);
    assert_eq!(world.store.find_member(&acme(), jo.person.id).await.unwrap(), Some(jo));
    assert_eq!(world.store.list_audit(0, 100).await.unwrap().len(), lines);
    world.assert_sound().await;
}
