use usher::core::Settings;
use usher::core::provision::Change;
use usher::store::StoreError;

use crate::store::fixtures::*;

async fn save(world: &World, settings: &Settings, revision: i64) -> Result<i64, String> {
    match world.store.save_settings(settings, Some(revision), "cli", at(100)).await {
        Ok(stored) => Ok(stored.revision),
        Err(StoreError::Refused(sentence)) => Err(sentence),
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) async fn nothing_is_stored_before_the_first_save(backend: Box<dyn Backend>) {
    assert_eq!(backend.store().find_settings().await.unwrap(), None);
}

pub(crate) async fn settings_come_back_as_they_were_saved(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let stored = world.store.find_settings().await.unwrap().unwrap();
    assert_eq!((*stored.settings).clone(), settings(1, 2));
    assert_eq!(stored.revision, 1);

    let mut turned = settings(1, 2);
    turned.connections.reverse();
    turned.domains.clear();
    assert_eq!(save(&world, &turned, 1).await, Ok(2));
    assert_eq!(*world.store.find_settings().await.unwrap().unwrap().settings, turned);
}

pub(crate) async fn saving_the_same_settings_changes_nothing(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    assert_eq!(save(&world, &settings(1, 2), 1).await, Ok(1));
    assert_eq!(world.store.list_audit(0, 10).await.unwrap().len(), 1);
}

pub(crate) async fn settings_made_from_another_revision_are_refused(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    assert_eq!(save(&world, &settings(1, 3), 1).await, Ok(2));
    assert!(save(&world, &settings(1, 4), 1).await.unwrap_err().contains("changed meanwhile"));
    assert!(world.store.save_settings(&settings(1, 4), None, "cli", at(0)).await.is_err());
    assert_eq!(*world.store.find_settings().await.unwrap().unwrap().settings, settings(1, 3));
}

pub(crate) async fn the_audit_line_shows_each_changed_field_and_no_secret(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let mut changed = settings(1, 2);
    let usher::core::Protocol::Oidc(oidc) = &mut changed.connections[1].protocol else { unreachable!() };
    oidc.client_secret = Some(usher::core::Secret::new("battery-staple"));
    oidc.client_id = "usher-2".to_owned();
    changed.organizations[0].default_role = role("Admin");
    changed.connections.remove(0);
    save(&world, &changed, 1).await.unwrap();

    let lines = world.store.list_audit(0, 10).await.unwrap();
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("correct-horse") && !text.contains("battery-staple"), "{text}");
    assert!(!text.contains("Some("), "{text}");
    let line = &lines[1];
    assert_eq!((line.event.as_str(), line.actor.as_str()), ("settings.applied", "cli"));
    let objects = line.detail["objects"].as_array().unwrap();
    let find = |id: &str| objects.iter().find(|object| object["id"] == id).unwrap();
    assert_eq!(find("okta")["change"], "removed");
    assert_eq!(find("okta")["before"]["protocol"]["email_attribute"], "email");
    let entra = &find("entra")["fields"];
    assert_eq!(entra["protocol.client_id"], serde_json::json!({"before": "usher", "after": "usher-2"}));
    assert_eq!(entra["protocol.client_secret"], serde_json::json!({"before": "[secret]", "after": "[secret]"}));
    assert_eq!(entra.as_object().unwrap().len(), 2, "{entra}");
    assert_eq!(find("acme")["fields"]["default_role"], serde_json::json!({"before": "User", "after": "Admin"}));
    world.assert_sound().await;
}

pub(crate) async fn an_organization_with_members_cannot_be_taken_away(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let mut without = settings(1, 2);
    without.organizations.clear();
    assert!(save(&world, &without, 1).await.unwrap_err().contains("1 member"));
    world.remove(&ada, "ada", at(2)).await;
    assert_eq!(save(&world, &without, 1).await, Ok(2));
    world.assert_sound().await;
}

pub(crate) async fn an_organization_without_members_can_go_and_come_back(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    let first = with_owner(settings(1, 2), "olivia@acme.example");
    world.store.save_settings(&first, None, "cli", at(0)).await.unwrap();
    let mut without = settings(1, 2);
    without.organizations.clear();
    assert_eq!(save(&world, &without, 1).await, Ok(2));
    assert!(matches!(world.store.count_seats(&acme(), at(0)).await, Err(StoreError::Missing(_))));
    assert_eq!(save(&world, &first, 2).await, Ok(3));
    assert_eq!(world.used(at(0)).await, [1, 0]);
    world.assert_sound().await;
}

pub(crate) async fn a_connection_that_comes_back_finds_its_links(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let mut without = settings(1, 2);
    without.connections.remove(0);
    save(&world, &without, 1).await.unwrap();
    save(&world, &settings(1, 2), 2).await.unwrap();
    let linked = world.facts(&identity("ada"), at(2)).await.into_facts().linked.unwrap();
    assert_eq!(linked.person, ada.person);
}

