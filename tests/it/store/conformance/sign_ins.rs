use serde_json::json;
use usher::core::{IncidentId, OrganizationId, Reason};
use usher::store::{LoginCommit, LoginTrace, NewAuditLine, RequestOrigin, StoreError};
use uuid::Uuid;

use crate::store::fixtures::*;

/// A login that is refused at this second.
async fn refused(world: &World, name: &str, reason: Reason, second: i64) {
    let identity = identity(name);
    let facts = world.facts(&identity, at(second)).await;
    let (decision, origin) = (refuse(reason, vec![]), RequestOrigin::default());
    let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now: at(second) };
    world.store.commit_login(commit).await.unwrap();
}

/// A message that did not verify, at a connection.
async fn unverified(world: &World, connection: &str, code: &str, second: i64) {
    let origin = RequestOrigin { incident: Some(IncidentId::from_uuid(Uuid::from_u128(7))), ..RequestOrigin::default() };
    let line = NewAuditLine {
        event: "login.refused",
        actor: "system",
        organization: None,
        target: Some(connection),
        reason: Some(Reason::AuthInvalid),
        detail: json!({ "code": code }),
        origin: &origin,
        now: at(second),
    };
    world.store.record(line).await.unwrap();
}

pub(crate) async fn logins_are_counted_by_how_they_ended(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    world.join("long-ago", "User", None, at(1)).await;
    world.join("ada", "User", None, at(10)).await;
    world.join("jo", "User", None, at(11)).await;
    refused(&world, "noah", Reason::NoRoleGroup, 12).await;
    let counts = world.store.count_logins(&acme(), at(10)).await.unwrap();
    let counts: Vec<_> = counts.iter().map(|count| (count.admitted, count.reason, count.count)).collect();
    assert_eq!(counts, [(true, Reason::OkNew, 2), (false, Reason::NoRoleGroup, 1)]);
    let other = OrganizationId::parse("other").unwrap();
    assert_eq!(world.store.count_logins(&other, at(0)).await.unwrap(), []);
}

pub(crate) async fn administrators_who_can_sign_in_are_counted(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let organization = organization(9, 9);
    assert_eq!(world.store.count_administrators(&organization).await.unwrap(), 0);
    world.join("olivia", "Owner", None, at(1)).await;
    world.join("ada", "Admin", None, at(1)).await;
    world.join("jo", "User", None, at(1)).await;
    let sam = world.join("sam", "Admin", None, at(1)).await;
    world.remove(&sam, "sam", at(2)).await;
    assert_eq!(world.store.count_administrators(&organization).await.unwrap(), 2);
}

pub(crate) async fn a_connection_remembers_its_last_success(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let connection = identity("ada").connection;
    let before = world.store.find_connection_state(&acme(), &connection).await.unwrap();
    assert_eq!((before.last_success_at, before.last_groups_at, before.relink_open_until), (None, None, None));
    assert_eq!(world.store.list_claims().await.unwrap(), []);
    world.join("ada", "User", None, at(1)).await;
    refused(&world, "noah", Reason::NoRoleGroup, 2).await;
    world.store.open_relink_window(&connection, at(100), "test", at(3)).await.unwrap();
    let after = world.store.find_connection_state(&acme(), &connection).await.unwrap();
    assert_eq!((after.last_success_at, after.relink_open_until), (Some(at(1)), Some(at(100))));
    let claims = world.store.list_claims().await.unwrap();
    assert!(matches!(&claims[..], [(id, health)] if *id == connection && health.last_present_at == after.last_groups_at), "{claims:?}");
    let other = OrganizationId::parse("other").unwrap();
    assert_eq!(world.store.find_connection_state(&other, &connection).await.unwrap().last_success_at, None, "another organization's");
    let nowhere = usher::core::ConnectionId::parse("nowhere").unwrap();
    assert!(matches!(world.store.find_connection_state(&acme(), &nowhere).await, Err(StoreError::Missing(_))));
}

pub(crate) async fn traces_come_newest_first_with_messages_that_did_not_verify(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let connection = identity("ada").connection;
    world.join("ada", "User", None, at(1)).await;
    unverified(&world, connection.as_str(), "signature_invalid", 2).await;
    unverified(&world, "another", "audience_mismatch", 3).await;
    refused(&world, "noah", Reason::NoRoleGroup, 4).await;
    let traces = world.store.list_login_traces(&acme(), &connection, 50).await.unwrap();
    let told: Vec<_> = traces
        .iter()
        .map(|trace| match trace {
            LoginTrace::Decided(record) => record.decision.outcome.reason().code().to_owned(),
            LoginTrace::Refused { code, incident, .. } => format!("{code} {}", incident.is_some()),
        })
        .collect();
    assert_eq!(told, ["no_role_group", "signature_invalid true", "ok_new"]);
    assert_eq!(world.store.list_login_traces(&acme(), &connection, 1).await.unwrap().len(), 1);
    let other = OrganizationId::parse("other").unwrap();
    let foreign = world.store.list_login_traces(&other, &connection, 50).await.unwrap();
    assert!(foreign.iter().all(|trace| matches!(trace, LoginTrace::Refused { .. })), "no decision of another organization: {foreign:?}");
}

pub(crate) async fn groups_that_were_seen_are_listed(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let connection = identity("ada").connection;
    for (name, groups, second) in [("ada", &["b", "a"][..], 1), ("jo", &["a"][..], 200_000)] {
        let mut identity = identity(name);
        identity.groups = usher::core::GroupClaim::from_values(groups);
        world.login(&identity, &newcomer(&identity, "User", None), at(second)).await;
    }
    let seen = world.store.list_seen_groups(&connection, 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|group| (group.value.as_str(), group.last_seen_at)).collect();
    assert_eq!(seen, [("a", at(200_000)), ("b", at(1))]);
}

pub(crate) async fn a_review_knows_when_somebody_last_came_also_with_the_same_groups_as_before(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let mut ada = identity("ada");
    ada.groups = usher::core::GroupClaim::from_values(["staff"]);
    let row = world.login(&ada, &newcomer(&ada, "User", None), at(1)).await.member.unwrap();
    for (decision, second, seen) in [
        (returning(&row.member, vec![]), 100_000, 100_000),
        (refuse(Reason::NoRoleGroup, vec![]), 200_000, 200_000),
        (returning(&row.member, vec![]), 300_000, 300_000),
    ] {
        world.login(&ada, &decision, at(second)).await;
        let members = world.store.list_preview_members(&acme(), None, 10).await.unwrap();
        let last = members[0].last.as_ref().unwrap();
        assert_eq!((last.at, &last.identity), (at(seen), &ada));
    }
}
