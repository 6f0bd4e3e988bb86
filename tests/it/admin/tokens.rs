//! API tokens: who may make one, and when one counts.

use std::time::Duration;

use jiff::SignedDuration;
use usher::admin::{Actor, Admin, AdminError, Bearer, IssuedToken, Permission, TokenState, TokenWish, Who};
use usher::core::provision::Change;
use usher::core::{PersonId, Reason};
use usher::store::{MemberRow, RequestOrigin};

use super::{admin, operator, somebody};
use crate::store::fixtures::*;
use crate::support::gateway::{Gateway, TurnedClock};

struct Desk {
    gateway: Gateway,
    admin: Admin,
}

impl Desk {
    async fn open() -> Self {
        let gateway = Gateway::start().await;
        let admin = admin(&gateway);
        Self { gateway, admin }
    }

    fn clock(&self) -> &TurnedClock {
        &self.gateway.clock
    }

    async fn member(&self, name: &str, as_role: &str) -> MemberRow {
        self.gateway.join(name, as_role, None).await
    }

    async fn token(&self, actor: &Actor, scopes: &[Permission]) -> IssuedToken {
        self.admin.create_token(actor, wish(scopes)).await.unwrap()
    }

    async fn bearer(&self, issued: &IssuedToken) -> Bearer {
        self.admin.find_bearer(issued.secret.reveal(), RequestOrigin::default()).await.unwrap()
    }

    async fn state(&self, issued: &IssuedToken) -> TokenState {
        match self.bearer(issued).await {
            Bearer::Actor(_) => TokenState::Active,
            Bearer::Ended(state) => state,
            Bearer::Unknown => panic!("the token is known"),
        }
    }
}

fn wish(scopes: &[Permission]) -> TokenWish {
    TokenWish {
        name: "  nightly export ".to_owned(),
        scopes: scopes.iter().copied().collect(),
        expires_at: at(0) + SignedDuration::from_hours(24),
        owner: None,
    }
}

