//! The audit log for people.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use serde_json::json;
use usher::admin::activity::{Entry, ExportFormat, Noted, events};
use usher::admin::{AdminError, Permission};
use usher::core::OrganizationId;
use usher::store::{ActivityFilter, AuditLine, NewAuditLine, RequestOrigin, audit_chain};

use super::{admin, operator, somebody, token};
use crate::store::fixtures::{acme, at, identity, newcomer, organization, settings};
use crate::support::gateway::Gateway;

/// Every event that the source writes: what stands in quotes and looks like one (`login.refused`), outside of the sentences themselves.
fn events_in_the_source() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("activity/sentence.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let literals = code.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
                found.extend(literals.filter(|text| is_event(text)).map(str::to_owned));
            }
        }
    }
    found
}

/// A subject, a dot, and what was done to it.
fn is_event(text: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let done = |verb: &str| ["ed", "sent", "kept", "undone"].iter().any(|ending| verb.ends_with(ending));
    text.split_once('.').is_some_and(|(subject, verb)| word(subject) && word(verb) && done(verb))
}

#[test]
fn every_event_that_is_written_is_known_by_name() {
    let known: BTreeSet<String> = events().iter().map(|event| (*event).to_owned()).collect();
    let written = events_in_the_source();
    assert!(written.contains("login.refused") && written.contains("login.admitted"), "the search works: {written:?}");
    let unknown: Vec<_> = written.difference(&known).collect();
    assert!(unknown.is_empty(), "src/admin/activity/sentence.rs has no sentence for {unknown:?}");
}

fn line(event: &str) -> AuditLine {
    AuditLine {
        id: usher::core::AuditId::from_uuid(uuid::Uuid::nil()),
        sequence: 1,
        at: at(0),
        event: event.to_owned(),
        actor: "per_a".to_owned(),
        organization: Some(acme()),
        target: Some("per_b".to_owned()),
        reason: None,
        detail: json!({}),
        origin: RequestOrigin::default(),
        hash: String::new(),
    }
}

#[test]
fn every_event_has_a_sentence_of_its_own_that_names_who() {
    let names = [("per_a".to_owned(), "Ada".to_owned()), ("per_b".to_owned(), "Bob".to_owned())].into();
    let mut seen = BTreeSet::new();
    for event in events() {
        let sentence = Entry::new(line(event), &names).sentence;
        let words = event.replace(['.', '_'], " ");
        assert!(sentence.ends_with('.') && !sentence.contains(&words) && !sentence.contains('_'), "{event}: {sentence}");
        assert!(sentence.contains("Ada") || sentence.contains("Bob"), "{event}: {sentence}");
        assert!(seen.insert(sentence.clone()), "{event} says what another one says: {sentence}");
    }
    assert_eq!(Entry::new(line("seat.polished"), &names).sentence, "Ada: seat polished (Bob).", "an event of a later version");
}

#[tokio::test]
async fn a_first_login_reads_as_one_sentence_with_what_changed() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", Some("Premium")).await;
    let page = admin(&gateway).list_activity(&operator(), &ActivityFilter::default(), None, 10).await.unwrap();
    let entry = &page.entries[0];
    assert_eq!(entry.sentence, "ada signed in for the first time and became a member through okta as Admin with a Premium seat.");
    let role = entry.changes.iter().find(|change| change.field == "member.role").unwrap();
    assert_eq!((role.before.as_deref(), role.after.as_deref()), (None, Some("Admin")));
    assert!(page.entries[1].sentence.starts_with("The operator changed the settings (parent added"), "{}", page.entries[1].sentence);
}

/// Two organizations under one parent, and who sees what of each.
#[tokio::test]
async fn lines_of_no_organization_are_for_those_who_administer_all() {
    let gateway = Gateway::start().await;
    let ada = gateway.join("ada", "Owner", None).await;
    let store = &gateway.members.store;
    let mut two = settings(5, 5);
    let theirs = OrganizationId::parse("theirs").unwrap();
    two.organizations.push(usher::core::Organization { id: theirs.clone(), ..organization(1, 1) });
    let sees = async |actor: usher::admin::Actor| {
        let page = admin(&gateway).list_activity(&actor, &ActivityFilter::default(), None, 100).await.unwrap();
        page.entries.into_iter().map(|entry| (entry.line.event, entry.line.organization)).collect::<Vec<_>>()
    };
    let admitted = ("login.admitted".to_owned(), Some(acme()));
    let applied = ("settings.applied".to_owned(), None);
    assert_eq!(sees(somebody(&ada)).await, [admitted.clone(), applied.clone()], "the only organization");
    let revision = store.find_settings().await.unwrap().unwrap().revision;
    store.save_settings(&two, Some(revision), "cli", at(1)).await.unwrap();
    let elsewhere = NewAuditLine {
        event: "session.ended",
        actor: "cli",
        organization: Some(&theirs),
        target: None,
        reason: None,
        detail: json!({}),
        origin: &RequestOrigin::default(),
        now: at(2),
    };
    store.record(elsewhere).await.unwrap();
    assert_eq!(sees(somebody(&ada)).await, vec![admitted.clone()], "Ada does not administer the other one");
    assert_eq!(sees(operator()).await, [applied.clone(), admitted.clone(), applied]);
    assert_eq!(sees(token(&[Permission::ActivityRead], "acme")).await, [admitted]);
    assert_eq!(sees(token(&[Permission::ActivityRead], "theirs")).await, [("session.ended".to_owned(), Some(theirs))]);
}

