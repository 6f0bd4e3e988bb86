//! `usher activity`, `usher export activity`, `usher session`, `usher admin link`, as their users run them.

use super::{Ended, Shell};

/// A database with a few lines in its log.
fn used() -> Shell {
    let shell = Shell::installed();
    assert_eq!(shell.run(&["apply", "org.toml"]).code, 0);
    for _ in 0..4 {
        assert_eq!(shell.run(&["admin", "link"]).code, 0);
    }
    shell
}

/// Changes the log behind Usher's back.
fn tamper(shell: &Shell, statement: &'static str) {
    rusqlite::Connection::open(shell.path("data/usher.db")).unwrap().execute_batch(statement).unwrap();
}

fn verify(shell: &Shell, noted: Option<&str>) -> Ended {
    let mut arguments = vec!["activity", "verify"];
    arguments.extend(noted.map(|noted| ["--noted", noted]).into_iter().flatten());
    shell.run(&arguments)
}

#[test]
fn an_unbroken_chain_ends_with_0_and_says_what_to_note() {
    let shell = used();
    let ended = verify(&shell, None);
    assert_eq!(ended.code, 0, "{ended:?}");
    let noted = ended.stdout.trim();
    assert!(noted.starts_with("5:") && noted.len() == 66, "{ended:?}");
    assert_eq!(verify(&shell, Some(noted)).code, 0);
}

#[test]
fn a_chain_that_is_broken_in_any_way_ends_with_4_and_the_first_broken_place() {
    let ways = [
        ("UPDATE audit SET actor = 'per_somebody' WHERE sequence = 3", "audit line 3 was changed after it was written"),
        ("DELETE FROM audit WHERE sequence = 3", "the audit log goes from line 2 to line 4"),
        ("UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 2", "audit line 2 was changed"),
        ("UPDATE audit SET reason = 'because' WHERE sequence = 4", "audit line 4 cannot be read any more"),
        ("UPDATE audit SET sequence = 9 WHERE sequence = 5", "the audit log goes from line 4 to line 9"),
        ("DELETE FROM audit WHERE sequence = 5", "the audit log ends with line 4, and line 5 was noted: its end was cut off"),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 1", "audit line 1 was changed after it was written"),
    ];
    for (statement, fault) in ways {
        let shell = used();
        let noted = verify(&shell, None).stdout.trim().to_owned();
        tamper(&shell, statement);
        let ended = verify(&shell, Some(&noted));
        assert_eq!(ended.code, 4, "{statement}: {ended:?}");
        assert!(ended.stderr.contains(fault), "{statement}: {ended:?}");
    }
}

/// Whoever can write the database can also work the hashes out: only a line that was noted elsewhere tells.
#[test]
fn a_log_that_was_written_anew_is_told_by_a_line_that_was_noted() {
    let (first, second) = (used(), used());
    let noted = verify(&first, None).stdout.trim().to_owned();
    let ended = verify(&second, Some(&noted));
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stderr.contains("audit line 5 is another one than was noted"), "{ended:?}");
}

#[test]
fn the_activity_is_read_in_sentences_and_filtered() {
    let shell = used();
    let ended = shell.run(&["activity"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(lines.len(), 5, "{ended:?}");
    assert!(
        lines[0].contains("The operator changed the settings") && lines[4].contains("The operator made a recovery link for "),
        "{ended:?}"
    );
    let some = shell.run(&["activity", "--event", "recovery", "--limit", "2", "--json"]);
    let entries: Vec<serde_json::Value> = some.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.iter().map(|entry| entry["sequence"].as_i64().unwrap()).collect::<Vec<_>>(), [4, 5]);
    assert!(some.stderr.contains("there are more: --limit"), "{some:?}");
    for wrong in [["activity", "--from", "yesterday"], ["activity", "--result", "maybe"], ["activity", "--reason", "because"]] {
        assert_eq!(shell.run(&wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(shell.run(&["activity", "--actor", "nobody@acme.example"]).code, 1);
}

#[test]
fn an_export_is_a_file_on_stdout_and_a_line_in_the_log() {
    let shell = used();
    let ended = shell.run(&["export", "activity", "--from", "2020-01-01"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("time,what,event,"), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 7, "a header, five lines and the export: {ended:?}");
    let again = shell.run(&["export", "activity", "--format", "ndjson", "--event", "activity.exported"]);
    assert_eq!(again.stdout.lines().count(), 3, "two exports and the statement: {again:?}");
}

#[test]
fn a_recovery_link_is_alone_on_stdout_and_for_administrators() {
    let shell = used();
    let ended = shell.run(&["admin", "link"]);
    assert!(ended.stdout.starts_with("http://auth.localhost:8080/recovery/"), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1);
    assert!(ended.stderr.contains("once") && ended.stderr.contains("Next: "), "{ended:?}");
    let nobody = shell.run(&["admin", "link", "--email", "nobody@acme.example"]);
    assert_eq!(nobody.code, 5, "{nobody:?}");
    assert!(nobody.stderr.contains("neither an administrator of acme nor its Primary Owner"), "{nobody:?}");
}

#[test]
fn sessions_in_the_memory_of_the_server_are_said_to_be_there() {
    let shell = used();
    for arguments in [&["session", "list"][..], &["session", "end", "--all"]] {
        let ended = shell.run(arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stderr.contains("in the memory of the running server"), "{ended:?}");
    }
    assert_eq!(shell.run(&["session", "end"]).code, 2, "it has to be said which");
}
