//! `usher apply`: the review, and the safeguards.

use super::Shell;
use crate::config::ORG;

fn review_of(stdout: &str) -> String {
    stdout.lines().next().unwrap().strip_prefix("review ").unwrap().to_owned()
}

#[test]
fn a_dry_run_reviews_and_writes_nothing() {
    let shell = Shell::installed();
    let first = shell.run(&["apply", "org.toml", "--dry-run"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stdout.contains("+ organization acme added") && first.stdout.contains("+ connection entra added"), "{first:?}");
    let second = shell.run(&["apply", "org.toml", "--dry-run"]);
    assert_eq!(first.stdout, second.stdout);
    assert!(shell.run(&["member", "list"]).stderr.contains("no settings yet"));
}

#[test]
fn only_what_was_reviewed_is_applied() {
    let shell = Shell::installed();
    let review = review_of(&shell.run(&["apply", "org.toml", "--dry-run"]).stdout);
    let shell = shell.with("org.toml", &ORG.replace("Premium = [\"design\"]", "Premium = [\"everyone\"]"));
    assert_eq!(shell.run(&["apply", "org.toml", "--expect", &review]).code, 5);
    let shell = shell.with("org.toml", ORG);
    let applied = shell.run(&["apply", "org.toml", "--expect", &review]);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(shell.run(&["apply", "org.toml", "--expect", &review]).code, 5, "the review was of another state");
}

#[test]
fn a_second_review_shows_the_difference_and_no_secret() {
    let shell = Shell::installed();
    assert_eq!(shell.run(&["apply", "org.toml"]).code, 0);
    let changed = ORG.replace("seats = 20 ", "seats = 30 ").replace("s3cret-of-entra", "another-s3cret");
    let shell = shell.with("org.toml", &changed);
    let review = shell.run(&["apply", "org.toml", "--dry-run"]);
    assert!(review.stdout.contains("~ organization acme changed") && review.stdout.contains("seat_tiers: "), "{review:?}");
    assert!(review.stdout.contains("client_secret") && !review.stdout.contains("s3cret"), "{review:?}");
    assert!(!review.stdout.contains("organization acme added"));
}

#[test]
fn a_review_for_programs_is_json() {
    let ended = Shell::installed().run(&["apply", "org.toml", "--dry-run", "--json"]);
    let review: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(review["review"].is_string() && review["lockouts"].as_array().unwrap().is_empty());
}

#[test]
fn an_org_file_with_faults_ends_with_3() {
    let shell = Shell::installed().with("org.toml", &ORG.replace("\"jit\"", "\"jti\""));
    let ended = shell.run(&["apply", "org.toml"]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("error[U010]") && ended.stdout.is_empty(), "{ended:?}");
}
