//! What is counted, and what must never be among it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use usher::clock::SystemClock;
use usher::core::RedisAddress;
use usher::store::ephemeral::redis::RedisStore;
use usher::store::ephemeral::sealed::{SealedStore, SealingKeys};
use usher::store::postgres::PostgresStore;

use crate::login::{DOORS, House};
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::installation::{CONNECTION, Installation, ORGANIZATION, Site};
use crate::support::oidc_house::{OTHER, OidcHouse};
use crate::support::op::{REMOVED, Reply};
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;

/// A connection whose provider is nowhere.
const PROVIDER: &str = r#"
[[connection]]
id = "okta"
protocol = "oidc"
domains = ["acme.example"]
issuer = "https://op.example"
client_id = "usher"
client_secret = "a-secret-of-some-length"
"#;

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

/// Without the count nothing would tell: the member is let in as ever.
#[tokio::test]
async fn whether_groups_came_lately_is_shown_and_who_is_let_in_without_is_counted() {
    let house = OidcHouse::open("").await;
    let of = |name: &str, more: &str| format!("usher_{name}{{connection=\"{CONNECTION}\"{more}}}");
    let healthy = of("groups_claim_healthy", "");
    let kept = of("login_notes_total", ",note=\"groups_kept_grace\"");
    assert_eq!(value(&house.usher, &healthy).await, None, "none came yet: perhaps none are sent, or none are needed");
    house.login(&mut Browser::new()).await;
    assert_eq!(value(&house.usher, &healthy).await, Some(1.0));
    assert_eq!(value(&house.usher, &kept).await, Some(0.0));
    house.next_day(|knobs| knobs.claims = json!({ "groups": REMOVED }));
    assert_eq!(value(&house.usher, &healthy).await, Some(0.0));
    house.login(&mut Browser::new()).await;
    assert_eq!(value(&house.usher, &kept).await, Some(1.0));
    assert_eq!(value(&house.usher, &of("logins_total", ",reason=\"ok_existing\"")).await, Some(1.0));
    assert_eq!(value(&house.usher, &healthy).await, Some(0.0), "nobody's groups came");
    let other = format!("usher_groups_claim_healthy{{connection=\"{OTHER}\"}}");
    assert_eq!(value(&house.usher, &other).await, None, "each connection has a claim of its own");
}

/// Its documents can be read, so the connection is up, and nobody comes in.
#[tokio::test]
async fn a_provider_that_leaves_logins_without_an_end_is_counted() {
    let house = OidcHouse::open("").await;
    house.op.set(|knobs| drop(knobs.replies.insert("token", Reply::Status(503))));
    house.login(&mut Browser::new()).await;
    let of = |name: &str, more: &str| format!("usher_{name}{{connection=\"{CONNECTION}\"{more}}}");
    assert_eq!(value(&house.usher, &of("logins_total", ",reason=\"provider_unreachable\"")).await, Some(1.0));
    assert_eq!(value(&house.usher, &of("connection_up", "")).await, Some(1.0));
}

