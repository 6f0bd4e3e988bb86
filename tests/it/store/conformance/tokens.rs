use std::collections::BTreeSet;

use usher::core::{OrganizationId, PersonId, TokenId};
use usher::store::{NewToken, RequestOrigin, StoreError, TokenAct, TokenHash, TokenQuery, TokenRow};
use uuid::Uuid;

use crate::store::fixtures::*;

fn act(seconds: i64) -> TokenAct {
    TokenAct { actor: "cli".to_owned(), origin: RequestOrigin::default(), now: at(seconds) }
}

fn new(owner: PersonId, token: &str) -> NewToken {
    NewToken {
        hash: TokenHash::of(token),
        organization: acme(),
        owner,
        name: format!("the token {token}"),
        scopes: ["members:read".to_owned()].into(),
        expires_at: at(1000),
    }
}

async fn made(world: &World, owner: PersonId, token: &str, seconds: i64) -> TokenRow {
    world.store.create_token(new(owner, token), act(seconds)).await.unwrap()
}

async fn events(world: &World) -> Vec<(String, Option<String>)> {
    let lines = world.store.list_audit(0, 1000).await.unwrap();
    lines.into_iter().filter(|line| line.event.starts_with("token.")).map(|line| (line.event, line.target)).collect()
}

pub(crate) async fn a_token_is_found_by_its_hash_with_its_owner_as_they_are_now(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let row = made(&world, ada.person.id, "one", 2).await;
    assert_eq!(
        (row.owner.person, row.owner.role.clone(), row.owner.email.as_deref()),
        (ada.person.id, role("Admin"), Some("ada@acme.example"))
    );
    assert_eq!((row.created_at, row.expires_at, row.last_used_at, row.revoked_at), (at(2), at(1000), None, None));
    assert_eq!(world.store.find_token(TokenHash::of("one")).await.unwrap(), Some(row.clone()));
    assert_eq!(world.store.find_token(TokenHash::of("another")).await.unwrap(), None);
    world.remove(&ada, "ada", at(3)).await;
    let found = world.store.find_token(TokenHash::of("one")).await.unwrap().unwrap();
    assert_eq!(found.owner.status, usher::core::MemberStatus::Removed);
    world.assert_sound().await;
}

pub(crate) async fn a_token_belongs_to_a_member_of_its_organization(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let stranger = PersonId::from_uuid(Uuid::from_u128(9));
    let refused = world.store.create_token(new(stranger, "one"), act(1)).await;
    assert!(matches!(refused, Err(StoreError::Missing(_))), "{refused:?}");
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let row = made(&world, ada.person.id, "one", 2).await;
    let other = OrganizationId::parse("other").unwrap();
    assert_eq!(world.store.find_token_by_id(&other, row.id).await.unwrap(), None);
    assert_eq!(world.store.revoke_token(&other, row.id, act(3)).await.unwrap(), None);
    assert_eq!(world.store.rotate_token(&other, row.id, TokenHash::of("x"), at(9), act(3)).await.unwrap(), None);
    assert_eq!(world.store.list_tokens_of(&other, ada.person.id).await.unwrap(), []);
    assert_eq!(world.store.find_token_by_id(&acme(), row.id).await.unwrap(), Some(row));
}

pub(crate) async fn tokens_come_in_pages_the_newest_first(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let jo = world.join("jo", "Admin", None, at(1)).await;
    for (number, owner) in [(1, &ada), (2, &jo), (3, &ada), (4, &ada), (5, &jo)] {
        made(&world, owner.person.id, &number.to_string(), number).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world.store.list_tokens(TokenQuery { organization: &acme(), after, limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|row| row.name));
    }
    assert_eq!(seen, ["the token 5", "the token 4", "the token 3", "the token 2", "the token 1"]);
    let of_jo = world.store.list_tokens_of(&acme(), jo.person.id).await.unwrap();
    assert_eq!(of_jo.iter().map(|row| row.created_at).collect::<Vec<_>>(), [at(5), at(2)]);
}

pub(crate) async fn a_rotated_token_has_another_secret_and_end(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let row = made(&world, ada.person.id, "one", 2).await;
    world.store.note_token_use(row.id, at(3)).await.unwrap();
    let rotated = world.store.rotate_token(&acme(), row.id, TokenHash::of("two"), at(2000), act(4)).await.unwrap().unwrap();
    assert_eq!((rotated.id, rotated.expires_at, rotated.last_used_at), (row.id, at(2000), None));
    assert_eq!(world.store.find_token(TokenHash::of("one")).await.unwrap(), None, "the former secret is gone");
    assert_eq!(world.store.find_token(TokenHash::of("two")).await.unwrap(), Some(rotated));
    let id = Some(row.id.to_string());
    assert_eq!(events(&world).await, [("token.created".to_owned(), id.clone()), ("token.rotated".to_owned(), id)]);
}

pub(crate) async fn a_token_is_revoked_once(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let row = made(&world, ada.person.id, "one", 2).await;
    let revoked = world.store.revoke_token(&acme(), row.id, act(3)).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(3)));
    assert_eq!(world.store.revoke_token(&acme(), row.id, act(4)).await.unwrap(), Some(revoked.clone()), "as it was");
    assert_eq!(world.store.rotate_token(&acme(), row.id, TokenHash::of("two"), at(9), act(5)).await.unwrap(), None);
    assert_eq!(world.store.list_tokens_of(&acme(), ada.person.id).await.unwrap(), []);
    assert_eq!(world.store.find_token(TokenHash::of("one")).await.unwrap(), Some(revoked), "found, to say why it does not count");
    assert_eq!(events(&world).await.len(), 2);
    let nobody = TokenId::from_uuid(Uuid::from_u128(9));
    assert_eq!(world.store.revoke_token(&acme(), nobody, act(6)).await.unwrap(), None);
}

pub(crate) async fn a_use_is_written_once_a_minute(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let row = made(&world, ada.person.id, "one", 2).await;
    let mut seen = BTreeSet::new();
    for second in [10, 11, 69, 70, 71, 130] {
        world.store.note_token_use(row.id, at(second)).await.unwrap();
        seen.insert(world.store.find_token_by_id(&acme(), row.id).await.unwrap().unwrap().last_used_at.unwrap());
    }
    assert_eq!(seen, [at(10), at(70), at(130)].into());
}

pub(crate) async fn no_audit_line_and_no_row_holds_a_token(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Admin", None, at(1)).await;
    let mut wish = new(ada.person.id, "ush_secret");
    wish.name = "backup".to_owned();
    let row = world.store.create_token(wish, act(2)).await.unwrap();
    let lines = serde_json::to_string(&world.store.list_audit(0, 1000).await.unwrap()).unwrap();
    let hash = TokenHash::of("ush_secret").to_string();
    for text in [&lines, &serde_json::to_string(&row).unwrap()] {
        assert!(!text.contains("ush_secret") && !text.contains(&hash), "{text}");
    }
    assert_eq!(hash.len(), 64);
}
