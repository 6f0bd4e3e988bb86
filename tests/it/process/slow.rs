//! Servers that answer, and late, under the real binary: what a login costs then, and what everybody is told.

use std::time::{Duration, Instant};

use super::outages::{House, People, assert_come_in_at_the_second_try, assert_not_now};
use super::{PATIENCE, send_answer, sign_in};
use crate::support::browser::Browser;
use crate::support::relay::Relay;

/// Late, and in time.
const LATE: Duration = Duration::from_millis(25);
/// Each answer in time, and too slow for what a login asks, one after the other.
const TOO_SLOW: Duration = Duration::from_secs(2);
/// Much longer than anybody waits for an answer, of whichever server.
const TOO_LATE: Duration = Duration::from_mins(1);
/// How long a person may wait for the answer that it does not work now: a few seconds of limits, and all that a busy machine adds. Whoever waited for one
/// answer without a limit would wait for longer.
const BOUND: Duration = Duration::from_secs(45);

/// The same within a limit.
async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, answer).await.expect("an answer in time")
}

/// Waits until these parts are not ready, and the others are; each time it is asked, the answer comes in time.
async fn until_not_ready(house: &House, parts: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    while in_time(house.readiness()).await != (503, parts.iter().map(ToString::to_string).collect()) {
        assert!(Instant::now() < deadline, "{}", house.node.log());
    }
}

#[tokio::test]
async fn slow_servers_make_a_login_late_and_too_slow_ones_make_it_wait_and_nobody_is_signed_out() {
    let (redis, postgres) = House::servers().await;
    let database = postgres.create_database().await;
    let (to_redis, to_postgres) = (Relay::start(redis.port()).await, Relay::start(postgres.port()).await);
    let sessions = to_redis.instead_of(redis.port(), &redis.url());
    let database = to_postgres.instead_of(postgres.port(), &database);
    let house = House::open_on(redis, postgres, &sessions, &database).await;
    let People { mut ada, mia: (mut mia, answer), bo: (mut bo, back) } = People::come(&house).await;

    to_redis.delay(LATE);
    to_postgres.delay(LATE);
    let began = Instant::now();
    assert_eq!(sign_in(&mut Browser::new(), &house.site, |draft| draft).await.status, 200);
    assert!(began.elapsed() > LATE * 20, "every answer was waited for: {:?}", began.elapsed());
    house.until_ready().await;

    to_postgres.delay(Duration::ZERO);
    to_redis.delay(TOO_LATE);
    until_not_ready(&house, &["sessions"]).await;
    assert_eq!(in_time(ada.visit(&house.site.app("/"))).await.status, 200, "whoever is known goes on");
    for door in ["/login", "/login/okta", "/login/op"] {
        assert_not_now(&in_time(Browser::new().visit(&house.site.auth(door))).await);
    }
    assert_not_now(&in_time(send_answer(&mut mia, &house.site, &answer)).await);
    assert_not_now(&in_time(bo.open(&back)).await);

    for slow in [TOO_SLOW, TOO_LATE] {
        to_postgres.delay(slow);
        assert_eq!(in_time(house.readiness()).await, (503, vec!["database".to_owned(), "sessions".to_owned()]));
    }
    assert_eq!(in_time(ada.visit(&house.site.app("/"))).await.status, 200);

    to_redis.delay(Duration::ZERO);
    until_not_ready(&house, &["database"]).await;
    assert_eq!(in_time(ada.visit(&house.site.app("/"))).await.status, 200);
    assert_not_now(&in_time(ada.visit(&house.site.auth("/admin/acme/members"))).await);
    // What Redis was asked too late has not been done to them: they are let as far as the database.
    assert_not_now(&in_time(send_answer(&mut mia, &house.site, &answer)).await);
    assert_not_now(&in_time(bo.open(&back)).await);

    to_postgres.delay(Duration::ZERO);
    house.until_ready().await;
    assert_eq!(ada.open(&house.site.auth("/admin/acme")).await.status, 200, "nobody was signed out");
    assert_come_in_at_the_second_try(&house, (mia, answer), (bo, back)).await;
}
