//! Commands about people, over a database in which some have signed in.

use jiff::Timestamp;
use usher::core::provision::decide;
use usher::core::{ConnectionId, EmailAddress, GroupClaim, Identity, OrganizationId};
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, RequestOrigin, Store as _};

use super::Shell;
use crate::config::ORG;

const WITHOUT_OWNER: &str = "primary_owner = \"olivia@acme.example\"\n";

/// Settings applied, and these people signed in: name, groups.
fn signed_in(org: &str, people: &[(&str, &[&str])]) -> Shell {
    signed_in_at(org, people, "2026-03-01T09:00:00Z".parse().unwrap())
}

/// The same at another time.
pub(super) fn signed_in_at(org: &str, people: &[(&str, &[&str])], now: Timestamp) -> Shell {
    let shell = Shell::installed().with("org.toml", org);
    assert_eq!(shell.run(&["apply", "org.toml"]).code, 0);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let store = SqliteStore::open(&shell.path("data/usher.db")).await.unwrap();
        for (name, groups) in people {
            let identity = Identity {
                connection: ConnectionId::parse("entra").unwrap(),
                subject: format!("sub-{name}"),
                email: Some(EmailAddress::parse(&format!("{name}@acme.example")).unwrap()),
                name: Some(format!("\u{1b}[31m{name}")),
                groups: GroupClaim::from_values(*groups),
                idp_initiated: false,
            };
            let organization = OrganizationId::parse("acme").unwrap();
            let facts = store.load_facts(FactsQuery { organization: &organization, identity: &identity, now }).await.unwrap();
            let decision = decide(&facts, &identity, now);
            let origin = RequestOrigin::default();
            let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
            assert!(matches!(store.commit_login(commit).await.unwrap(), CommitOutcome::Committed(_)));
        }
    });
    shell
}

pub(super) fn ada_and_noah() -> Shell {
    signed_in(ORG, &[("ada", &["app-admins", "design"]), ("jo", &["everyone"]), ("noah", &[])])
}

