//! Settings are saved as they were reviewed, and the review says what the next logins do: row 56 to 58, vectors 2, 3, 23 and 26, on the real store.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use usher::admin::settings::{Confirmations, Review, Saved, SettingsChange};
use usher::admin::{Actor, AdminError, Hypothesis, Permission, Who};
use usher::core::preview::Next;
use usher::core::provision::{Outcome, decide};
use usher::core::{
    GroupClaim, Identity, MappedGroup, MemberStatus, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, PersonId, Reason,
    RoleMapping, SeatTierMapping,
};

use super::people::{Desk, pinned, refused, role_and_seat};
use super::{operator, token};
use crate::store::fixtures::{acme, email, identity, role, tier};

/// The organization as it is, changed.
async fn changed(desk: &Desk, change: impl FnOnce(&mut Organization)) -> SettingsChange {
    let stored = desk.world.store.find_settings().await.unwrap().unwrap();
    let mut organization = stored.settings.organizations[0].clone();
    change(&mut organization);
    SettingsChange::Organization(Box::new(organization))
}

async fn review(desk: &Desk, actor: &Actor, change: &SettingsChange) -> Review {
    desk.admin.review_settings(actor, change, &|_| ()).await.unwrap()
}

async fn save(desk: &Desk, actor: &Actor, change: &SettingsChange, id: &str, typed: &Confirmations) -> Result<Saved, AdminError> {
    let saved = desk.admin.save_settings(actor, change, id, typed, &|_| ()).await;
    desk.world.assert_sound().await;
    saved
}

fn group(value: &str) -> Vec<MappedGroup> {
    vec![MappedGroup { value: value.to_owned(), label: None }]
}

fn nothing() -> Confirmations {
    Confirmations::default()
}

fn named(name: &str) -> Confirmations {
    Confirmations { organization_name: Some(name.to_owned()), ..nothing() }
}

fn codes(review: &Review) -> Vec<(&'static str, bool)> {
    review.objections.iter().map(|objection| (objection.code, objection.can_be_forced)).collect()
}

/// Ada is an Owner in no group but `everyone`; mappings are off, and the change switches them on.
async fn ada_maps_groups(desk: &Desk) -> (Actor, SettingsChange) {
    desk.join("ada", "Owner", Some("Premium")).await;
    (desk.by("ada").await, changed(desk, |organization| organization.group_mappings = true).await)
}

#[tokio::test]
async fn vector_02_whoever_would_demote_themselves_types_the_name_and_is_demoted_at_the_next_login() {
    let desk = Desk::new(Mode::Jit, false).await;
    let (ada, change) = ada_maps_groups(&desk).await;
    let review = review(&desk, &ada, &change).await;
    assert_eq!(codes(&review), [("lockout_saver", true)]);
    let sentence = &review.objections[0].sentence;
    assert!(sentence.contains("map one of your groups (everyone) to Owner or Admin") && sentence.contains("ask olivia"), "{sentence}");
    assert_eq!(review.needs.organization_name.as_deref(), Some("Acme"));

    assert_eq!(refused(save(&desk, &ada, &change, &review.id, &nothing()).await).0, "lockout_saver");
    assert_eq!(refused(save(&desk, &ada, &change, &review.id, &named("Acne")).await).0, "confirm_organization_name");
    let mut tired = ada.clone();
    if let Who::Person { fresh, .. } = &mut tired.who {
        *fresh = false;
    }
    let old = save(&desk, &tired, &change, &review.id, &named("Acme")).await;
    assert!(matches!(old, Err(AdminError::FreshSignInNeeded)), "{old:?}");
    assert!(!desk.admin.store.find_settings().await.unwrap().unwrap().settings.organizations[0].group_mappings, "nothing was saved");

    save(&desk, &ada, &change, &review.id, &named("Acme")).await.unwrap();
    assert_eq!(desk.member("ada").await.role, role("Owner"), "until the next login");
    assert_eq!(role_and_seat(&desk.login("ada", &["everyone"]).await.unwrap().member).0, "User");
}

#[tokio::test]
async fn vector_03_the_sole_administrator_cannot_type_it_away() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    let olivia = desk.by("olivia").await;
    let change = changed(&desk, |organization| organization.role_mappings.retain(|mapping| mapping.role == role("User"))).await;
    let review = review(&desk, &olivia, &change).await;
    assert_eq!(codes(&review), [("lockout_nobody", false)]);
    assert_eq!(refused(save(&desk, &olivia, &change, &review.id, &named("Acme")).await).0, "lockout_nobody");
}

