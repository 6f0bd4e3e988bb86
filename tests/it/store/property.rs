//! Whatever happens in whatever order, the counters agree with the rows.

use proptest::prelude::*;
use usher::core::provision::{Change, Facts};
use usher::core::{ConnectionId, GroupClaim, MappedGroup, MemberStatus, Mode, Reason, RoleMapping, SeatTierMapping};
use usher::store::CommitOutcome;

use super::conformance::facts::invite;
use super::fixtures::*;

#[derive(Debug, Clone)]
enum Event {
    Login {
        person: usize,
        seat: Option<usize>,
    },
    /// The same decision again, from the facts of before.
    StaleLogin {
        person: usize,
        seat: Option<usize>,
    },
    Remove {
        person: usize,
    },
    Invite {
        person: usize,
        seat: usize,
        seconds: i64,
    },
    Own {
        premium: u32,
        standard: u32,
    },
    Wait {
        seconds: i64,
    },
}

const TIERS: [&str; 2] = ["Premium", "Standard"];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let person = 0..4_usize;
    let seat = || prop_oneof![Just(None), Just(Some(0)), Just(Some(1))];
    let event = prop_oneof![
        5 => (person.clone(), seat()).prop_map(|(person, seat)| Event::Login { person, seat }),
        2 => (person.clone(), seat()).prop_map(|(person, seat)| Event::StaleLogin { person, seat }),
        2 => person.clone().prop_map(|person| Event::Remove { person }),
        2 => (person, 0..2_usize, 1..20_i64).prop_map(|(person, seat, seconds)| Event::Invite { person, seat, seconds }),
        1 => (0..4_u32, 0..4_u32).prop_map(|(premium, standard)| Event::Own { premium, standard }),
        2 => (1..15_i64).prop_map(|seconds| Event::Wait { seconds }),
    ];
    prop::collection::vec(event, 1..25)
}

/// What the real decision would roughly say; right enough to be written.
fn decide(facts: &Facts, name: &str, seat: Option<&str>, now: i64) -> usher::core::provision::Decision {
    let mut changes = Vec::new();
    let mut reason = Reason::OkNew;
    if let Some(invite) = facts.invite.as_ref().filter(|invite| invite.expires_at > at(now)) {
        changes.push(Change::ConsumeInvite { invite: invite.id, held: invite.seat.clone() });
    }
    match facts.linked.as_ref().and_then(|known| known.member.as_ref()) {
        None => changes.extend(newcomer(&identity(name), "User", seat).changes),
        Some(member) if member.status == MemberStatus::Removed => {
            reason = Reason::OkReadded;
            changes.push(Change::ReaddMember { member: member.id, role: role("User"), seat: seat.map(tier) });
        }
        Some(member) => {
            reason = Reason::OkExisting;
            if member.seat != seat.map(tier) {
                changes.push(Change::MoveSeat { member: member.id, from: member.seat.clone(), to: seat.map(tier) });
            }
        }
    }
    admit(reason, "User", seat, changes)
}

