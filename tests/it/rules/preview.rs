//! What a save would do to everyone: row 56, vectors 2, 3 and 23, the sums, and the warnings.

use std::collections::BTreeMap;
use std::sync::Arc;

use usher::core::preview::{Effects, LastSeen, Lockout, Next, Preview, PreviewMember, Question, Scene, SeenGroup, Unknown, Warning};
use usher::core::{ConnectionId, Domain, DomainName, DomainVerification, MappedGroup, Organization, PersonId, Reason, Role, Settings};

use crate::support::facts::{Case, days, gives_role, known, member_of, now};

fn okta() -> ConnectionId {
    ConnectionId::parse("okta").unwrap()
}

fn settings(organization: &Arc<Organization>) -> Arc<Settings> {
    let mut settings = crate::store::fixtures::settings(2, 10);
    settings.organizations = vec![organization.as_ref().clone()];
    settings.domains = vec![Domain { name: DomainName::parse("acme.example").unwrap(), verified: Some(DomainVerification::Operator) }];
    Arc::new(settings)
}

/// Members of one organization, each with the groups last seen.
struct Everyone {
    members: Vec<PreviewMember>,
    scene: Scene,
}

impl Everyone {
    fn new() -> Self {
        let case = Case::jit();
        let memory = usher::core::preview::ConnectionMemory { relink_open_until: None, health: case.facts.connection.health };
        let scene = Scene { seats: case.facts.seats, connections: BTreeMap::from([(okta(), memory)]), ..Scene::default() };
        Self { members: Vec::new(), scene }
    }

    fn with(mut self, name: &str, role: &str, groups: Option<&[&str]>) -> Self {
        let number = u128::try_from(self.members.len()).unwrap() + 1;
        let mut known = known(number, &format!("{name}@acme.example"), &[name]);
        known.person.name = Some(name.to_owned());
        let member = member_of(&known, role, "Standard");
        known.member = Some(member.clone());
        let identity = groups.map(|groups| {
            let case = Case::jit().groups(groups).with_identity(|identity| {
                name.clone_into(&mut identity.subject);
                identity.email.clone_from(&known.person.email);
            });
            case.identity
        });
        let last = identity.map(|identity| LastSeen {
            at: now() - days(2),
            identity,
            linked: Some(known.clone()),
            same_email: Vec::new(),
            invite: None,
        });
        self.scene.seats[1].used += 1;
        self.scene.members += 1;
        if ["Owner", "Admin"].contains(&role) {
            self.scene.administrators.insert(known.person.id, Role::new(role));
        }
        self.members.push(PreviewMember { person: known.person, member, connections: vec![okta()], last });
        self
    }

    /// The newest one, changed.
    fn who(mut self, change: impl FnOnce(&mut PreviewMember)) -> Self {
        change(self.members.last_mut().unwrap());
        self
    }

    fn save(self, before: &Arc<Organization>, after: &Arc<Organization>, saver: Option<&str>) -> Effects {
        let saver: Option<PersonId> = saver.map(|name| {
            let find = |member: &&PreviewMember| member.person.name.as_deref() == Some(name);
            self.members.iter().find(find).unwrap().person.id
        });
        let question = Question { before: settings(before), after: settings(after), organization: before.id.clone(), saver, now: now() };
        let mut preview = Preview::new(question, self.scene).unwrap();
        self.members.into_iter().for_each(|member| preview.add(member));
        preview.finish()
    }

    /// Mappings are switched on, where before everything was by hand.
    fn map(self, saver: Option<&str>) -> Effects {
        self.save(&Case::jit().facts.organization, &Case::mapped().facts.organization, saver)
    }
}

#[test]
fn vector_02_a_save_that_demotes_the_saver_names_what_mends_it_and_can_be_forced_while_another_owner_stays() {
    let everyone = Everyone::new().with("ada", "Owner", Some(&["everyone", "design"])).with("bea", "Owner", Some(&["app-owners"]));
    let effects = everyone.map(Some("ada"));
    let [lockout @ Lockout::Saver { role_after, remaining, .. }] = effects.lockouts.as_slice() else { panic!("{effects:?}") };
    assert_eq!((role_after, remaining.as_slice()), (&Some(Role::new("User")), &["bea".to_owned()][..]));
    assert!(lockout.can_be_forced());
    assert_eq!(
        lockout.sentence(&Case::mapped().facts.organization),
        "You would be User and could not administer Acme any more. To mend it, map one of your groups (design or everyone) to Owner or Admin, \
         get into app-owners to be Owner and app-admins or it-platform to be Admin or ask bea to save this."
    );
}