fn code(error: &AdminError) -> &'static str {
    match error {
        AdminError::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_speaks_for_its_owner_with_its_scopes_and_the_owners_role_of_now() {
    let desk = Desk::open().await;
    let ada = desk.member("ada", "Owner").await;
    let issued = desk.token(&somebody(&ada), &[Permission::MembersRead, Permission::ActivityRead]).await;
    assert!(issued.secret.reveal().starts_with("ush_") && issued.secret.reveal().len() == 47);
    assert_eq!((issued.token.row.name.as_str(), issued.token.state), ("nightly export", TokenState::Active));

    let change = Change::SetRole { member: ada.member.id, from: role("Owner"), to: role("Admin") };
    desk.gateway.members.change("ada", "Admin", None, vec![change], at(1)).await;
    let Bearer::Actor(actor) = desk.bearer(&issued).await else { panic!("it counts") };
    assert!(actor.need(Permission::MembersRead).is_ok() && actor.need(Permission::MembersWrite).is_err());
    let Who::Token { id, role: as_role, owner, .. } = &actor.who else { panic!("{actor:?}") };
    assert_eq!((id, as_role, owner), (&issued.token.row.id.to_string(), &role("Admin"), &ada.person.id));
    assert_eq!(actor.name(), format!("token:{}", issued.token.row.id));
}

#[tokio::test]
async fn a_token_of_a_demoted_or_removed_owner_counts_for_nothing_and_lists_say_so() {
    let desk = Desk::open().await;
    let (ada, jo) = (desk.member("ada", "Admin").await, desk.member("jo", "Admin").await);
    let (of_ada, of_jo) =
        (desk.token(&somebody(&ada), &[Permission::MembersRead]).await, desk.token(&somebody(&jo), &[Permission::MembersRead]).await);
    let change = Change::SetRole { member: ada.member.id, from: role("Admin"), to: role("User") };
    desk.gateway.members.change("ada", "User", None, vec![change], at(1)).await;
    desk.gateway.members.remove(&jo, "jo", at(1)).await;
    assert_eq!((desk.state(&of_ada).await, desk.state(&of_jo).await), (TokenState::OwnerLeft, TokenState::OwnerLeft));
    let listed = desk.admin.list_tokens(&operator(), None, 10).await.unwrap();
    assert!(listed.iter().all(|token| token.state == TokenState::OwnerLeft) && listed.len() == 2, "{listed:?}");
    assert_eq!(desk.admin.list_tokens_of(&operator(), jo.person.id).await.unwrap().len(), 1, "for the question before a removal");
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_with_a_revocation() {
    let desk = Desk::open().await;
    let ada = desk.member("ada", "Admin").await;
    let (short, long) =
        (desk.token(&somebody(&ada), &[Permission::MembersRead]).await, desk.token(&somebody(&ada), &[Permission::MembersRead]).await);
    desk.admin.revoke_token(&somebody(&ada), long.token.row.id).await.unwrap();
    assert_eq!(desk.state(&long).await, TokenState::Revoked);
    desk.clock().pass(Duration::from_hours(24) - Duration::from_secs(1));
    assert_eq!(desk.state(&short).await, TokenState::Active);
    desk.clock().pass(Duration::from_secs(1));
    assert_eq!(desk.state(&short).await, TokenState::Expired);
}

#[tokio::test]
async fn what_is_no_token_is_unknown() {
    let desk = Desk::open().await;
    let ada = desk.member("ada", "Admin").await;
    let issued = desk.token(&somebody(&ada), &[Permission::MembersRead]).await;
    let secret = issued.secret.reveal();
    let (shorter, upper) = (&secret[..secret.len() - 1], secret.to_uppercase());
    let texts = [
        "",
        "ush_",
        shorter,
        upper.as_str(),
        &secret[4..],
        &format!("{secret}a"),
        &format!("ush_{}", "a".repeat(43)),
        &format!(" {secret}"),
    ];
    for text in texts {
        let bearer = desk.admin.find_bearer(text, RequestOrigin::default()).await.unwrap();
        assert!(matches!(bearer, Bearer::Unknown), "{text}");
    }
}

#[tokio::test]
async fn the_last_use_is_on_record_to_the_minute() {
    let desk = Desk::open().await;
    let ada = desk.member("ada", "Admin").await;
    let issued = desk.token(&somebody(&ada), &[Permission::MembersRead]).await;
    let last_use = async || desk.admin.find_token(&operator(), issued.token.row.id).await.unwrap().row.last_used_at;
    assert_eq!(last_use().await, None);
    for (pass, expected) in [(0, 0), (59, 0), (1, 60)] {
        desk.clock().pass(Duration::from_secs(pass));
        desk.bearer(&issued).await;
        assert_eq!(last_use().await, Some(at(expected)));
    }
}

#[tokio::test]
async fn a_token_makes_none_that_may_more_than_itself_and_they_belong_to_its_owner() {
    let desk = Desk::open().await;
    let ada = desk.member("ada", "Admin").await;
    let issued = desk.token(&somebody(&ada), &[Permission::TokensWrite, Permission::MembersRead]).await;
    let wide = desk.token(&somebody(&ada), &[Permission::SettingsWrite]).await;
    let Bearer::Actor(program) = desk.bearer(&issued).await else { panic!("it counts") };
    let child = desk.token(&program, &[Permission::MembersRead]).await;
    assert_eq!(child.token.row.owner.person, ada.person.id);
    let refused = desk.admin.create_token(&program, wish(&[Permission::MembersWrite])).await;
    assert!(matches!(refused, Err(AdminError::NotAllowed(Permission::MembersWrite))), "{refused:?}");
    let refused = desk.admin.rotate_token(&program, wide.token.row.id, at(60)).await;
    assert!(matches!(refused, Err(AdminError::NotAllowed(Permission::SettingsWrite))), "rotating would hand it over: {refused:?}");
    let Bearer::Actor(reader) = desk.bearer(&child).await else { panic!("it counts") };
    assert!(matches!(desk.admin.list_tokens(&reader, None, 10).await, Err(AdminError::NotAllowed(Permission::TokensWrite))));
}

#[tokio::test]
async fn nobody_learns_anothers_token_and_an_admin_ends_no_owners_token() {
    let desk = Desk::open().await;
    let (ada, olivia) = (desk.member("ada", "Admin").await, desk.member("olivia", "Owner").await);
    let (of_ada, of_olivia) =
        (desk.token(&somebody(&ada), &[Permission::MembersRead]).await, desk.token(&somebody(&olivia), &[Permission::MembersRead]).await);
    let refused = desk.admin.rotate_token(&somebody(&olivia), of_ada.token.row.id, at(60)).await.unwrap_err();
    assert_eq!(code(&refused), "not_your_token");
    let refused = desk.admin.revoke_token(&somebody(&ada), of_olivia.token.row.id).await.unwrap_err();
    assert_eq!(code(&refused), "above_your_role");
    desk.admin.revoke_token(&somebody(&olivia), of_ada.token.row.id).await.unwrap();
    let rotated = desk.admin.rotate_token(&somebody(&olivia), of_olivia.token.row.id, at(60)).await.unwrap();
    assert!(matches!(desk.bearer(&of_olivia).await, Bearer::Unknown));
    assert_eq!(desk.state(&rotated).await, TokenState::Active);
}

#[tokio::test]
async fn a_sign_in_that_is_not_fresh_makes_no_token() {
    let desk = Desk::open().await;
    let mut actor = somebody(&desk.member("ada", "Admin").await);
    if let Who::Person { fresh, .. } = &mut actor.who {
        *fresh = false;
    }
    let refused = desk.admin.create_token(&actor, wish(&[Permission::MembersRead])).await;
    assert!(matches!(refused, Err(AdminError::FreshSignInNeeded)), "{refused:?}");
}

#[tokio::test]
async fn the_operator_names_an_owner_who_administers() {
    let desk = Desk::open().await;
    let (ada, jo) = (desk.member("ada", "Admin").await, desk.member("jo", "User").await);
    let for_owner =
        async |owner: Option<PersonId>| desk.admin.create_token(&operator(), TokenWish { owner, ..wish(&[Permission::MembersRead]) }).await;
    assert_eq!(for_owner(Some(ada.person.id)).await.unwrap().token.row.owner.person, ada.person.id);
    assert_eq!(code(&for_owner(Some(jo.person.id)).await.unwrap_err()), "owner_left");
    assert!(matches!(for_owner(None).await, Err(AdminError::Invalid(_))));
}

#[tokio::test]
async fn name_scopes_and_end_are_checked_together() {
    let desk = Desk::open().await;
    let actor = somebody(&desk.member("ada", "Admin").await);
    let wrong = TokenWish { name: " \n ".to_owned(), scopes: [].into(), expires_at: at(0), owner: None };
    let Err(AdminError::Invalid(faults)) = desk.admin.create_token(&actor, wrong).await else { panic!("it cannot be used") };
    assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), ["name", "scopes", "expires_at"]);
    for (name, hours, fits) in [
        ("ö".repeat(80), 365 * 24, true),
        ("ö".repeat(81), 1, false),
        ("a\r\nb".to_owned(), 1, false),
        ("a".to_owned(), 365 * 24 + 1, false),
    ] {
        let wish =
            TokenWish { name: name.clone(), expires_at: at(0) + SignedDuration::from_hours(hours), ..wish(&[Permission::MembersRead]) };
        assert_eq!(desk.admin.create_token(&actor, wish).await.is_ok(), fits, "{name}, {hours} hours");
    }
}

