//! Many people at once for the first time, through the whole server: the real binary, `usher serve`, in a process of its own.
//!
//! - [`server`]: the process and its files; it can be killed, started again, and its database read while it is down
//! - [`person`]: one browser and its SAML provider, who signs for everyone
//! - [`twice`]: the second click
//!
//! The one rule of this folder: what counts is what a person saw. Whoever saw a way into the app is a member with one seat, and nobody else has it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::iter;
use usher::core::{MemberId, Reason};

mod person;
mod server;
mod twice;

use person::{Person, Saw};
use server::Site;

/// Logins under way at the same time.
const AT_ONCE: usize = 24;

/// How a storm ended.
#[derive(Debug, Default)]
struct Storm {
    inside: BTreeSet<String>,
    refused: BTreeSet<String>,
    cut_off: BTreeSet<String>,
}

/// Lets everybody in `people` sign in. After so many successes the server is killed, in the middle of the others.
async fn storm(site: &Site, people: impl IntoIterator<Item = String>, kill_after: Option<usize>) -> Storm {
    let mut server = site.serve().await;
    let mut storm = Storm::default();
    let logins = people.into_iter().map(|name| async move {
        let saw = Person::new(site, &name).sign_in().await;
        (name, saw)
    });
    let mut logins = iter(logins).buffer_unordered(AT_ONCE);
    while let Some((name, saw)) = logins.next().await {
        match saw {
            Saw::App => storm.inside.insert(name),
            Saw::Refusal { status: 403, page } if page.contains("no_seats_left") => storm.refused.insert(name),
            Saw::Nothing => storm.cut_off.insert(name),
            Saw::Refusal { status, page } => panic!("{name}: {status} {page}"),
        };
        if kill_after == Some(storm.inside.len()) {
            server.kill();
        }
    }
    storm
}

#[tokio::test]
async fn a_server_killed_in_a_storm_of_first_logins_keeps_everyone_who_saw_the_app_and_nothing_half_written() {
    let (premium, standard) = (8, 24);
    let site = Site::new(premium, standard);
    let people: BTreeSet<String> = (0..60).map(|number| format!("p{number}")).collect();
    let mut inside: BTreeSet<String> = BTreeSet::new();
    let mut ids: BTreeMap<String, MemberId> = BTreeMap::new();
    for kill_after in [3, 8, 5] {
        let storm = storm(&site, people.difference(&inside).cloned(), Some(kill_after)).await;
        assert!(storm.inside.len() >= kill_after && !storm.cut_off.is_empty(), "not killed in the middle: {storm:?}");
        inside.extend(storm.inside);
        ids = assert_sound(&site, &inside, &ids).await;
    }
    // After the last start there is peace: whoever was cut off comes again, and whoever was inside stays who they were.
    let peace = storm(&site, people.iter().cloned(), None).await;
    assert_eq!(peace.cut_off, BTreeSet::new());
    // One seat is held for the Primary Owner.
    assert_eq!(peace.inside.len(), premium + standard - 1);
    assert_eq!(inside.difference(&peace.inside).collect::<Vec<_>>(), Vec::<&String>::new());
    let ids = assert_sound(&site, &peace.inside, &ids).await;
    assert_eq!(ids.into_keys().collect::<BTreeSet<_>>(), peace.inside);
}

/// Looks into the database of a server that is down. `inside`: who saw the app. `before`: who was a member at the last look.
async fn assert_sound(site: &Site, inside: &BTreeSet<String>, before: &BTreeMap<String, MemberId>) -> BTreeMap<String, MemberId> {
    let books = site.books().await;
    assert_eq!(books.faults, Vec::<String>::new());
    let members: BTreeMap<String, MemberId> = books.members.iter().map(|(name, member)| (name.clone(), member.id)).collect();
    assert_eq!(members.len(), books.members.len(), "someone is a member twice");
    let lost: Vec<_> = inside.iter().filter(|name| !members.contains_key(*name)).collect();
    assert!(lost.is_empty(), "saw the app and are no members: {lost:?}");
    assert!(before.iter().all(|(name, id)| members.get(name) == Some(id)), "a member became another");
    // Everyone has one seat, and the lower tier is used only when the higher is full. The Primary Owner's invite holds one more.
    assert!(books.members.iter().all(|(_, member)| member.seat.is_some()));
    let used: u32 = books.seats.iter().map(|seat| seat.used).sum();
    assert_eq!(usize::try_from(used).unwrap(), members.len() + 1);
    assert!(books.seats.iter().all(|seat| seat.used <= seat.owned), "{:?}", books.seats);
    assert!(books.seats[1].used == 0 || books.seats[0].free() == 0, "{:?}", books.seats);
    members
}

#[tokio::test]
async fn row_35_of_100_people_who_come_at_once_for_one_seat_exactly_one_gets_in() {
    let site = Site::new(1, 1);
    let mut server = site.serve().await;
    let people: Vec<Person> = (0..100).map(|number| Person::new(&site, &format!("p{number}"))).collect();
    let ready: Vec<_> =
        iter(people).map(|mut person| async move { (person.arrive_signed().await.unwrap(), person) }).buffered(AT_ONCE).collect().await;
    let saw = join_all(ready.iter().map(|(step, person)| person.finish(step))).await;
    server.kill();

    let winners: Vec<&str> = ready.iter().zip(&saw).filter(|(_, saw)| **saw == Saw::App).map(|((_, person), _)| person.name()).collect();
    let told = saw.iter().filter(|saw| matches!(saw, Saw::Refusal { status: 403, page } if page.contains("no_seats_left"))).count();
    assert_eq!((winners.len(), told), (1, 99), "{winners:?}");
    let books = site.books().await;
    assert_eq!(books.faults, Vec::<String>::new());
    assert_eq!(books.members.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), winners);
    assert!(books.seats.iter().all(|seat| seat.free() == 0), "{:?}", books.seats);
    assert_eq!(books.waiting.len(), 99);
    assert!(books.waiting.iter().all(|attempt| attempt.reason == Reason::NoSeatsLeft));
}