#[tokio::test]
async fn vector_23_a_review_writes_nothing() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    let store = &desk.world.store;
    let all = async || {
        (desk.find("jo").await, desk.find("olivia").await, store.list_audit(0, 1000).await.unwrap(), desk.world.used(desk.now()).await)
    };
    let (before, settings) = (all().await, store.find_settings().await.unwrap());
    let change = changed(&desk, |organization| organization.role_mappings.truncate(1)).await;
    let review = review(&desk, &desk.by("olivia").await, &change).await;
    assert_eq!(review.organizations[0].effects.lose_access, 1);
    let pasted = Hypothesis::Pasted(Identity { groups: GroupClaim::Empty, ..identity("jo") });
    assert_eq!(desk.admin.what_if(&operator(), pasted).await.unwrap().decision.outcome, Outcome::Refuse(Reason::NoRoleGroup));
    assert_eq!((all().await, store.find_settings().await.unwrap()), (before, settings));
}

#[tokio::test]
async fn a_review_that_is_no_longer_true_is_not_saved_and_an_unrelated_login_leaves_it_true() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    desk.login("mia", &["everyone"]).await.unwrap();
    let olivia = desk.by("olivia").await;
    let change = changed(&desk, |organization| organization.role_mappings[1].groups = group("everyone")).await;
    let first = review(&desk, &olivia, &change).await;
    assert_eq!(first.organizations[0].effects.role_changes, 2);

    desk.login("olivia", &["owners"]).await.unwrap();
    assert_eq!(review(&desk, &olivia, &change).await.id, first.id, "the same happens to the same people");
    desk.login("jo", &["admins"]).await.unwrap();
    let Err(AdminError::ReviewChanged(second)) = save(&desk, &olivia, &change, &first.id, &nothing()).await else {
        panic!("jo is an Admin by now")
    };
    assert_eq!(second.organizations[0].effects.lose_access, 1, "admins are not mapped any more");

    desk.settings(|organization| organization.name = "Acme Inc".to_owned()).await;
    let stale = save(&desk, &olivia, &change, &second.id, &nothing()).await;
    let Err(AdminError::ReviewChanged(third)) = stale else { panic!("{stale:?}") };
    assert!(third.base > second.base);
    save(&desk, &olivia, &change, &third.id, &nothing()).await.unwrap();
    assert_eq!(role_and_seat(&desk.login("mia", &["everyone"]).await.unwrap().member).0, "Admin");
}

#[tokio::test]
async fn row_57_many_who_lose_access_need_their_number_and_are_removed_at_their_next_login() {
    let desk = Desk::new(Mode::Jit, true).await;
    for name in ["a", "b", "c", "d", "e", "f"] {
        desk.login(name, &["everyone"]).await.unwrap();
    }
    let olivia = desk.by("olivia").await;
    let change = changed(&desk, |organization| organization.role_mappings[2].groups = group("staff")).await;
    let review = review(&desk, &olivia, &change).await;
    assert_eq!((review.needs.lose_access, codes(&review)), (Some(6), vec![]));
    for wrong in [None, Some(5)] {
        let typed = Confirmations { lose_access: wrong, ..nothing() };
        assert_eq!(refused(save(&desk, &olivia, &change, &review.id, &typed).await).0, "confirm_lose_access");
    }
    let typed = Confirmations { lose_access: Some(6), ..nothing() };
    save(&desk, &olivia, &change, &review.id, &typed).await.unwrap();
    assert_eq!(desk.member("a").await.status, MemberStatus::Active, "a save removes nobody");
    assert_eq!(desk.login("a", &["everyone"]).await.unwrap_err(), Reason::NoRoleGroup);
    assert_eq!(desk.member("a").await.status, MemberStatus::Removed);
}

#[tokio::test]
async fn row_58_mappings_that_are_switched_off_take_the_pins_with_them() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    desk.pin("olivia", "jo", pinned(&desk, Some("Admin"), None, 5)).await.unwrap();
    let (olivia, change) = (desk.by("olivia").await, changed(&desk, |organization| organization.group_mappings = false).await);
    let review = review(&desk, &olivia, &change).await;
    save(&desk, &olivia, &change, &review.id, &nothing()).await.unwrap();
    let jo = desk.member("jo").await;
    assert_eq!((jo.pin.is_none(), jo.role), (true, role("Admin")), "the role stays");
    desk.settings(|organization| organization.group_mappings = true).await;
    assert_eq!(role_and_seat(&desk.login("jo", &["everyone"]).await.unwrap().member).0, "User", "and no pin comes back");
}