#[tokio::test]
async fn a_member_has_fifty_tokens_at_most() {
    let desk = Desk::open().await;
    let actor = somebody(&desk.member("ada", "Admin").await);
    for _ in 0..50 {
        desk.token(&actor, &[Permission::MembersRead]).await;
    }
    let refused = desk.admin.create_token(&actor, wish(&[Permission::MembersRead])).await.unwrap_err();
    assert_eq!(code(&refused), "too_many_tokens");
}

#[tokio::test]
async fn a_removal_ends_all_tokens_of_the_member() {
    let desk = Desk::open().await;
    let (ada, jo) = (desk.member("ada", "Owner").await, desk.member("jo", "Admin").await);
    let tokens =
        [desk.token(&somebody(&jo), &[Permission::MembersRead]).await, desk.token(&somebody(&jo), &[Permission::MembersRead]).await];
    let kept = desk.token(&somebody(&ada), &[Permission::MembersRead]).await;
    assert_eq!(desk.admin.revoke_tokens_of(&somebody(&ada), jo.person.id).await.unwrap(), 2);
    assert_eq!(
        (desk.state(&tokens[0]).await, desk.state(&tokens[1]).await, desk.state(&kept).await),
        (TokenState::Revoked, TokenState::Revoked, TokenState::Active)
    );
    // Back as an administrator, the former tokens stay ended.
    desk.gateway.members.remove(&jo, "jo", at(1)).await;
    let back = Change::ReaddMember { member: jo.member.id, role: role("Admin"), seat: None };
    let decision = admit(Reason::OkReadded, "Admin", None, vec![back]);
    desk.gateway.members.login(&identity("jo"), &decision, at(2)).await;
    assert_eq!(desk.state(&tokens[0]).await, TokenState::Revoked);
}
