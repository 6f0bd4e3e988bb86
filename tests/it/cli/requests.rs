//! `usher request`, over a database in which somebody was refused a moment ago.

use usher::clock::{Clock as _, SystemClock};

use super::Shell;
use super::people::signed_in_at;
use crate::config::ORG;

/// Jo and Mia wait for a yes.
fn waiting() -> Shell {
    let org = format!("{ORG}[organization.policy]\napprove_first_logins = true\n");
    signed_in_at(&org, &[("jo", &["everyone"]), ("mia", &["everyone", "design"])], SystemClock.now())
}

/// The request of somebody: which of two that came at the same moment is first, nobody says.
fn request_of(shell: &Shell, who: &str) -> String {
    let listed = shell.run(&["request", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let mut requests = list["requests"].as_array().unwrap().iter();
    let request = requests.find(|request| request.to_string().contains(&format!("{who}@acme.example"))).unwrap();
    request["id"].as_str().unwrap().to_owned()
}

fn requests(shell: &Shell) -> Vec<String> {
    let listed = shell.run(&["request", "list", "--json"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    let list: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    list["requests"].as_array().unwrap().iter().map(|request| request["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_waits_is_listed_and_let_in_with_what_fits() {
    let shell = waiting();
    let listed = shell.run(&["request", "list"]);
    assert_eq!(listed.stdout.lines().count(), 3, "{listed:?}");
    assert!(listed.stdout.contains("awaiting_approval") && listed.stderr.contains("2 requests; seats: "), "{listed:?}");
    let approved = shell.run(&["request", "approve", &request_of(&shell, "jo")]);
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(approved.stderr.contains("User with a Premium seat"), "{approved:?}");
    assert_eq!(requests(&shell).len(), 1);
    assert!(shell.run(&["member", "list"]).stdout.contains("jo@acme.example"));
}

#[test]
fn a_request_is_declined_or_blocked_once() {
    let shell = waiting();
    let (jo, mia) = (request_of(&shell, "jo"), request_of(&shell, "mia"));
    assert_eq!(shell.run(&["request", "decline", &jo, "--note", "Next year"]).code, 0);
    assert_eq!(shell.run(&["request", "block", &mia]).code, 0);
    assert_eq!(requests(&shell), Vec::<String>::new());
    for arguments in [&["request", "approve", jo.as_str()][..], &["request", "decline", &jo], &["request", "block", &mia]] {
        assert_eq!(shell.run(arguments).code, 1, "{arguments:?}");
    }
    assert_eq!(shell.run(&["request", "approve", "dec_1"]).code, 2);
    let activity = shell.run(&["activity", "--event", "request"]).stdout;
    assert!(activity.contains("declined the request of jo@acme.example: “Next year”") && activity.contains("blocked "), "{activity}");
}
