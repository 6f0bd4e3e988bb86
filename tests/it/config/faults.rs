//! How faults look: the pictures below are what an operator sees.

use super::{Folder, ORG, SMALLEST, org_findings, process_faults};

#[test]
fn all_faults_are_shown_at_once_with_a_pointer_and_a_suggestion() {
    insta::assert_snapshot!(process_faults(
        r#"
public_url = "http://auth.acme.example"
database   = "postgres://usher:hunter2@db"
[sesion]
idle_timeout = "8h"
[session]
idle_timeout = "soon"
lifetime     = 12
[[route]]
host     = "https://app.acme.example"
upstream = ["https://127.0.0.1:3000", "http://169.254.169.254/"]
allow    = "member"
"#
    ));
}

#[test]
fn all_faults_of_an_organization_are_shown_at_once() {
    insta::assert_snapshot!(org_findings(
        r#"
[[domain]]
name = "acme.example"
verified = "operator"

[[connection]]
id       = "okta"
protocol = "saml"
domains  = ["acme.exmaple"]
issuer   = "https://idp.acme.example"

[[connection]]
id         = "entra"
protocol   = "oidc"
issuer     = "http://idp.acme.example"
client_id  = "usher"
algorithms = ["HS256", "none", "RS265"]

[[organization]]
id           = "Acme Inc."
plan         = "team"
provisioning = "scim"
default_role = "user"
seat_tiers   = [{ name = "Premium", seats = -1 }]
primary_owner = "olivia@gmail.example"
[organization.role_mappings]
"Primary Owner" = ["ceo"]
Amdin = ["app-admins"]
[organization.seat_mappings]
Standard = ["design"]
[organization.policy]
no_role_match = "default"
stale_after = "1 month"
seat_warn = 101
"#
    ));
}

#[test]
fn syntax_errors_do_not_hide_what_is_wrong_elsewhere() {
    insta::assert_snapshot!(process_faults(
        r#"
public_url = "https://auth.acme.example
data_dir = /var/lib/usher
[server]
listen = "everywhere"
"#
    ));
}

#[test]
fn a_secret_in_the_file_is_never_shown() {
    let text = ORG.replace("client_secret", "algorithms = [\"HS256\"]\nclient_id = \"twice\"\nclient_secret");
    let shown = org_findings(&text);
    assert!(shown.contains("U002") && !shown.contains("s3cret-of-entra"), "{shown}");
    let inline = "connection = [{ id = \"x\", client_secret = \"s3cret-of-entra\", algorithms = [\"none\"] }]";
    let shown = org_findings(inline);
    assert!(shown.contains("client_secret") && !shown.contains("s3cret-of-entra"), "{shown}");
}

#[test]
fn a_value_from_a_secret_place_is_never_shown() {
    let text = SMALLEST.replace("\"http://127.0.0.1:3000\"", "\"env:UPSTREAM\"");
    let folder = Folder::new().with("usher.toml", &text).env("UPSTREAM", "hunter2");
    let shown = folder.load().unwrap_err().render(false);
    assert!(shown.contains("env:UPSTREAM") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn colour_is_added_only_when_asked_for() {
    let faults = Folder::new().with("usher.toml", "x = 1").load().unwrap_err();
    assert!(!faults.render(false).contains('\u{1b}'));
    assert!(faults.render(true).contains('\u{1b}'));
}

#[test]
fn a_parameter_of_the_databases_address_is_named_unless_it_may_be_part_of_a_password() {
    for (query, named) in [
        ("channel_binding=s3cret", Some("`channel_binding`")),
        ("sslmode=require&connect_timeout=s3cret", Some("`connect_timeout`")),
        ("password=a&s3cret", None),
        ("s3cret&a@db.example/usher", None),
        ("s3%20cret=1", None),
    ] {
        let shown = process_faults(&SMALLEST.replace("[tls]", &format!("database = \"postgres://db.example/usher?{query}\"\n[tls]")));
        let sentence = shown.lines().find(|line| line.contains("U048")).unwrap();
        assert!(sentence.contains("a parameter that Usher does not know"), "{sentence}");
        assert!(!sentence.contains("s3"), "{sentence}");
        assert_eq!(named.is_some(), sentence.contains("know, `"), "{sentence}");
        assert!(named.is_none_or(|name| sentence.contains(name)), "{sentence}");
    }
}
