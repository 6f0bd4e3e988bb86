//! What is counted, and what must never be among it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::login::{DOORS, House};
use crate::support::browser::Browser;
use crate::support::installation::Installation;

/// The value of one series, by its name with labels.
async fn value(usher: &Installation, series: &str) -> Option<f64> {
    let reply = usher.ops("/metrics").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.ends_with("# EOF\n"), "{}", reply.body);
    reply.body.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test]
async fn logins_are_counted_by_connection_and_reason() {
    let house = House::open().await;
    for _ in 0..2 {
        house.sign_in(&mut Browser::new(), "/page", DOORS[0], "ada").await;
    }
    house.sign_in(&mut Browser::new(), "/page", DOORS[0], "noah").await;
    let connection = DOORS[0];
    let logins = |reason: &str| format!("usher_logins_total{{connection=\"{connection}\",reason=\"{reason}\"}}");
    assert_eq!(value(&house.usher, &logins("ok_new")).await, Some(1.0));
    assert_eq!(value(&house.usher, &logins("ok_existing")).await, Some(1.0));
    assert_eq!(value(&house.usher, &logins("no_role_group")).await, Some(1.0));
}

/// Prometheus sees no increase in a count that it meets at 1.
#[tokio::test]
async fn a_count_of_logins_is_there_before_the_first_one() {
    let house = House::open().await;
    for connection in DOORS {
        for reason in ["ok_existing", "groups_claim_missing", "no_seats_left"] {
            let ended = format!("usher_logins_total{{connection=\"{connection}\",reason=\"{reason}\"}}");
            assert_eq!(value(&house.usher, &ended).await, Some(0.0), "{reason}");
        }
        let noted = format!("usher_login_notes_total{{connection=\"{connection}\",note=\"groups_kept_grace\"}}");
        assert_eq!(value(&house.usher, &noted).await, Some(0.0));
    }
    let note = format!("usher_logins_total{{connection=\"{}\",reason=\"groups_kept_grace\"}}", DOORS[0]);
    assert_eq!(value(&house.usher, &note).await, None, "no login ends with it");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_by_what_became_of_them() {
    let house = House::open().await;
    // What was looked at in the moment in which the settings were read is looked at again.
    house.clock.pass(Duration::from_secs(1));
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "/page", DOORS[0], "ada").await;
    assert!(house.usher.is_inside(&mut browser).await);
    assert!(!house.usher.is_inside(&mut Browser::new()).await);
    let count = "usher_proxy_request_duration_seconds_count{route=\"app.localhost\"}";
    assert_eq!(value(&house.usher, count).await, Some(2.0));
    let refused = "usher_proxy_refused_total{route=\"app.localhost\",reason=\"sign_in\"}";
    assert_eq!(value(&house.usher, refused).await, Some(2.0), "the browser that was sent to sign in, and the one without a session");
    assert!(value(&house.usher, "usher_session_lookups_total{result=\"hit\"}").await.unwrap() >= 1.0);
}

#[tokio::test]
async fn seats_and_stores_are_shown() {
    let house = House::open().await;
    house.sign_in(&mut Browser::new(), "/page", DOORS[0], "ada").await;
    assert_eq!(value(&house.usher, "usher_store_up{store=\"database\"}").await, Some(1.0));
    assert_eq!(value(&house.usher, "usher_store_up{store=\"sessions\"}").await, Some(1.0));
    assert!(value(&house.usher, "usher_store_ping_seconds{store=\"database\"}").await.is_some());
    assert!(value(&house.usher, "usher_seats_used{organization=\"acme\",tier=\"Premium\"}").await.unwrap() >= 1.0);
    assert_eq!(value(&house.usher, &format!("usher_connection_up{{connection=\"{}\"}}", DOORS[0])).await, Some(1.0));
}

#[tokio::test]
async fn nothing_in_the_metrics_names_a_person_a_path_or_an_address() {
    let house = House::open().await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "/a-path-of-ada?with=query", DOORS[0], "ada").await;
    let text = house.usher.ops("/metrics").await.body;
    for secret in ["ada", "acme.example", "a-path-of", "127.0.0.1\"", "per_", "mem_", "ses_"] {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(secret) && !line.contains("upstream=")).collect();
        assert!(lines.is_empty(), "{secret}: {lines:?}");
    }
}

/// A dashboard or an alert that asks for a series which does not exist shows nothing, and nobody notices.
#[tokio::test]
async fn dashboard_and_alerts_ask_for_series_that_are_there() {
    let house = House::open().await;
    house.sign_in(&mut Browser::new(), "/page", DOORS[0], "ada").await;
    house.usher.is_inside(&mut Browser::new()).await;
    let text = house.usher.ops("/metrics").await.body;
    let known: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for file in ["grafana.json", "alerts.yml"] {
        let asked = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(file)).unwrap();
        let words = asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("usher_"));
        let names: BTreeSet<&str> = words
            .map(|word| ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word))
            .collect();
        assert!(names.len() > 3, "{file}");
        let unknown: Vec<_> = names.iter().filter(|name| !known.contains(**name)).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?} of {known:?}");
    }
    serde_json::from_str::<serde_json::Value>(
        &std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring/grafana.json")).unwrap(),
    )
    .unwrap();
}