#[test]
fn members_are_listed_without_what_a_terminal_would_obey() {
    let shell = ada_and_noah();
    let ended = shell.run(&["member", "list"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ended:?}");
    assert!(lines[0].starts_with("EMAIL") && lines[1].starts_with("ada@acme.example") && lines[1].contains("Admin"), "{ended:?}");
    assert!(!ended.stdout.contains('\u{1b}') && ended.stderr.contains("2 members"), "{ended:?}");
    assert_eq!(shell.run(&["member", "list", "ada"]).stdout.lines().count(), 2);
    assert!(shell.run(&["member", "list", "--limit", "1"]).stderr.contains("there may be more"));
    assert_eq!(shell.run(&["member", "list", "--organization", "other"]).code, 2);
}

#[test]
fn a_member_is_shown() {
    let shell = ada_and_noah();
    let ended = shell.run(&["member", "show", "ADA@acme.example"]);
    assert!(ended.stdout.contains("Premium") && ended.stdout.contains("mem_"), "{ended:?}");
    let rows: serde_json::Value = serde_json::from_str(&shell.run(&["member", "show", "ada@acme.example", "--json"]).stdout).unwrap();
    assert_eq!(rows[0]["member"]["role"], "Admin");
    assert_eq!(shell.run(&["member", "show", "nobody@acme.example"]).code, 1);
}

#[test]
fn a_role_is_explained_by_its_groups() {
    let ended = ada_and_noah().run(&["explain", "ada@acme.example"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Admin · Premium, because app-admins and design"), "{ended:?}");
}

#[test]
fn a_refusal_is_explained_too() {
    let shell = ada_and_noah();
    let ended = shell.run(&["explain", "noah@acme.example"]);
    assert!(ended.code == 0 && ended.stdout.contains("refused no_role_group, 1 time"), "{ended:?}");
    assert_eq!(shell.run(&["explain", "nobody@acme.example"]).code, 1);
}

#[test]
fn whatif_answers_for_members_and_strangers_and_writes_nothing() {
    let shell = ada_and_noah();
    let before = shell.run(&["member", "list", "--json"]).stdout;
    let whatif = |more: &[&str]| shell.run(&[&["whatif", "--connection", "entra"], more].concat());
    assert!(whatif(&["--groups", "app-owners"]).stdout.contains("ok_new"));
    assert!(whatif(&["--groups", "nothing-mapped"]).stdout.contains("no_role_group"));
    let jo = whatif(&["--groups", "app-admins", "--email", "jo@acme.example"]);
    assert!(jo.stdout.contains("ok_existing") && jo.stdout.contains("role: User becomes Admin"), "{jo:?}");
    assert!(whatif(&["--groups", "app-admins", "--email", "ada@evil.example"]).stdout.contains("domain_not_allowed"));
    assert_eq!(shell.run(&["whatif", "--connection", "okta"]).code, 2);
    assert_eq!(shell.run(&["member", "list", "--json"]).stdout, before);
}

#[test]
fn whatif_reads_a_token_and_says_that_it_is_no_login() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = r#"{"sub":"sub-jo","email":"jo@acme.example","groups":["app-admins"]}"#;
    let shell = ada_and_noah().with("token", &format!("{}.{}.x\n", part(r#"{"alg":"none"}"#), part(claims))).with("nonsense", "a.b.c");
    let before = shell.run(&["member", "list", "--json"]).stdout;
    let whatif = |more: &[&str]| shell.run(&[&["whatif", "--connection", "entra"], more].concat());
    let jo = whatif(&["--token", "token"]);
    assert!(jo.code == 0 && jo.stdout.contains("role: User becomes Admin") && jo.stderr.contains("NOT verified"), "{jo:?}");
    assert_eq!(whatif(&["--token", "nonsense"]).code, 1);
    assert_eq!(whatif(&["--token", "missing"]).code, 1);
    assert_eq!(whatif(&["--saml", "token"]).code, 2, "the connection speaks OpenID Connect");
    assert_eq!(whatif(&["--token", "token", "--groups", "a"]).code, 2);
    assert_eq!(shell.run(&["member", "list", "--json"]).stdout, before);
}

#[test]
fn a_review_names_who_would_change() {
    let people: [(&str, &[&str]); 3] = [("ada", &["app-admins", "design"]), ("kim", &["it-platform"]), ("jo", &["everyone"])];
    let shell = signed_in(ORG, &people)
        .with("org.toml", &ORG.replace("Admin = [\"app-admins\", ", "Admin = [").replace("\"everyone\"", "\"everyone\", \"app-admins\""));
    let review = shell.run(&["apply", "org.toml", "--dry-run"]);
    assert!(review.stdout.contains("ada@acme.example in acme: Admin · Premium -> User · Premium"), "{review:?}");
    assert!(!review.stdout.contains("jo@acme.example"), "{review:?}");
}

#[test]
fn a_change_that_would_leave_nobody_to_administer_is_refused() {
    let org = ORG.replace(WITHOUT_OWNER, "");
    let shell = signed_in(&org, &[("ada", &["app-admins"]), ("jo", &["everyone"])]);
    let before = shell.run(&["member", "list", "--json"]).stdout;
    for locked in [
        org.replace("\"app-admins\", ", ""),
        org.replace("User = [\"everyone\"]", "").replace("Admin = [\"app-admins\", \"it-platform\"]", "User = [\"app-admins\"]"),
        org.replace("id = \"entra\"", "id = \"entra\"\nenabled = false"),
    ] {
        let shell = Shell { folder: tempfile::tempdir().unwrap() }
            .with("usher.toml", &super::USHER.replace("\"data\"", &format!("{:?}", shell.path("data"))))
            .with("org.toml", &locked);
        let ended = shell.run(&["apply", "org.toml"]);
        assert_eq!(ended.code, 5, "{ended:?}");
        assert!(ended.stdout.contains("lockout: Nobody could administer Acme any more."), "{ended:?}");
    }
    assert_eq!(shell.run(&["member", "list", "--json"]).stdout, before);
    let shell = shell.with(
        "org.toml",
        &org.replace("\"app-admins\", ", "")
            .replace("[organization.role_mappings]", &format!("{WITHOUT_OWNER}[organization.role_mappings]")),
    );
    let owner = shell.run(&["apply", "org.toml"]);
    assert_eq!(owner.code, 0, "a new Primary Owner administers: {owner:?}");
}

#[test]
fn fewer_seats_than_are_in_use_is_said() {
    let shell = ada_and_noah().with("org.toml", &ORG.replace("seats = 20 ", "seats = 0 "));
    let review = shell.run(&["apply", "org.toml", "--dry-run"]);
    assert!(review.code == 0 && review.stdout.contains("Premium seats are in use and 0 would be owned"), "{review:?}");
}

#[test]
fn without_a_database_people_commands_say_what_makes_one() {
    let ended = Shell::installed().run(&["member", "list"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("usher apply org.toml"), "{ended:?}");
}

#[test]
fn seats_are_forecast_as_if_everyone_signed_in() {
    let shell = signed_in(ORG, &[("ada", &["app-admins", "design"]), ("mia", &["everyone", "design"]), ("jo", &["everyone"])]);
    let ended = shell.run(&["seat", "forecast"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["TIER", "OWNED", "NEEDED", "SHORT"], "{ended:?}");
    assert!(ended.stderr.contains("3 members and 0 who ask"), "{ended:?}");
    let json: serde_json::Value = serde_json::from_str(&shell.run(&["seat", "forecast", "--json"]).stdout).unwrap();
    assert_eq!(json["tiers"][0]["needed"].to_string(), lines[1][2], "{json}");
    assert_eq!(json["members"], 3);
}
