//! The rules for alerts, read and tried by Prometheus' own tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::child::need_file;

const PROMTOOL: &str = "/usr/bin/promtool";

pub(super) fn monitoring(file: &str) -> PathBuf {
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

#[test]
fn no_alert_is_left_out_of_the_tests() {
    let [rules, tests] = ["alerts.yml", "alerts.test.yml"].map(|file| std::fs::read_to_string(monitoring(file)).unwrap());
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 5, "{alerts:?}");
    let untried: Vec<_> = alerts.iter().filter(|alert| !tests.contains(&format!("alertname=\"{alert}\""))).collect();
    assert!(untried.is_empty(), "{untried:?}");
}
