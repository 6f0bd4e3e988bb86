//! The dashboard, panel by panel: what Prometheus answers to it, once it has looked at an Usher in use.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use url::form_urlencoded::byte_serialize;

use super::alerts::monitoring;
use crate::support::ask::{Ask, Reply, exchange};
use crate::support::browser::Browser;
use crate::support::child::Server;
use crate::support::oidc_house::OidcHouse;
use crate::support::op::REMOVED;
use crate::support::port::free_port;

/// How long it may take until everything was seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Prometheus that looks several times a second.
struct Prometheus {
    _server: Server,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    async fn start(target: SocketAddr) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let scrape = json!([{ "job_name": "usher", "static_configs": [{ "targets": [target.to_string()] }] }]);
        // JSON is YAML.
        let config = json!({ "global": { "scrape_interval": "250ms", "scrape_timeout": "250ms" }, "scrape_configs": scrape });
        std::fs::write(directory.path().join("prometheus.yml"), config.to_string()).unwrap();
        let mut command = Command::new("prometheus");
        // Debian's own configuration and data are elsewhere.
        command.current_dir(directory.path()).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let server = Server::start(&mut command, "prometheus", port, &directory.path().join("log")).await;
        Self { _server: server, address: ([127, 0, 0, 1], port).into(), _directory: directory }
    }

    /// The series that answer a query now.
    async fn ask(&self, query: &str) -> Vec<Value> {
        let query: String = byte_serialize(query.as_bytes()).collect();
        // Of HTTP/1.0, so that the answer comes in one piece.
        let ask = format!("GET /api/v1/query?query={query} HTTP/1.0\r\n\r\n");
        let Reply { status, body, .. } = exchange(self.address, ask.as_bytes()).await;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        // 503 while it starts.
        assert!(status == 503 || answer["status"] == "success", "{query}: {status} {body}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until it has looked so often.
    async fn looks(&self, times: u32) {
        let (looks, began) = (format!("sum_over_time(up[1m]) >= {times}"), Instant::now());
        while self.ask(&looks).await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "it does not see Usher: {:?}", self.ask("up").await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What a panel asks, and how it names what comes.
struct Asked {
    panel: String,
    query: String,
    legend: String,
}

fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(monitoring("grafana.json")).unwrap()).unwrap()
}

fn asked() -> Vec<Asked> {
    let dashboard = dashboard();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            // Over so much time, all that the test does is one step of the graph.
            let query = text(&target["expr"]).replace("$__rate_interval", "1m");
            all.push(Asked { panel: text(&panel["title"]), query, legend: text(&target["legendFormat"]) });
        }
    }
    assert!(all.len() > 10);
    all
}

impl Asked {
    /// What is wrong with the answer: there must be something to draw, and every label that names it.
    fn fault(&self, series: &[Value]) -> Option<String> {
        let value = |one: &Value| one["value"][1].as_str().and_then(|value| value.parse::<f64>().ok());
        // What is not counted from the start has not grown either, for Prometheus; and without its last bucket a histogram has no quantile.
        if !series.iter().filter_map(value).any(|value| value.is_finite() && value > 0.0) {
            return Some(format!("nothing to draw: {series:?}"));
        }
        let labels = self.legend.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(label, _)| label.trim());
        let unnamed = labels.flat_map(|label| series.iter().filter(move |one| one["metric"][label].as_str().is_none_or(str::is_empty)));
        unnamed.map(|one| format!("no name in {one}")).next()
    }
}

/// Whatever a panel counts, done once: a login, one whose groups did not come, a stranger, another proxy's question, a logout, and a stream that is open as long
/// as what is returned is.
async fn use_everything(house: &OidcHouse) -> TcpStream {
    // Groups came, then they did not, and then they do again.
    house.login(&mut Browser::new()).await;
    house.next_day(|knobs| knobs.claims = json!({ "groups": REMOVED }));
    house.login(&mut Browser::new()).await;
    house.next_day(|_| {});
    let mut browser = Browser::new();
    house.login(&mut browser).await;
    house.usher.ask_to_sign_in(&mut browser).await;
    for _ in 0..3 {
        assert!(house.usher.is_inside(&mut browser).await);
    }
    assert!(!house.usher.is_inside(&mut Browser::new()).await);
    let cookies = browser.cookies("app.localhost").into_iter();
    let cookies = cookies.map(|name| format!("{name}={}", browser.cookie("app.localhost", &name).unwrap())).collect::<Vec<_>>().join("; ");
    let host = format!("app.localhost:{}", house.usher.site.port);
    let question = Ask::to("auth.localhost", "GET", "/forward-auth").header("Cookie", &cookies).header("X-Forwarded-Proto", "http");
    let question = question.header("X-Forwarded-Method", "GET").header("X-Forwarded-Host", &host).header("X-Forwarded-Uri", "/");
    let allowed = house.usher.public(question).await;
    assert_eq!(allowed.status, 200, "{allowed:?}");

    let mut second = Browser::new();
    house.login(&mut second).await;
    let account = second.open(&house.usher.site.auth("/")).await;
    second.submit(&account, account.form_to("/logout")).await;

    let mut events = TcpStream::connect(house.usher.public_address()).await.unwrap();
    events.write_all(&Ask::to(&host, "GET", "/events").header("Cookie", &cookies).bytes()).await.unwrap();
    events
}

/// A panel whose query is wrong, or asks for what nobody counts, is empty for ever, and nobody notices until they need it.
#[tokio::test]
async fn every_panel_draws_what_happened() {
    let house = OidcHouse::open_behind_a_proxy().await;
    let prometheus = Prometheus::start(house.usher.ops_address).await;
    // A count has grown when it was seen before and after.
    prometheus.looks(2).await;
    let _open = use_everything(&house).await;
    let (asked, began) = (asked(), Instant::now());
    loop {
        let mut faults = String::new();
        for one in &asked {
            if let Some(fault) = one.fault(&prometheus.ask(&one.query).await) {
                writeln!(faults, "{}: {}\n    {fault}", one.panel, one.query).unwrap();
            }
        }
        if faults.is_empty() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{faults}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What Grafana takes without a word and shows wrongly: two panels with one id or in one place, and a query that asks another data source than the chosen one.
#[test]
fn every_panel_has_a_place_of_its_own_and_asks_the_chosen_data_source() {
    let dashboard = dashboard();
    assert_eq!(dashboard["templating"]["list"][0]["name"], "datasource");
    let chosen = json!({ "type": "prometheus", "uid": "${datasource}" });
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: another one has its id");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= 24, "{title}: Grafana has 24 columns");
        for field in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(field), "{title}: another one is there");
        }
        let mut letters = BTreeSet::new();
        for target in panel["targets"].as_array().unwrap() {
            assert!(letters.insert(target["refId"].as_str().unwrap()), "{title}: two queries have one letter");
            assert_eq!(target["datasource"], chosen, "{title}");
        }
        assert_eq!(panel["datasource"], chosen, "{title}");
    }
}
