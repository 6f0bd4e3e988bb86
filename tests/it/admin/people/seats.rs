use proptest::prelude::*;
use usher::core::{Mode, Reason};

use super::*;

#[tokio::test]
async fn vector_09_a_freed_seat_goes_to_the_first_in_the_queue_by_hand_or_at_the_next_login() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("ada", &["everyone", "design"]).await.unwrap();
    desk.login("jo", &["everyone", "design"]).await.unwrap();
    desk.clock.pass(Duration::from_secs(1));
    desk.login("mia", &["everyone", "design"]).await.unwrap();
    let by = desk.by("olivia").await;
    let queue = desk.admin.list_seat_queue(&by).await.unwrap();
    assert_eq!(queue.iter().map(MemberRow::name).collect::<Vec<_>>(), ["jo", "mia"]);
    assert_eq!(refused(desk.admin.assign_waiting_seat(&by, queue[0].member.id).await).0, "tier_full");
    desk.remove("olivia", &["ada"], false).await.unwrap();
    let done = desk.admin.assign_waiting_seat(&by, queue[0].member.id).await.unwrap();
    assert_eq!(role_and_seat(&done.members[0].member), ("User", "Premium"));
    desk.world.assert_sound().await;
    desk.settings(|organization| organization.seat_tiers[0].owned = 3).await;
    assert_eq!(role_and_seat(&desk.login("mia", &["everyone", "design"]).await.unwrap().member).1, "Premium");
    assert_eq!(desk.admin.list_seat_queue(&by).await.unwrap(), []);
}

#[tokio::test]
async fn row_31_vector_10_who_finds_no_seat_stands_on_the_waiting_list_until_they_come_in() {
    let desk = Desk::with(Mode::Jit, true, |organization| {
        organization.seat_tiers[0].owned = 1;
        organization.seat_tiers[1].owned = 0;
    })
    .await;
    assert_eq!(desk.login("jo", &["everyone"]).await.unwrap_err(), Reason::NoSeatsLeft);
    let by = desk.by("olivia").await;
    let waiting = desk.admin.list_waiting(&by).await.unwrap();
    assert_eq!(waiting.iter().map(|attempt| attempt.email.clone()).collect::<Vec<_>>(), [Some(email("jo@acme.example"))]);
    desk.settings(|organization| organization.seat_tiers[1].owned = 1).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    assert_eq!(desk.admin.list_waiting(&by).await.unwrap(), []);
}

#[tokio::test]
async fn row_14_a_stale_seat_is_taken_back_and_given_again_to_who_returns() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("jo", "User", Some("Standard")).await;
    let bot = desk.join("bot", "User", Some("Standard")).await;
    desk.admin.mark_service_account(&crate::admin::operator(), bot.member.id, true).await.unwrap();
    desk.days_pass(31);
    desk.login("olivia", &[]).await.unwrap();
    let by = desk.by("olivia").await;
    let stale = desk.admin.list_stale_members(&by).await.unwrap();
    assert_eq!(stale.iter().map(MemberRow::name).collect::<Vec<_>>(), ["jo"], "a bot never signs in (row 67)");
    desk.admin.reclaim_seat(&by, stale[0].member.id).await.unwrap();
    assert_eq!(desk.world.used(desk.now()).await, [1, 1]);
    assert_eq!(role_and_seat(&desk.login("jo", &[]).await.unwrap().member).1, "Premium");
}

#[derive(Debug, Clone)]
enum Event {
    Login(usize, Vec<&'static str>),
    Edit(usize, usize, usize),
    Seat(usize, usize, usize),
    Remove(usize, Vec<usize>, bool),
    Unblock(usize, usize),
    Undo,
    Pin(usize, usize, usize),
    Reclaim(usize, usize),
    Transfer(usize, usize),
    Own(u32, u32),
    Map(bool),
}

const NAMES: [&str; 4] = ["olivia", "ada", "jo", "mia"];
const ROLES: [&str; 3] = ["Owner", "Admin", "User"];
const TIERS: [&str; 3] = ["Premium", "Standard", ""];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let who = || 0..NAMES.len();
    let groups = prop::sample::subsequence(vec!["owners", "admins", "everyone", "design"], 0..=4);
    let event = prop_oneof![
        6 => (who(), groups).prop_map(|(who, groups)| Event::Login(who, groups)),
        3 => (who(), who(), 0..3_usize).prop_map(|(by, who, role)| Event::Edit(by, who, role)),
        3 => (who(), who(), 0..3_usize).prop_map(|(by, who, seat)| Event::Seat(by, who, seat)),
        3 => (who(), prop::collection::vec(who(), 1..4), any::<bool>()).prop_map(|(by, who, block)| Event::Remove(by, who, block)),
        1 => (who(), who()).prop_map(|(by, who)| Event::Unblock(by, who)),
        2 => Just(Event::Undo),
        2 => (who(), who(), 0..3_usize).prop_map(|(by, who, role)| Event::Pin(by, who, role)),
        1 => (who(), who()).prop_map(|(by, who)| Event::Reclaim(by, who)),
        1 => (who(), who()).prop_map(|(by, who)| Event::Transfer(by, who)),
        1 => (0..4_u32, 0..4_u32).prop_map(|(premium, standard)| Event::Own(premium, standard)),
        1 => any::<bool>().prop_map(Event::Map),
    ];
    prop::collection::vec(event, 1..25)
}