#[test]
fn vector_03_the_sole_administrator_cannot_force_it() {
    let effects = Everyone::new().with("ada", "Owner", Some(&["everyone"])).map(Some("ada"));
    assert!(matches!(effects.lockouts.as_slice(), [Lockout::Nobody { .. }]), "{effects:?}");
    let [ada] = effects.people.as_slice() else { panic!("{effects:?}") };
    let Next::ComesIn { standing, notes } = &ada.next else { panic!("{effects:?}") };
    assert_eq!((standing.role.as_str(), notes.as_slice()), ("Owner", &[Reason::GuardLastAdmin][..]), "the guard keeps her, by accident");
    assert!(!effects.administrators[0].certain && effects.lockouts.iter().all(|lockout| !lockout.can_be_forced()));
}

#[test]
fn row_56_an_other_administrator_counts_only_if_certain_to_remain() {
    let ada = || Everyone::new().with("ada", "Owner", Some(&["everyone"]));
    let others = [
        ada().with("demoted", "Owner", Some(&["everyone"])),
        ada().with("absent", "Owner", Some(&["app-owners"])).who(|member| member.member.last_login_at = None),
        ada().with("bot", "Owner", Some(&["app-owners"])).who(|member| member.person.service_account = true),
        ada().with("unknown", "Owner", None),
        ada().with("user", "User", Some(&["app-owners"])),
    ];
    for everyone in others {
        let effects = everyone.map(Some("ada"));
        assert!(!effects.lockouts.is_empty() && effects.lockouts.iter().all(|lockout| !lockout.can_be_forced()), "{effects:?}");
    }
}

#[test]
fn row_56_a_saver_who_keeps_an_administrators_role_may_save() {
    for groups in [&["app-admins"][..], &["app-owners", "everyone"]] {
        assert_eq!(Everyone::new().with("ada", "Owner", Some(groups)).map(Some("ada")).lockouts, []);
    }
    let owner = Everyone::new().with("ada", "Owner", Some(&["everyone"])).who(|member| {
        member.member.primary_owner = true;
        let linked = member.last.as_mut().unwrap().linked.as_mut().unwrap();
        linked.member.as_mut().unwrap().primary_owner = true;
    });
    let id = owner.members[0].person.id;
    let owner = Everyone { scene: Scene { primary_owner: Some((id, None)), ..owner.scene }, ..owner };
    assert_eq!(owner.map(Some("ada")).lockouts, [], "the Primary Owner stays whatever the groups say");
}

#[test]
fn row_56_taking_the_savers_role_off_the_administrators_counts_too() {
    let mut after = Case::mapped().facts.organization.as_ref().clone();
    after.administrators = [Role::new("Owner")].into();
    let everyone = Everyone::new().with("ada", "Admin", Some(&["app-admins"])).with("bea", "Owner", Some(&["app-owners"]));
    let effects = everyone.save(&Case::mapped().facts.organization, &Arc::new(after), Some("ada"));
    assert!(matches!(&effects.lockouts[..], [Lockout::Saver { role_after: Some(role), .. }] if role.as_str() == "Admin"), "{effects:?}");
}

#[test]
fn the_sums_add_up_to_everybody_and_the_changed_are_named() {
    let everyone = Everyone::new()
        .with("ada", "Owner", Some(&["app-owners"]))
        .with("bea", "User", Some(&["app-admins"]))
        .with("cem", "User", Some(&["everyone", "design"]))
        .with("dan", "User", Some(&["nothing-mapped"]))
        .with("eva", "User", None)
        .with("fay", "User", Some(&["everyone", "office"]))
        .with("gus", "User", Some(&["office", "everyone"]));
    let effects = everyone.map(Some("ada"));
    let sums = (effects.unchanged, effects.role_changes, effects.seat_changes, effects.lose_access, effects.unknown);
    // Without a seat group comes the highest free tier: two Premium seats, for Ada and Bea; Cem, who has a group for it, comes too late.
    assert_eq!(sums, (3, 1, 1, 1, 1), "{effects:?}");
    let next = |name: &str| effects.people.iter().find(|effect| effect.name.as_deref() == Some(name)).map(|effect| effect.next.to_string());
    assert_eq!(next("ada").as_deref(), Some("Owner · Premium"));
    assert_eq!(next("bea").as_deref(), Some("Admin · Premium"));
    assert_eq!(next("dan").as_deref(), Some("refused (no_role_group)"));
    assert_eq!(next("eva"), Some(format!("unknown ({})", Unknown::NeverSeen)));
    assert_eq!((next("cem"), next("fay")), (None, None));
    let used: Vec<_> = effects.seats.iter().map(|count| (count.tier.as_str(), count.used)).collect();
    assert_eq!(used, [("Premium", 2), ("Standard", 4)], "seats add up over everyone, and the removed one's is free");
    let names: Vec<_> = effects.administrators.iter().map(|administrator| administrator.name.as_str()).collect();
    assert_eq!(names, ["ada", "bea"]);
}

