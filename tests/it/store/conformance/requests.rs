use jiff::{SignedDuration, Timestamp};
use usher::core::provision::{Change, Decision, Grant, approve};
use usher::core::{DecisionId, MemberStatus, Reason};
use usher::store::{AccessRequest, Answer, Answering, Asking, CommitOutcome, LoginCommit, RequestOrigin, StoreError};

use crate::store::fixtures::*;

/// A login that is refused for `reason`.
async fn refused(world: &World, name: &str, reason: Reason, now: Timestamp) -> DecisionId {
    world.login(&identity(name), &refuse(reason, vec![Change::RecordAttempt { reason }]), now).await.decision
}

async fn ask(world: &World, decision: DecisionId, said: &str, now: Timestamp) -> Result<AccessRequest, StoreError> {
    let asking = Asking { organization: &acme(), decision, asked_for: Some(said), origin: &RequestOrigin::default(), now };
    world.store.ask_for_access(asking).await
}

async fn waiting(world: &World, now: Timestamp) -> Vec<AccessRequest> {
    world.store.list_requests(&acme(), now).await.unwrap()
}

fn answering<'a>(request: &'a AccessRequest, answer: Answer, origin: &'a RequestOrigin, now: Timestamp) -> Answering<'a> {
    Answering { request, answer, note: Some("because"), actor: "cli", origin, now }
}

async fn settle(world: &World, request: &AccessRequest, decision: &Decision, answer: Answer, now: Timestamp) -> CommitOutcome {
    let (facts, origin) = (world.facts(&request.identity, now).await, RequestOrigin::default());
    let commit = LoginCommit { facts: &facts, identity: &request.identity, decision, origin: &origin, now };
    world.store.settle_request(commit, answering(request, answer, &origin, now)).await.unwrap()
}

pub(crate) async fn who_waits_is_there_once_for_thirty_days(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    refused(&world, "jo", Reason::NotInvited, at(1)).await;
    assert_eq!(waiting(&world, at(2)).await, [], "who was refused by the rules has to ask");
    refused(&world, "jo", Reason::NoSeatsLeft, at(3)).await;
    let newest = refused(&world, "jo", Reason::NoSeatsLeft, at(4)).await;
    let [request] = waiting(&world, at(5)).await.try_into().unwrap();
    assert_eq!((request.id, request.reason, request.count, request.first_at), (newest, Reason::NoSeatsLeft, 2, at(3)));
    assert_eq!(request.identity, identity("jo"));
    assert_eq!(waiting(&world, at(4) + SignedDuration::from_hours(30 * 24)).await, []);
}

pub(crate) async fn a_request_is_asked_once_and_found_by_any_refusal_of_the_person(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    let first = refused(&world, "jo", Reason::NotInvited, at(1)).await;
    ask(&world, first, "please", at(2)).await.unwrap();
    let again = ask(&world, first, "again", at(3)).await.unwrap();
    assert_eq!((again.asked_for.as_deref(), again.asked_at), (Some("please"), Some(at(2))));
    let second = refused(&world, "jo", Reason::NotInvited, at(4)).await;
    for id in [first, second] {
        assert_eq!(world.store.find_request(&acme(), id).await.unwrap().unwrap().id, second);
    }
    let other = usher::core::OrganizationId::parse("theirs").unwrap();
    assert_eq!(world.store.find_request(&other, first).await.unwrap(), None, "nobody else's");
    let admitted = world.login(&identity("ada"), &newcomer(&identity("ada"), "User", None), at(5)).await.decision;
    assert!(ask(&world, admitted, "more", at(6)).await.is_err(), "who was let in has nothing to ask");
}

pub(crate) async fn a_no_stands_and_ends(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    let id = refused(&world, "jo", Reason::NoSeatsLeft, at(1)).await;
    let (request, origin) = (waiting(&world, at(2)).await.remove(0), RequestOrigin::default());
    assert!(world.store.decline_request(answering(&request, Answer::Declined, &origin, at(2))).await.unwrap());
    assert!(!world.store.decline_request(answering(&request, Answer::Declined, &origin, at(3))).await.unwrap(), "answered already");
    let declined = world.store.find_request(&acme(), id).await.unwrap().unwrap();
    assert_eq!(declined.declined(at(3)).unwrap().note.as_deref(), Some("because"));
    refused(&world, "jo", Reason::NoSeatsLeft, at(4)).await;
    assert_eq!(waiting(&world, at(5)).await, []);
    assert!(matches!(ask(&world, id, "please", at(5)).await, Err(StoreError::Refused(_))));
    let later = at(2) + SignedDuration::from_hours(30 * 24);
    refused(&world, "jo", Reason::NoSeatsLeft, later).await;
    assert_eq!(waiting(&world, later).await.len(), 1);
}

pub(crate) async fn a_yes_is_a_member_and_a_never_is_a_blocked_one(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    for name in ["jo", "mia"] {
        refused(&world, name, Reason::NoSeatsLeft, at(1)).await;
    }
    let [jo, mia] = waiting(&world, at(2)).await.try_into().unwrap();
    let yes = async |request: &AccessRequest, seat| {
        let grant = Grant { role: role("User"), seat, by: "Ada".to_owned() };
        approve(&world.facts(&request.identity, at(3)).await.into_facts(), &request.identity, &grant, at(3))
    };
    let decision = yes(&jo, Some(tier("Premium"))).await;
    let stale = yes(&mia, Some(tier("Premium"))).await;
    let CommitOutcome::Committed(committed) = settle(&world, &jo, &decision, Answer::Approved, at(3)).await else { panic!("lost") };
    let member = committed.member.unwrap().member;
    assert_eq!((member.status, member.last_login_at), (MemberStatus::Active, None));
    assert_eq!(settle(&world, &jo, &decision, Answer::Approved, at(3)).await, CommitOutcome::LostRace, "answered already");
    // The seat is gone: what was decided before must not be written.
    assert_eq!(settle(&world, &mia, &stale, Answer::Approved, at(4)).await, CommitOutcome::LostRace);
    assert_eq!(waiting(&world, at(4)).await.len(), 1, "a lost race answers nothing");
    let CommitOutcome::Committed(blocked) = settle(&world, &mia, &yes(&mia, None).await, Answer::Blocked, at(5)).await else {
        panic!("lost")
    };
    assert_eq!(blocked.member.unwrap().member.status, MemberStatus::Blocked);
    let events: Vec<String> = world.store.list_audit(0, 1000).await.unwrap().into_iter().map(|line| line.event).collect();
    assert_eq!(events[events.len() - 2..], ["request.approved", "request.blocked"]);
    world.assert_sound().await;
}
