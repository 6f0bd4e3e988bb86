//! Row 65: a mapped group that matched before and matches nobody now.

use jiff::SignedDuration;
use usher::core::{GroupClaim, Mode, PersonId, SeenLogin, gone_groups};
use uuid::Uuid;

use crate::support::facts::{now, organization};

/// Logins of these people with these groups, oldest first, a minute apart.
fn logins(all: &[(u128, &[&str])]) -> Vec<SeenLogin> {
    let login = |(minute, (person, groups)): (usize, &(u128, &[&str]))| SeenLogin {
        person: Some(PersonId::from_uuid(Uuid::from_u128(*person))),
        at: now() + SignedDuration::from_mins(i64::try_from(minute).unwrap()),
        groups: GroupClaim::from_values(*groups),
    };
    all.iter().enumerate().map(login).collect()
}

fn gone(all: &[(u128, &[&str])]) -> Vec<(String, String, usize)> {
    let found = gone_groups(&organization(Mode::Jit, true), logins(all));
    found.into_iter().map(|gone| (gone.label, gone.gives, gone.logins)).collect()
}

const EVERYONE: (u128, &[&str]) = (1, &["everyone"]);

#[test]
fn row_65_a_group_that_its_people_come_without_is_gone() {
    let mut all: Vec<(u128, &[&str])> = vec![(7, &["app-owners", "everyone"]), (8, &["app-owners-2026", "everyone"])];
    all.extend([EVERYONE; 8]);
    assert_eq!(gone(&all), [], "nobody who had it came again");
    all.push((7, &["app-owners-2026", "everyone"]));
    assert_eq!(gone(&all), [("app-owners".to_owned(), "Owner".to_owned(), 10)]);
    all.push((8, &["app-owners", "everyone"]));
    assert_eq!(gone(&all), [], "it is there again");
}

#[test]
fn row_65_a_few_logins_and_logins_without_a_claim_say_nothing() {
    let mut all: Vec<(u128, &[&str])> = vec![(7, &["app-owners"])];
    all.extend([(7, &["everyone"][..]); 9]);
    assert_eq!(gone(&all), [], "nine are not enough");
    let mut silent = logins(&all);
    silent.extend((0..20).map(|minute| SeenLogin {
        person: None,
        at: now() + SignedDuration::from_hours(1) + SignedDuration::from_mins(minute),
        groups: GroupClaim::Absent,
    }));
    assert_eq!(gone_groups(&organization(Mode::Jit, true), silent), []);
    assert_eq!(gone(&[EVERYONE; 30]), [], "never seen is another thing");
}

#[test]
fn row_65_where_groups_do_not_decide_none_is_missed() {
    let mut all: Vec<(u128, &[&str])> = vec![(7, &["app-owners"])];
    all.extend([(7, &["everyone"][..]); 12]);
    assert_eq!(gone(&all).len(), 1);
    assert_eq!(gone_groups(&organization(Mode::Manual, true), logins(&all)), []);
    assert_eq!(gone_groups(&organization(Mode::Jit, false), logins(&all)), []);
}
