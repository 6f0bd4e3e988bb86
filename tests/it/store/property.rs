//! Whatever happens in whatever order, the counters agree with the rows.

use proptest::prelude::*;
use usher::core::provision::{Change, Facts};
use usher::core::{MemberStatus, Reason};
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
