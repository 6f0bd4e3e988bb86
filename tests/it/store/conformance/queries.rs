use serde_json::json;
use usher::core::provision::Change;
use usher::core::{IncidentId, OrganizationId, PersonId, Reason};
use usher::store::{LoginCommit, MemberQuery, NewAuditLine, RequestOrigin, audit_chain};
use uuid::Uuid;

use crate::store::fixtures::*;

pub(crate) async fn a_member_is_found_by_person_and_by_address(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let removed = world.remove(&ada, "ada", at(2)).await;
    let found = world.store.find_member(&acme(), ada.person.id).await.unwrap().unwrap();
    assert_eq!(found.member, removed, "whatever the status");
    assert_eq!(world.store.find_members_by_email(&acme(), &email("ADA@acme.example")).await.unwrap(), [found]);
    let other = OrganizationId::parse("other").unwrap();
    assert_eq!(world.store.find_member(&other, ada.person.id).await.unwrap(), None);
    assert_eq!(world.store.find_member(&acme(), PersonId::from_uuid(Uuid::nil())).await.unwrap(), None);
}

pub(crate) async fn members_come_in_pages_by_address(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    for name in ["mia", "Ada", "jo", "zoe"] {
        world.join(name, "User", None, at(1)).await;
    }
    let mut nameless = identity("nameless");
    (nameless.email, nameless.name) = (None, None);
    world.login(&nameless, &newcomer(&nameless, "User", None), at(1)).await;

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = world.store.list_members(MemberQuery { organization: &acme(), search: None, after, limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.member.id);
        seen.extend(page.into_iter().map(|row| row.person.email.map_or(String::new(), |email| email.folded().to_owned())));
    }
    assert_eq!(seen, ["", "ada@acme.example", "jo@acme.example", "mia@acme.example", "zoe@acme.example"]);
}

pub(crate) async fn a_search_takes_its_signs_literally(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    for (name, shown) in [("ada", "Ada Lovelace"), ("under_score", "50% off"), ("bang!", "Ünal")] {
        let mut identity = identity(name);
        identity.name = Some(shown.to_owned());
        world.login(&identity, &newcomer(&identity, "User", None), at(1)).await;
    }
    let search = async |text: &str| {
        let query = MemberQuery { organization: &acme(), search: Some(text), after: None, limit: 10 };
        world.store.list_members(query).await.unwrap().len()
    };
    assert_eq!(search("LOVE").await, 1);
    assert_eq!(search("ADA@acme").await, 1);
    assert_eq!(search("ünal").await, 1);
    assert_eq!(search("ÜN").await, 1);
    assert_eq!(search("%").await, 1);
    assert_eq!(search("_").await, 1);
    assert_eq!(search("!").await, 1);
    assert_eq!(search("' OR 1=1 --").await, 0);
    assert_eq!(search("").await, 3);
}

pub(crate) async fn a_decision_is_found_by_person_and_by_incident(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let second = world.login(&identity("ada"), &returning(&ada.member, vec![]), at(1)).await;
    let last = world.store.find_last_decision(&acme(), ada.person.id).await.unwrap().unwrap();
    assert_eq!(last.id, second.decision, "of two in the same instant the later one");

    let noah = identity("noah");
    let incident = IncidentId::from_uuid(Uuid::from_u128(7));
    let origin = RequestOrigin { request: Some("r1".to_owned()), incident: Some(incident), address: Some("192.0.2.1".to_owned()) };
    let facts = world.facts(&noah, at(2)).await;
    let decision = refuse(Reason::NoRoleGroup, vec![]);
    let commit = LoginCommit { facts: &facts, identity: &noah, decision: &decision, origin: &origin, now: at(2) };
    world.store.commit_login(commit).await.unwrap();
    let found = world.store.find_decision_by_incident(incident).await.unwrap().unwrap();
    assert_eq!((found.person, found.at, found.decision, found.incident), (None, at(2), decision, Some(incident)));
    let line = world.store.list_audit(3, 1).await.unwrap().remove(0);
    assert_eq!((line.id, line.origin), (found.audit, origin));
    assert_eq!(world.store.find_decision_by_incident(IncidentId::from_uuid(Uuid::nil())).await.unwrap(), None);
}

pub(crate) async fn attempts_come_oldest_first(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    for (name, second) in [("mia", 2), ("ada", 1), ("mia", 3)] {
        let decision = refuse(Reason::NoSeatsLeft, vec![Change::RecordAttempt { reason: Reason::NoSeatsLeft }]);
        world.login(&identity(name), &decision, at(second)).await;
    }
    let attempts = world.store.list_attempts(&acme()).await.unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.subject.as_str()).collect::<Vec<_>>(), ["okta-ada", "okta-mia"]);
}

pub(crate) async fn audit_lines_form_a_chain(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    world.join("ada", "User", Some("Premium"), at(1)).await;
    let precise = at(2) + jiff::SignedDuration::from_nanos(123_456_789);
    let line = NewAuditLine {
        event: "logout",
        actor: "per_1",
        organization: Some(&acme()),
        target: Some("per_2"),
        reason: Some(Reason::AuthInvalid),
        detail: json!({"z": 1.5, "a": ["ü", null, {"b": 1, "a": 2}]}),
        origin: &RequestOrigin::default(),
        now: precise,
    };
    let id = world.store.record(line).await.unwrap();
    let lines = world.store.list_audit(0, 100).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((lines[2].id, lines[2].reason, lines[2].target.as_deref()), (id, Some(Reason::AuthInvalid), Some("per_2")));
    assert!(audit_chain::verify((0, audit_chain::FIRST), &lines).is_ok());
    assert_eq!(world.store.list_audit(1, 1).await.unwrap(), lines[1..2]);
    world.assert_sound().await;
    world.backend.execute("UPDATE audit SET actor = 'nobody' WHERE sequence = 2".to_owned()).await;
    assert_eq!(world.store.check_integrity().await.unwrap(), ["audit line 2 was changed after it was written"]);
}

pub(crate) async fn the_store_answers_a_ping(backend: Box<dyn Backend>) {
    backend.store().ping().await.unwrap();
}