/// Whatever comes back is allowed; what must hold is asked afterwards.
async fn happen(desk: &Desk, event: Event) {
    let id = async |who: usize| desk.member(NAMES[who]).await.id;
    let known = async |who: usize| {
        let address = email(&format!("{}@acme.example", NAMES[who]));
        !desk.world.store.find_members_by_email(&acme(), &address).await.unwrap().is_empty()
    };
    match event {
        Event::Login(who, groups) => drop(desk.login(NAMES[who], &groups).await),
        Event::Own(premium, standard) => {
            desk.settings(|organization| {
                organization.seat_tiers[0].owned = premium;
                organization.seat_tiers[1].owned = standard;
            })
            .await;
        }
        Event::Map(on) => desk.settings(|organization| organization.group_mappings = on).await,
        Event::Undo => {
            let operator = crate::admin::operator();
            if let Some(last) = desk.admin.list_removals(&operator).await.unwrap().first() {
                drop(desk.admin.undo_removal(&operator, last.id).await);
            }
        }
        Event::Edit(by, who, _)
        | Event::Seat(by, who, _)
        | Event::Pin(by, who, _)
        | Event::Unblock(by, who)
        | Event::Reclaim(by, who)
        | Event::Transfer(by, who)
            if !(known(by).await && known(who).await) => {}
        Event::Edit(by, who, to) => drop(desk.change(NAMES[by], NAMES[who], to_role(ROLES[to])).await),
        Event::Seat(by, who, to) => drop(desk.change(NAMES[by], NAMES[who], to_seat(TIERS[to])).await),
        Event::Pin(by, who, to) => drop(desk.pin(NAMES[by], NAMES[who], pinned(desk, Some(ROLES[to]), Some(TIERS[to]), 5)).await),
        Event::Unblock(by, who) => drop(desk.admin.unblock_member(&desk.by(NAMES[by]).await, id(who).await).await),
        Event::Reclaim(by, who) => drop(desk.admin.reclaim_seat(&desk.by(NAMES[by]).await, id(who).await).await),
        Event::Transfer(_, who) => {
            let typed = format!("{}@acme.example", NAMES[who]);
            drop(desk.admin.transfer_primary_owner(&crate::admin::operator(), id(who).await, &typed).await);
        }
        Event::Remove(by, who, block) => {
            let mut names: Vec<&str> = Vec::new();
            for who in who {
                if known(who).await && !names.contains(&NAMES[who]) {
                    names.push(NAMES[who]);
                }
            }
            if known(by).await && !names.is_empty() {
                drop(desk.remove(NAMES[by], &names, block).await);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_hand_acts_and_logins_leave_wrong_counters_no_administrator_or_two_owners(events in events(), mapped in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::new(Mode::Jit, mapped).await;
            for event in events {
                happen(&desk, event.clone()).await;
                desk.world.assert_sound().await;
                let situation = desk.world.store.load_situation(&acme(), &[], desk.now()).await.unwrap();
                assert!(situation.administrators > 0, "{event:?} left nobody who administers");
                let query = usher::store::MemberQuery { organization: &acme(), search: None, after: None, limit: 100 };
                let owners = desk.world.store.list_members(query).await.unwrap().into_iter().filter(|row| row.member.primary_owner).count();
                assert!(owners <= 1, "{event:?} left {owners} Primary Owners");
            }
        });
    }
}

#[tokio::test]
async fn a_forecast_says_how_many_seats_there_would_have_to_be() {
    let desk = Desk::new(Mode::Jit, true).await;
    for name in ["ada", "jo", "mia"] {
        desk.login(name, &["everyone", "design"]).await.unwrap();
    }
    desk.login("kim", &["everyone"]).await.unwrap();
    let by = desk.by("olivia").await;
    let read = async || {
        let forecast = desk.admin.forecast_seats(&by).await.unwrap();
        (forecast.tiers.iter().map(|tier| (tier.needed, tier.owned)).collect::<Vec<_>>(), forecast.members, forecast.strangers)
    };
    // Three by group; Olivia and Kim take what is free.
    assert_eq!(read().await, (vec![(3, 2), (2, 5)], 5, 0));
    desk.settings(|organization| organization.seat_tiers.iter_mut().for_each(|seats| seats.owned = 2)).await;
    assert_eq!(desk.login("noa", &["everyone", "design"]).await.unwrap_err(), Reason::NoSeatsLeft);
    assert_eq!(read().await, (vec![(4, 2), (2, 2)], 5, 1), "who waits counts");
    desk.settings(|organization| organization.policy.no_seat_match = usher::core::NoSeatMatch::None).await;
    assert_eq!(read().await.0, [(4, 2), (0, 2)], "without a group there is no seat");
    let used = desk.world.used(desk.now()).await;
    assert_eq!(used, [2, 3], "nobody was moved by asking, nor by fewer seats");
}