/// That no groups come is as it should be where nobody asks for them.
#[tokio::test]
async fn groups_that_decide_nothing_are_not_shown_as_missing() {
    let org_toml = ORGANIZATION.replace("group_mappings = true", "group_mappings = false");
    let usher = Installation::with_organizations(Site::new(), &format!("{org_toml}\n{PROVIDER}"), Arc::new(SystemClock)).await;
    assert!(value(&usher, "usher_connection_up{connection=\"okta\"}").await.is_some());
    assert_eq!(value(&usher, "usher_groups_claim_healthy{connection=\"okta\"}").await, None);
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
async fn sessions_in_memory_and_answers_that_last_are_shown_while_there_are_any() {
    let house = House::open().await;
    let (sessions, streams) = ("usher_sessions_cached ", "usher_open_streams ");
    assert_eq!((value(&house.usher, sessions).await, value(&house.usher, streams).await), (Some(0.0), Some(0.0)));
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "/page", DOORS[0], "ada").await;
    assert!(house.usher.is_inside(&mut browser).await);
    assert!(value(&house.usher, sessions).await.unwrap() >= 1.0);
    let mut events = TcpStream::connect(house.usher.public_address()).await.unwrap();
    let cookies = browser.cookies("app.localhost").into_iter();
    let cookies = cookies.map(|name| format!("{name}={}", browser.cookie("app.localhost", &name).unwrap())).collect::<Vec<_>>().join("; ");
    let host = format!("app.localhost:{}", house.usher.site.port);
    events.write_all(&Ask::to(&host, "GET", "/events").header("Cookie", &cookies).bytes()).await.unwrap();
    while value(&house.usher, streams).await != Some(1.0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(events);
    while value(&house.usher, streams).await != Some(0.0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Requests whose session and member are at hand ask no store, and so wait for none.
#[tokio::test]
async fn what_logins_and_requests_waited_for_the_stores_is_counted() {
    let house = House::open().await;
    house.clock.pass(Duration::from_secs(1));
    let of = |operation: &str| format!("usher_store_duration_seconds_count{{store=\"database\",operation=\"{operation}\"}}");
    assert_eq!(value(&house.usher, &of("write_login")).await, Some(0.0));
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "/page", DOORS[0], "ada").await;
    assert_eq!(value(&house.usher, &of("read_login")).await, Some(1.0));
    assert_eq!(value(&house.usher, &of("write_login")).await, Some(1.0));
    let members = value(&house.usher, &of("read_member")).await.unwrap();
    assert!(members >= 1.0);
    for _ in 0..5 {
        assert!(house.usher.is_inside(&mut browser).await);
    }
    assert_eq!(value(&house.usher, &of("read_member")).await, Some(members));
    let text = house.usher.ops("/metrics").await.body;
    assert!(!text.contains("operation=\"ask\""), "the session store is memory here");
}

/// What is counted in the process has nothing to do with the database, and an alert about it is what everybody waits for.
#[tokio::test]
async fn without_the_database_its_numbers_are_left_out_and_all_others_come() {
    let mut postgres = Postgres::start().await;
    let store = PostgresStore::open(&postgres.create_database().await).await.unwrap();
    let usher = Installation::demo_on(Arc::new(store), Arc::new(SystemClock), |_| {}).await;
    postgres.execute("usher0", format!("INSERT INTO claim_health (connection, last_present_at) VALUES ('{}', 1)", DOORS[0])).await;
    let (up, door) = ("usher_store_up{store=\"database\"}", format!("{{connection=\"{}\"}}", DOORS[0]));
    let look = async || {
        let text = usher.ops("/metrics").await.body;
        let is_up = text.contains(&format!("{up} 1.0"));
        (is_up, text.contains(&format!("usher_groups_claim_healthy{door}")), text.contains("usher_seats_owned{"))
    };
    let without = async || {
        let asked = Instant::now();
        assert_eq!(look().await, (false, false, false));
        assert!(asked.elapsed() < Duration::from_secs(10), "Prometheus gives up after ten seconds");
        assert_eq!(value(&usher, &format!("usher_connection_up{door}")).await, Some(1.0));
    };
    assert_eq!(look().await, (true, true, true));
    postgres.signal_all("STOP");
    without().await;
    postgres.signal_all("CONT");
    while look().await != (true, true, true) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    postgres.kill();
    without().await;
}

#[tokio::test]
async fn what_a_session_store_elsewhere_takes_is_counted() {
    let redis = Redis::start().await;
    let inner = RedisStore::new(&RedisAddress::parse(&redis.url()).unwrap()).unwrap();
    let store = SealedStore::new(Arc::new(inner), SealingKeys::new([[7; 32].as_slice()].into_iter()));
    let usher = Installation::start_on(Arc::new(store), Site::new(), PROVIDER, Arc::new(SystemClock)).await;
    let asked = "usher_store_duration_seconds_count{store=\"sessions\",operation=\"ask\"}";
    let before = value(&usher, asked).await.unwrap();
    usher.count_up("three", 3).await;
    assert!(value(&usher, asked).await.unwrap() >= before + 3.0);
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

/// What a file in docs/monitoring asks for, with quotes as in an alert.
fn monitoring(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(file);
    std::fs::read_to_string(path).unwrap().replace("\\\"", "\"")
}

/// The series that a query names, each with what stands in its braces.
fn selectors(text: &str) -> Vec<(&str, &str)> {
    let starts = text.match_indices("usher_").map(|(at, _)| &text[at..]);
    starts
        .map(|rest| {
            let (name, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len()));
            (name, rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside))
        })
        .collect()
}

/// The beginning or the whole of each label that fulfils a condition. All patterns here are words, with an end that does not matter or without.
fn conditions(inside: &str) -> Vec<String> {
    let parts = inside.split(',').filter_map(|part| part.trim().trim_end_matches('"').split_once('"'));
    let label = |label: &str, value: &str| {
        let label = label.trim_end_matches(['=', '~', '!']);
        value.strip_suffix(".*").map_or_else(|| format!("{label}=\"{value}\""), |start| format!("{label}=\"{start}"))
    };
    parts.flat_map(|(name, values)| values.split('|').map(move |value| label(name, value))).collect()
}

/// A dashboard or an alert that asks for a series which does not exist shows nothing, and nobody notices.
#[tokio::test]
async fn dashboard_and_alerts_ask_for_series_and_words_that_are_there() {
    let house = House::open().await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "/page", DOORS[0], "ada").await;
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!(browser.fetch(&house.usher.site.app("/drop")).await.status, 502, "the app hangs up");
    let text = house.usher.ops("/metrics").await.body;
    let known: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for file in ["grafana.json", "alerts.yml"] {
        let asked = monitoring(file);
        let selectors = selectors(&asked);
        assert!(selectors.len() > 8, "{file}");
        for (name, inside) in selectors {
            let family = ["_total", "_bucket", "_count", "_sum", "_info"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(known.contains(family), "{file}: {name} of {known:?}");
            for label in conditions(inside) {
                let is_there = |line: &str| line.starts_with(&format!("{name}{{")) && line.contains(&label);
                assert!(text.lines().any(is_there), "{file}: {name} with {label}");
            }
        }
    }
}