async fn happen(events: Vec<Event>) {
    let world = World::new(super::sqlite::open().await, 2, 2).await;
    let (mut now, mut invites) = (1, 0);
    for event in events {
        let before = world.used(at(now)).await;
        match event {
            Event::Login { person, seat } => {
                let name = format!("p{person}");
                let facts = world.facts(&identity(&name), at(now)).await;
                let decision = decide(&facts, &name, seat.map(|seat| TIERS[seat]), now);
                let outcome = world.try_commit(&facts, &identity(&name), &decision, at(now)).await.unwrap();
                if outcome == CommitOutcome::LostRace {
                    let wanted = &facts.seats[seat.expect("only the gate stands in the way")];
                    assert_eq!(wanted.free(), 0);
                    assert_eq!(world.used(at(now)).await, before);
                }
            }
            Event::StaleLogin { person, seat } => {
                let name = format!("p{person}");
                let facts = world.facts(&identity(&name), at(now)).await;
                let decision = decide(&facts, &name, seat.map(|seat| TIERS[seat]), now);
                for _ in 0..2 {
                    world.try_commit(&facts, &identity(&name), &decision, at(now)).await.unwrap();
                }
            }
            Event::Remove { person } => {
                let name = format!("p{person}");
                let facts = world.facts(&identity(&name), at(now)).await;
                let member = facts.linked.as_ref().and_then(|known| known.member.clone());
                if let Some(member) = member.filter(|member| member.status == MemberStatus::Active) {
                    let change = Change::RemoveMember { member: member.id, reason: Reason::NoRoleGroup };
                    let removal = refuse(Reason::NoRoleGroup, vec![change]);
                    let outcome = world.try_commit(&facts, &identity(&name), &removal, at(now)).await.unwrap();
                    assert!(matches!(outcome, CommitOutcome::Committed(_)));
                }
            }
            Event::Invite { person, seat, seconds } => {
                invites += 1;
                world.invite(&invite(invites, &format!("p{person}"), Some(TIERS[seat]), now + seconds)).await;
            }
            Event::Own { premium, standard } => {
                let revision = world.store.find_settings().await.unwrap().map(|stored| stored.revision);
                world.store.save_settings(&settings(premium, standard), revision, "cli", at(now)).await.unwrap();
            }
            Event::Wait { seconds } => now += seconds,
        }
        world.assert_sound().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counters_agree_with_rows_after_any_events(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(happen(events));
    }
}

/// Groups of the mappings below, and one that nobody mapped.
const GROUPS: [&str; 5] = ["owners", "admins", "everyone", "design", "other"];

#[derive(Debug, Clone)]
struct RealLogin {
    person: usize,
    connection: &'static str,
    /// Whose address is asserted.
    address: Option<usize>,
    groups: Option<Vec<&'static str>>,
    seconds: i64,
}

fn real_logins() -> impl Strategy<Value = (Vec<RealLogin>, Mode, bool)> {
    let groups = prop::option::weighted(0.9, prop::sample::subsequence(GROUPS.to_vec(), 0..=GROUPS.len()));
    let address = prop::option::weighted(0.9, 0..4_usize);
    let login = (0..4_usize, prop_oneof![4 => Just("okta"), 1 => Just("entra")], address, any::<bool>(), groups, 0..200_000_i64).prop_map(
        |(person, connection, address, own, groups, seconds)| {
            let address = address.map(|other| if own { person } else { other });
            RealLogin { person, connection, address, groups, seconds }
        },
    );
    (prop::collection::vec(login, 1..20), prop_oneof![4 => Just(Mode::Jit), 1 => Just(Mode::Manual)], any::<bool>())
}

/// The real decision through the real store: with nobody else there, every decision fits and is written.
async fn decide_and_write(logins: Vec<RealLogin>, mode: Mode, group_mappings: bool) {
    let world = World::empty(super::sqlite::open().await);
    let mut settings = with_owner(settings(1, 2), "p0@acme.example");
    let organization = &mut settings.organizations[0];
    (organization.mode, organization.group_mappings) = (mode, group_mappings);
    let group = |value: &str| vec![MappedGroup { value: value.to_owned(), label: None }];
    organization.role_mappings = [("Owner", "owners"), ("Admin", "admins"), ("User", "everyone")]
        .map(|(name, value)| RoleMapping { role: role(name), groups: group(value) })
        .to_vec();
    organization.seat_tier_mappings = vec![SeatTierMapping { tier: tier("Premium"), groups: group("design") }];
    world.store.save_settings(&settings, None, "cli", at(0)).await.unwrap();
    world.backend.execute(format!("UPDATE connection SET relink_open_until = {} WHERE id = 'entra'", at(400_000).as_microsecond())).await;

    let mut now = 1;
    for login in logins {
        now += login.seconds;
        let mut identity = identity(&format!("p{}", login.person));
        identity.connection = ConnectionId::parse(login.connection).unwrap();
        identity.email = login.address.map(|person| email(&format!("p{person}@acme.example")));
        identity.groups = login.groups.map_or(GroupClaim::Absent, GroupClaim::from_values);
        let facts = world.facts(&identity, at(now)).await;
        let decision = usher::core::provision::decide(&facts, &identity, at(now));
        let outcome = world.try_commit(&facts, &identity, &decision, at(now)).await.unwrap();
        assert!(matches!(outcome, CommitOutcome::Committed(_)), "{decision:#?}");
        world.assert_sound().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_decided_can_be_written((logins, mode, group_mappings) in real_logins()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(decide_and_write(logins, mode, group_mappings));
    }
}