pub(crate) async fn a_tier_that_members_hold_cannot_be_taken_away(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 2).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let mut without = settings(1, 2);
    without.organizations[0].seat_tiers.remove(0);
    assert!(save(&world, &without, 1).await.unwrap_err().contains("1 member(s) of organization acme have a Premium seat"));
    let change = Change::MoveSeat { member: ada.member.id, from: Some(tier("Premium")), to: Some(tier("Standard")) };
    world.change("ada", "User", Some("Standard"), vec![change, Change::QueueForTier { tier: tier("Premium") }], at(2)).await;
    assert_eq!(save(&world, &without, 1).await, Ok(2));
    assert_eq!(world.used(at(3)).await, [1]);
    let row = world.store.find_member(&acme(), ada.person.id).await.unwrap().unwrap();
    assert_eq!(row.member.wanted_tier, None);
    world.assert_sound().await;
}

pub(crate) async fn the_primary_owner_has_a_seat_before_the_first_login(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    let settings = with_owner(settings(0, 1), "Olivia@acme.example");
    world.store.save_settings(&settings, None, "cli", at(0)).await.unwrap();
    assert_eq!(world.used(at(0)).await, [0, 1], "the highest tier with a free seat");
    let invite = world.facts(&identity("olivia"), at(99_999_999)).await.into_facts().invite.unwrap();
    assert_eq!((invite.role, invite.seat), (role("Owner"), Some(tier("Standard"))));
    assert!(invite.expires_at > at(99_999_999_999));

    let mut renamed = settings.clone();
    renamed.parent_name = "Acme Inc.".to_owned();
    save(&world, &renamed, 1).await.unwrap();
    assert_eq!(world.used(at(0)).await, [0, 1], "one hold is enough");
    world.assert_sound().await;
}

pub(crate) async fn a_primary_owner_without_a_free_seat_is_refused(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    world.join("ada", "User", Some("Premium"), at(1)).await;
    let sentence = save(&world, &with_owner(settings(1, 0), "olivia@acme.example"), 1).await.unwrap_err();
    assert!(sentence.contains("no free seat for its Primary Owner olivia@acme.example"), "{sentence}");
    assert_eq!(world.store.find_settings().await.unwrap().unwrap().revision, 1, "nothing is written");
    assert_eq!(save(&world, &with_owner(settings(1, 1), "olivia@acme.example"), 1).await, Ok(2));
    assert_eq!(world.used(at(2)).await, [1, 1]);
}

pub(crate) async fn a_primary_owner_who_is_a_member_needs_no_hold(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 1).await;
    world.join("olivia", "User", Some("Premium"), at(1)).await;
    save(&world, &with_owner(settings(1, 1), "OLIVIA@acme.example"), 1).await.unwrap();
    assert_eq!(world.used(at(2)).await, [1, 0]);
    assert_eq!(world.facts(&identity("olivia"), at(2)).await.into_facts().invite, None);
}

pub(crate) async fn another_primary_owner_frees_the_former_ones_hold(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    world.store.save_settings(&with_owner(settings(1, 0), "olivia@acme.example"), None, "cli", at(0)).await.unwrap();
    save(&world, &with_owner(settings(1, 0), "omar@acme.example"), 1).await.unwrap();
    assert_eq!(world.used(at(1)).await, [1, 0]);
    assert_eq!(world.facts(&identity("olivia"), at(1)).await.into_facts().invite, None);
    assert!(world.facts(&identity("omar"), at(1)).await.into_facts().invite.is_some());
    save(&world, &settings(1, 0), 2).await.unwrap();
    assert_eq!(world.used(at(1)).await, [0, 0]);
    world.assert_sound().await;
}

pub(crate) async fn a_hold_moves_when_its_tier_goes(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    world.store.save_settings(&with_owner(settings(1, 1), "olivia@acme.example"), None, "cli", at(0)).await.unwrap();
    let mut without = with_owner(settings(1, 1), "olivia@acme.example");
    without.organizations[0].seat_tiers.remove(0);
    save(&world, &without, 1).await.unwrap();
    assert_eq!(world.used(at(1)).await, [1]);
    assert_eq!(world.facts(&identity("olivia"), at(1)).await.into_facts().invite.unwrap().seat, Some(tier("Standard")));
    world.assert_sound().await;
}

pub(crate) async fn a_primary_owner_whose_address_changed_stays(backend: Box<dyn Backend>) {
    let world = World::new(backend, 1, 0).await;
    let olivia = world.join("olivia", "Owner", Some("Premium"), at(1)).await;
    save(&world, &with_owner(settings(1, 0), "olivia@acme.example"), 1).await.unwrap();
    let update = Change::UpdatePerson { person: olivia.person.id, email: Some(email("liv@acme.example")), name: None };
    let mark = Change::MarkPrimaryOwner { member: olivia.member.id };
    world.change("olivia", "Owner", Some("Premium"), vec![mark, update], at(2)).await;

    let mut renamed = with_owner(settings(1, 0), "olivia@acme.example");
    renamed.parent_name = "Acme Inc.".to_owned();
    save(&world, &renamed, 2).await.unwrap();
    assert_eq!(world.used(at(3)).await, [1, 0]);

    let other = with_owner(settings(2, 0), "omar@acme.example");
    save(&world, &other, 3).await.unwrap();
    let row = world.store.find_member(&acme(), olivia.person.id).await.unwrap().unwrap();
    assert!(!row.member.primary_owner, "the mark goes with the setting");
    world.assert_sound().await;
}