#[tokio::test]
async fn a_save_is_undone_unless_the_same_thing_was_changed_again() {
    let desk = Desk::new(Mode::Jit, true).await;
    let olivia = desk.by("olivia").await;
    let original = desk.world.store.find_settings().await.unwrap().unwrap().settings;
    let change = changed(&desk, |organization| organization.seat_tiers[0].owned = 9).await;
    let first = review(&desk, &olivia, &change).await;
    let revision = save(&desk, &olivia, &change, &first.id, &nothing()).await.unwrap().stored.revision;

    let undo = SettingsChange::Undo { revision };
    let back = review(&desk, &olivia, &undo).await;
    let saved = save(&desk, &olivia, &undo, &back.id, &nothing()).await.unwrap();
    assert_eq!(saved.stored.settings, original);

    let again = SettingsChange::Undo { revision: saved.stored.revision };
    desk.settings(|organization| organization.seat_tiers[0].owned = 7).await;
    assert_eq!(refused(desk.admin.review_settings(&olivia, &again, &|_| ()).await).0, "changed_since");
    let never = desk.admin.review_settings(&olivia, &SettingsChange::Undo { revision: 99 }, &|_| ()).await;
    assert!(matches!(never, Err(AdminError::NoSuch(_))), "{never:?}");
}

#[tokio::test]
async fn nobody_changes_who_gets_a_role_above_their_own() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("bea", &["admins"]).await.unwrap();
    let bea = desk.by("bea").await;
    for change in [
        changed(&desk, |organization| organization.role_mappings[0].groups = group("admins")).await,
        changed(&desk, |organization| organization.roles.swap(0, 1)).await,
        changed(&desk, |organization| organization.primary_owner = Some(email("bea@acme.example"))).await,
    ] {
        refused(desk.admin.review_settings(&bea, &change, &|_| ()).await);
    }
    let lower = changed(&desk, |organization| organization.role_mappings[2].groups = group("staff")).await;
    let seen = review(&desk, &bea, &lower).await;
    save(&desk, &bea, &lower, &seen.id, &nothing()).await.unwrap();
    let reader = desk.admin.review_settings(&token(&[Permission::MembersRead], "acme"), &lower, &|_| ()).await;
    assert!(matches!(reader, Err(AdminError::NotAllowed(Permission::SettingsWrite))), "{reader:?}");
    let again = changed(&desk, |organization| organization.role_mappings[2].groups = group("everyone")).await;
    let stranger = desk.admin.review_settings(&token(&[Permission::SettingsWrite], "globex"), &again, &|_| ()).await;
    assert!(matches!(stranger, Err(AdminError::NoSuch("organization"))), "{stranger:?}");
}

#[tokio::test]
async fn sign_in_through_a_connection_is_not_required_before_both_ways_in_were_proven() {
    let desk = Desk::new(Mode::Jit, true).await;
    let olivia = desk.by("olivia").await;
    let change = changed(&desk, |organization| organization.policy.require_sso = true).await;
    let review = review(&desk, &olivia, &change).await;
    assert_eq!(codes(&review), [("sso_not_proven", false)]);
    assert_eq!(refused(save(&desk, &olivia, &change, &review.id, &named("Acme")).await).0, "sso_not_proven");
}

#[tokio::test]
async fn an_explanation_shows_the_last_decision_and_what_todays_rules_would_say() {
    let desk = Desk::new(Mode::Jit, true).await;
    let jo = desk.login("jo", &["everyone"]).await.unwrap().member;
    desk.settings(|organization| organization.role_mappings[1].groups = group("everyone")).await;
    let explained = desk.admin.explain_member(&operator(), jo.id).await.unwrap();
    let role_of = |outcome: &Outcome| match outcome {
        Outcome::Admit(admission) => admission.role.clone(),
        Outcome::Refuse(reason) => panic!("{reason}"),
    };
    assert_eq!(role_of(&explained.decision.unwrap().decision.outcome), role("User"));
    assert_eq!(role_of(&explained.replay.unwrap().decision.outcome), role("Admin"));
    let admin = explained.ways.iter().find(|way| way.role == role("Admin")).unwrap();
    assert_eq!((admin.sentence.as_str(), admin.current), ("Be in everyone, and in no group of Owner.", false));
    let foreign = desk.admin.explain_member(&token(&[Permission::MembersRead], "globex"), jo.id).await;
    assert!(foreign.is_err(), "{foreign:?}");
}