#[test]
fn whoever_is_refused_today_for_the_same_reason_does_not_lose_access_by_the_save() {
    let refused = |organization: &mut Organization| organization.policy.no_seat_match = usher::core::NoSeatMatch::Refuse;
    let before = Case::mapped().with_organization(refused).facts.organization;
    let mut after = before.as_ref().clone();
    after.role_mappings.push(gives_role("Owner", &["new-owners"]));
    let effects = Everyone::new().with("ada", "User", Some(&["everyone"])).save(&before, &Arc::new(after), None);
    assert_eq!((effects.unchanged, effects.lose_access), (1, 0), "{effects:?}");
}

fn seen(value: &str, at: jiff::Timestamp) -> SeenGroup {
    SeenGroup { connection: okta(), value: value.to_owned(), last_seen_at: at }
}

#[test]
fn mappings_that_are_probably_meant_otherwise_are_warned_of() {
    let mut after = Case::mapped().facts.organization.as_ref().clone();
    after.role_mappings = vec![
        gives_role("Owner", &["app-owners"]),
        gives_role("Admin", &["Admins", "app-owners"]),
        gives_role("User", &["everyone", "old"]),
        gives_role("Custom", &["contractors"]),
    ];
    after.seat_tier_mappings = Vec::new();
    let mut everyone = Everyone::new().with("ada", "Owner", Some(&["app-owners"])).with("bea", "User", Some(&["everyone", "contractors"]));
    everyone.scene.seen_groups = vec![
        seen("app-owners", now()),
        seen("everyone", now()),
        seen("contractors", now()),
        seen("admins", now()),
        seen("old", now() - days(40)),
    ];
    let warnings = everyone.save(&Case::jit().facts.organization, &Arc::new(after), None).warnings;
    let sentences: Vec<_> = warnings.iter().map(Warning::sentence).collect();
    assert_eq!(
        sentences,
        [
            "app-owners is mapped to Owner and Admin: Owner wins.",
            "\"Admins\" is mapped to Admin, and the provider sends \"admins\": that is not the same.",
            "old, mapped to User: nobody has come with it since 2026-01-20.",
            "1 in groups for both Custom and User (bea) get User, so the limits of Custom do not hold for them.",
        ]
    );
}

#[test]
fn row_36_fewer_seats_than_are_in_use_name_who_stays_over() {
    let before = Case::jit().facts.organization;
    let mut after = before.as_ref().clone();
    after.seat_tiers[1].owned = 1;
    let everyone = Everyone::new()
        .with("ada", "Owner", Some(&[]))
        .with("bea", "User", Some(&[]))
        .who(|member| member.member.joined_at = now() - days(1));
    let effects = everyone.save(&before, &Arc::new(after), None);
    let Warning::SeatsBelowUse { owned: 1, used: 2, over, .. } = &effects.warnings[0] else { panic!("{effects:?}") };
    assert_eq!((over.as_slice(), effects.unchanged), (&["bea".to_owned()][..], 2));
}

#[test]
fn a_tier_that_members_have_cannot_go() {
    let before = Case::jit().facts.organization;
    let mut after = before.as_ref().clone();
    after.seat_tiers.pop();
    let effects = Everyone::new().with("ada", "Owner", Some(&[])).save(&before, &Arc::new(after), None);
    assert!(effects.refusals[0].contains("1 member(s)") && effects.refusals[0].contains("Standard"), "{effects:?}");
}

#[test]
fn a_label_is_what_a_mending_group_is_called() {
    let mut after = Case::mapped().facts.organization.as_ref().clone();
    after.role_mappings[0].groups = vec![MappedGroup { value: "5f1c0e".to_owned(), label: Some("Owners".to_owned()) }];
    let effects = Everyone::new().with("ada", "Owner", Some(&["everyone"])).save(
        &Case::jit().facts.organization,
        &Arc::new(after.clone()),
        Some("ada"),
    );
    assert!(effects.lockouts[0].sentence(&after).contains("get into Owners to be Owner"), "{effects:?}");
}
