//! The rules for alerts, read and tried by Prometheus' own tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::child::need_file;

const PROMTOOL: &str = "/usr/bin/promtool";

fn monitoring(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(file)
}

fn promtool(check: &[&str], file: &Path) {
    need_file(PROMTOOL, "prometheus");
    let output = Command::new(PROMTOOL).args(check).arg(file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn prometheus_takes_the_rules() {
    promtool(&["check", "rules", "--lint-fatal"], &monitoring("alerts.yml"));
}

#[test]
fn each_alert_fires_when_it_should_and_is_silent_when_it_should_not() {
    promtool(&["test", "rules"], &monitoring("alerts.test.yml"));
}

/// A panel whose query is malformed is empty.
#[test]
fn prometheus_takes_the_queries_of_the_dashboard() {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(monitoring("grafana.json")).unwrap()).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "5m")).collect();
    assert!(queries.len() > 10);
    let rules: Vec<Value> =
        queries.iter().enumerate().map(|(nth, query)| json!({ "record": format!("query{nth}"), "expr": query })).collect();
    // JSON is YAML.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, json!({ "groups": [{ "name": "dashboard", "rules": rules }] }).to_string()).unwrap();
    promtool(&["check", "rules"], file.path());
}

#[test]
fn no_alert_is_left_out_of_the_tests() {
    let [rules, tests] = ["alerts.yml", "alerts.test.yml"].map(|file| std::fs::read_to_string(monitoring(file)).unwrap());
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 5, "{alerts:?}");
    let untried: Vec<_> = alerts.iter().filter(|alert| !tests.contains(&format!("alertname=\"{alert}\""))).collect();
    assert!(untried.is_empty(), "{untried:?}");
}