#[tokio::test]
async fn reading_needs_its_permission_and_a_place_that_exists() {
    let gateway = Gateway::start().await;
    let admin = admin(&gateway);
    let denied = admin.list_activity(&token(&[Permission::MembersRead], "acme"), &ActivityFilter::default(), None, 10).await;
    assert!(matches!(denied, Err(AdminError::NotAllowed(Permission::ActivityRead))), "{denied:?}");
    let nowhere = admin.list_activity(&operator(), &ActivityFilter::default(), Some(77), 10).await;
    assert!(matches!(nowhere, Err(AdminError::NoSuch(_))), "{nowhere:?}");
}

async fn exported(gateway: &Gateway, actor: &usher::admin::Actor, filter: ActivityFilter, format: ExportFormat) -> String {
    let export = admin(gateway).export_activity(actor, filter, format).await.unwrap();
    let pieces: Vec<_> = export.map(|piece| piece.unwrap().to_vec()).collect().await;
    String::from_utf8(pieces.concat()).unwrap()
}

#[tokio::test]
async fn a_spreadsheet_gets_every_line_and_computes_none() {
    let gateway = Gateway::start().await;
    let ada = gateway.join("ada", "Owner", None).await;
    let mut hostile = identity("jo");
    hostile.name = Some("=HYPERLINK(\"https://evil.example\")\r\n".to_owned());
    gateway.members.login(&hostile, &newcomer(&hostile, "User", None), at(1)).await;
    let text = exported(&gateway, &somebody(&ada), ActivityFilter::default(), ExportFormat::Csv).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().take(3).collect::<Vec<_>>(), ["time", "what", "event"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4, "export, two logins, settings: {text}");
    assert!(rows.iter().any(|row| &row[2] == "activity.exported"), "the export itself is a line");
    assert!(rows.iter().any(|row| &row[4] == "'=HYPERLINK(\"https://evil.example\")\r\n"), "{text}");
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])));
}

#[tokio::test]
async fn a_program_gets_lines_whose_hashes_it_can_work_out_and_a_statement() {
    let gateway = Gateway::start().await;
    for name in ["ada", "jo", "mia"] {
        gateway.join(name, "Owner", None).await;
    }
    let text = exported(&gateway, &operator(), ActivityFilter::default(), ExportFormat::Ndjson).await;
    let mut lines: Vec<&str> = text.lines().collect();
    let statement: serde_json::Value = serde_json::from_str(lines.pop().unwrap()).unwrap();
    let mut lines: Vec<AuditLine> = lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.reverse();
    assert_eq!(audit_chain::verify((0, audit_chain::FIRST), &lines), Ok((5, lines[4].hash.as_str())));
    assert_eq!(statement["statement"]["lines"], 5);
    assert_eq!(statement["statement"]["unbroken"], true);
    assert_eq!(statement["statement"]["newest"], json!({"sequence": 5, "hash": lines[4].hash}));
    let some = ActivityFilter { event: Some("login".to_owned()), ..ActivityFilter::default() };
    let text = exported(&gateway, &operator(), some, ExportFormat::Ndjson).await;
    let statement: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((text.lines().count(), &statement["statement"]["lines"]), (4, &json!(3)));
    let line = gateway.members.store.list_audit(0, 1000).await.unwrap().pop().unwrap();
    assert_eq!(line.detail, json!({"format": "ndjson", "filter": {"event": "login"}}), "what was exported is on record");
}

#[tokio::test]
async fn nobody_exports_what_they_may_not_read() {
    let gateway = Gateway::start().await;
    let stranger = token(&[Permission::MembersRead], "acme");
    let denied = admin(&gateway).export_activity(&stranger, ActivityFilter::default(), ExportFormat::Csv).await;
    assert!(matches!(denied.map(|_| ()), Err(AdminError::NotAllowed(Permission::ActivityRead))));
    assert_eq!(gateway.members.store.list_audit(0, 1000).await.unwrap().len(), 1, "nor is it on record");
    let theirs = exported(&gateway, &token(&[Permission::ActivityRead], "theirs"), ActivityFilter::default(), ExportFormat::Csv).await;
    assert_eq!(theirs.lines().count(), 2, "the header and the export: {theirs}");
}

#[tokio::test]
async fn the_chain_is_for_those_who_may_read_all_of_it() {
    let gateway = Gateway::start().await;
    let admin = admin(&gateway);
    let report = admin.verify_activity(&operator(), None, |_| {}).await.unwrap();
    assert_eq!((report.lines, report.fault), (1, None));
    let noted = Noted { sequence: 9, hash: "0".repeat(64) };
    let cut = admin.verify_activity(&operator(), Some(&noted), |_| {}).await.unwrap();
    assert_eq!(cut.fault.unwrap(), "the audit log ends with line 1, and line 9 was noted: its end was cut off");
    let other = admin.verify_activity(&token(&[Permission::ActivityRead], "theirs"), None, |_| {}).await;
    assert!(matches!(other, Err(AdminError::Refused { code: "whole_log", .. })), "{other:?}");
}