const GROUPS: [&str; 5] = ["owners", "admins", "everyone", "design", "other"];

/// A second login, more than a day after the first.
#[derive(Debug, Clone)]
enum Later {
    Never,
    WithoutClaim,
    With(Vec<&'static str>),
}

#[derive(Debug, Clone)]
struct Person {
    groups: Vec<&'static str>,
    later: Later,
    pinned: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct Change {
    mode: Mode,
    group_mappings: bool,
    /// For Owner, Admin and User.
    role_groups: [Vec<&'static str>; 3],
    tier_groups: [Vec<&'static str>; 2],
    owned: (u32, u32),
    policy: (NoRoleMatch, NoSeatMatch, OnTierFull),
    primary_owner: Option<&'static str>,
}

fn groups() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(GROUPS.to_vec(), 0..=3)
}

prop_compose! {
    fn person()(
        groups in groups(),
        later in prop_oneof![5 => Just(Later::Never), 1 => Just(Later::WithoutClaim), 3 => groups().prop_map(Later::With)],
        pinned in prop::option::weighted(0.2, select(vec!["Admin", "User"])),
    ) -> Person {
        Person { groups, later, pinned }
    }
}

prop_compose! {
    fn change()(
        mode in select(vec![Mode::Jit, Mode::Jit, Mode::Jit, Mode::Manual, Mode::Scim]),
        group_mappings in prop::bool::weighted(0.8),
        role_groups in [groups(), groups(), groups()],
        tier_groups in [groups(), groups()],
        owned in (0_u32..5, 0_u32..5),
        no_role_match in select(vec![NoRoleMatch::Remove, NoRoleMatch::Remove, NoRoleMatch::DefaultRole]),
        no_seat_match in select(vec![NoSeatMatch::HighestAvailable, NoSeatMatch::LowestAvailable, NoSeatMatch::None, NoSeatMatch::Refuse]),
        on_tier_full in select(vec![OnTierFull::NextLower, OnTierFull::Refuse, OnTierFull::NoSeat]),
        primary_owner in prop::option::weighted(0.3, select(vec!["p0", "p1", "newcomer"])),
    ) -> Change {
        let policy = (no_role_match, no_seat_match, on_tier_full);
        Change { mode, group_mappings, role_groups, tier_groups, owned, policy, primary_owner }
    }
}

impl Change {
    fn make(self, organization: &mut Organization) {
        let mapped = |values: Vec<&str>| values.into_iter().flat_map(group).collect::<Vec<_>>();
        (organization.mode, organization.group_mappings) = (self.mode, self.group_mappings);
        organization.role_mappings = ["Owner", "Admin", "User"]
            .into_iter()
            .zip(self.role_groups)
            .map(|(name, groups)| RoleMapping { role: role(name), groups: mapped(groups) })
            .collect();
        organization.seat_tier_mappings = ["Premium", "Standard"]
            .into_iter()
            .zip(self.tier_groups)
            .map(|(name, groups)| SeatTierMapping { tier: tier(name), groups: mapped(groups) })
            .collect();
        (organization.seat_tiers[0].owned, organization.seat_tiers[1].owned) = self.owned;
        let policy = &mut organization.policy;
        (policy.no_role_match, policy.no_seat_match, policy.on_tier_full) = self.policy;
        organization.primary_owner = self.primary_owner.map(|name| email(&format!("{name}@acme.example")));
    }
}

/// Everybody's last claim that said something, by person, in the order in which a preview asks them.
async fn gather(desk: &Desk, people: Vec<Person>) -> BTreeMap<PersonId, (String, Vec<&'static str>)> {
    let mut last = BTreeMap::from([("olivia".to_owned(), vec!["owners"])]);
    for (number, person) in people.iter().enumerate() {
        let name = format!("p{number}");
        if desk.login(&name, &person.groups).await.is_ok() {
            last.insert(name, person.groups.clone());
        }
    }
    desk.days_pass(2);
    for (number, person) in people.into_iter().enumerate() {
        let name = format!("p{number}");
        if !last.contains_key(&name) {
            continue;
        }
        match person.later {
            Later::With(groups) => {
                let _ = desk.login(&name, &groups).await;
                last.insert(name.clone(), groups);
            }
            Later::WithoutClaim => {
                let mut silent = identity(&name);
                silent.groups = GroupClaim::Absent;
                let facts = desk.world.facts(&silent, desk.now()).await;
                let decision = decide(&facts, &silent, desk.now());
                desk.world.login(&silent, &decision, desk.now()).await;
            }
            Later::Never => {}
        }
        if let Some(as_role) = person.pinned {
            // Refused for whoever is out by now.
            let _ = desk.pin("olivia", &name, pinned(desk, Some(as_role), None, 9)).await;
        }
    }
    let mut everyone = BTreeMap::new();
    for (name, groups) in last {
        let row = desk.find(&name).await;
        if row.member.status == MemberStatus::Active {
            everyone.insert(row.person.id, (name, groups));
        }
    }
    everyone
}

async fn preview_is_what_happens(people: Vec<Person>, change: Change) {
    let desk = Desk::new(Mode::Jit, true).await;
    let everyone = gather(&desk, people).await;
    let change = changed(&desk, |organization| change.make(organization)).await;
    let review = review(&desk, &operator(), &change).await;
    let typed = Confirmations { lose_access: review.needs.lose_access, ..nothing() };
    let saved = save(&desk, &operator(), &change, &review.id, &typed).await;
    assert_eq!(saved.is_err(), review.is_refused(), "{saved:?}");
    if review.objections.iter().any(|objection| objection.code == "impossible") {
        return;
    }
    if saved.is_err() {
        // A lockout: nobody may save this. What the review says of it is true all the same.
        desk.settings(|organization| {
            let SettingsChange::Organization(wanted) = &change else { unreachable!() };
            wanted.as_ref().clone_into(organization);
        })
        .await;
    }
    let Some(organization) = review.organizations.first() else { return };
    let effects = &organization.effects;
    assert_eq!(effects.unknown, 0);
    for (person, (name, groups)) in everyone {
        let before = desk.member(&name).await;
        let login = desk.login(&name, &groups).await;
        let next = effects.people.iter().find(|effect| effect.person == person).map(|effect| &effect.next);
        match (next, login) {
            (Some(Next::ComesIn { standing, .. }), Ok(row)) => {
                assert_eq!((&row.member.role, &row.member.seat), (&standing.role, &standing.seat), "{name}");
            }
            (Some(Next::LosesAccess { reason, removed }), Err(why)) => {
                let is_removed = desk.member(&name).await.status == MemberStatus::Removed;
                assert_eq!((why, is_removed), (*reason, *removed), "{name}");
            }
            (None, Ok(row)) => assert_eq!((&row.member.role, &row.member.seat), (&before.role, &before.seat), "{name}"),
            // Refused before the save as well.
            (None, Err(_)) => {}
            (next, login) => panic!("{name}: the review says {next:?}, and the login {login:?}"),
        }
    }
    let seats: Vec<u32> = effects.seats.iter().map(|count| count.used).collect();
    assert_eq!(desk.world.used(desk.now()).await, seats);
    for administrator in &effects.administrators {
        let row = desk.world.store.find_member(&acme(), administrator.person).await.unwrap().unwrap();
        assert_eq!((row.member.status, &row.member.role), (MemberStatus::Active, &administrator.role));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn vector_26_what_a_review_says_is_what_the_next_logins_do(people in prop::collection::vec(person(), 1..7), change in change()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(preview_is_what_happens(people, change));
    }
}

#[tokio::test]
async fn row_61_a_switch_to_directory_sync_may_remove_everybody_so_their_number_is_typed() {
    let desk = Desk::new(Mode::Jit, true).await;
    for name in ["a", "b", "c", "d", "e"] {
        desk.login(name, &["everyone"]).await.unwrap();
    }
    let (olivia, change) = (desk.by("olivia").await, changed(&desk, |organization| organization.mode = Mode::Scim).await);
    let review = review(&desk, &olivia, &change).await;
    assert_eq!(review.needs.lose_access, Some(6), "whom the directory does not have is removed");
    assert_eq!(refused(save(&desk, &olivia, &change, &review.id, &nothing()).await).0, "confirm_lose_access");
    save(&desk, &olivia, &change, &review.id, &Confirmations { lose_access: Some(6), ..nothing() }).await.unwrap();
    assert_eq!(desk.member("a").await.status, MemberStatus::Active, "nobody before the first sync");
}
