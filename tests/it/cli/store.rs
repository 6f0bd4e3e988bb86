//! The database as a whole.

use usher::store::postgres::PostgresStore;

use super::people::ada_and_noah;
use super::{Ended, Shell};
use crate::support::postgres::Postgres;

fn copy(shell: &Shell, from: &str, to: &str, url: &str) -> Ended {
    let output = shell.command(&["store", "copy", "--from", from, "--to", to]).env("USHER_DATABASE", url).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn execute(shell: &Shell, statement: &'static str) {
    rusqlite::Connection::open(shell.path("data/usher.db")).unwrap().execute_batch(statement).unwrap();
}

/// What a command says with the database at `url`.
fn said(shell: &Shell, url: &str, arguments: &[&str]) -> String {
    let output = shell.command(arguments).env("USHER__DATABASE", url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_store_is_copied_there_and_back() {
    let shell = ada_and_noah();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (server, url) = runtime.block_on(async {
        let server = Postgres::start().await;
        let url = server.create_database().await;
        (server, url)
    });
    let ended = copy(&shell, "sqlite", "env:USHER_DATABASE", &url);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("  member\n") && ended.stdout.contains("  audit\n"), "{ended:?}");
    assert!(ended.stderr.contains("Copied and compared"), "{ended:?}");
    for arguments in [&["member", "list"][..], &["member", "show", "ada@acme.example"], &["explain", "ada@acme.example"]] {
        let here = shell.run(arguments).stdout;
        assert!(!here.is_empty());
        assert_eq!(said(&shell, &url, arguments), here);
    }

    let database = url.rsplit('/').next().unwrap();
    let known =
        runtime.block_on(server.numbers(database, "SELECT relname::text, reltuples::bigint FROM pg_class WHERE relname = 'member'"));
    assert_eq!(known, [("member".to_owned(), 2)], "the server plans with what came");

    let again = copy(&shell, "sqlite", "env:USHER_DATABASE", &url);
    assert_eq!((again.code, again.stdout.as_str()), (5, ""), "{again:?}");
    assert!(again.stderr.contains("holds something already"), "{again:?}");

    let back = copy(&shell, "env:USHER_DATABASE", "sqlite:back/usher.db", &url);
    assert_eq!((back.code, &back.stdout), (0, &ended.stdout), "{back:?}");
    runtime.block_on(async { drop(server) });
}

/// A target of an operator's own making: something there changes what is written, or loses it. Every value counts, not only how many rows there are.
#[test]
fn a_copy_that_is_not_the_same_is_refused_and_leaves_nothing() {
    let shell = ada_and_noah();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Postgres::start());
    let url = runtime.block_on(async {
        let url = server.create_database().await;
        drop(PostgresStore::open(&url).await.unwrap());
        url
    });
    let database = url.rsplit_once('/').unwrap().1;
    let execute = |statement: String| runtime.block_on(server.execute(database, statement));
    for (table, what, difference) in [
        (
            "person",
            "IF NEW.email LIKE 'ada@%' THEN NEW.name := NEW.name || ' '; END IF; RETURN NEW;",
            "as many rows (2), but not the same values",
        ),
        ("link", "NEW.created_at := NEW.created_at + 1; RETURN NEW;", "as many rows (2), but not the same values"),
        ("seen_group", "IF NEW.value = 'design' THEN RETURN NULL; END IF; RETURN NEW;", "3 rows sent, 2 stored"),
    ] {
        execute(format!("CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what} END $$"));
        execute(format!("CREATE TRIGGER meddle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION meddle()"));
        let refused = copy(&shell, "sqlite", "env:USHER_DATABASE", &url);
        assert_eq!((refused.code, refused.stdout.as_str()), (5, ""), "{what}: {refused:?}");
        for said in [&format!("table {table} "), difference, "Nothing was kept", "trigger", "then copy again"] {
            assert!(refused.stderr.contains(said), "{what}: {refused:?}");
        }
        assert!(!refused.stderr.contains("Copied"), "{what}: {refused:?}");
        execute("DROP FUNCTION meddle CASCADE".to_owned());
        let ready = shell.command(&["member", "list"]).env("USHER__DATABASE", &url).output().unwrap();
        assert!(!ready.status.success(), "{what}: there is nothing that could be used by mistake: {ready:?}");
    }
    assert_eq!(copy(&shell, "sqlite", "env:USHER_DATABASE", &url).code, 0, "as empty as before");
    runtime.block_on(async { drop(server) });
}

#[test]
fn what_is_not_sound_is_not_copied_and_leaves_nothing() {
    let shell = ada_and_noah();
    execute(&shell, "UPDATE seat SET used = used + 1");
    let refused = copy(&shell, "sqlite", "sqlite:other/usher.db", "");
    assert_eq!((refused.code, refused.stdout.as_str()), (5, ""), "{refused:?}");
    assert!(refused.stderr.contains("counts"), "{refused:?}");
    execute(&shell, "UPDATE seat SET used = used - 1");
    assert_eq!(copy(&shell, "sqlite", "sqlite:other/usher.db", "").code, 0, "the target was left as it was: empty");
}

/// On a terminal, which `script` plays. Comparing takes a quarter of the time: whoever sees a full bar stand still for that long stops it.
#[test]
fn whoever_watches_a_copy_sees_how_far_it_is_and_that_it_compares() {
    let shell = ada_and_noah();
    execute(
        &shell,
        "INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
         SELECT 'per_' || printf('%032x', n), 'parent', NULL, NULL, 'Person', 'person', 0, n FROM numbers",
    );
    let command = format!("stty cols 100; {} store copy --from sqlite --to sqlite:other/usher.db", env!("CARGO_BIN_EXE_usher"));
    let mut script = std::process::Command::new("script");
    let output = script.args(["-qec", &command, "/dev/null"]).current_dir(shell.path("")).stdin(std::process::Stdio::null()).output();
    let output = output.expect("install bsdutils");
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{seen}");
    let mut rest = seen.as_str();
    // In this order, each drawn over the one before; what is left at the end is the result alone.
    for next in [" of 20,0", " rows, ", "left", "comparing 20,0", "\r\u{1b}[2K", "20002  person\r\n", "Copied and compared"] {
        let at = rest.find(next).unwrap_or_else(|| panic!("no {next:?} in {rest:?}, of {seen:?}"));
        rest = &rest[at + next.len()..];
    }
    assert!(!rest.contains('\u{1b}'), "{rest:?}");
}

#[test]
fn a_copy_says_what_is_wrong_with_its_ends() {
    let shell = Shell::installed();
    for (from, to, code, sentence) in [
        ("sqlite", "sqlite:other.db", 1, "there is no database"),
        ("sqlite", "sqlite", 2, "the same database"),
        ("mysql://host/db", "sqlite", 2, "not a database that Usher knows"),
        ("postgres://usher:hunter2@host", "sqlite", 2, "names no database"),
        ("env:NOWHERE", "sqlite", 2, "NOWHERE is not set"),
        ("postgres://usher@127.0.0.1:1/usher", "sqlite", 1, "cannot be used right now"),
    ] {
        let ended = copy(&shell, from, to, "");
        assert_eq!(ended.code, code, "{from}: {ended:?}");
        assert!(ended.stderr.contains(sentence) && !ended.stderr.contains("hunter2"), "{from}: {ended:?}");
    }
}
