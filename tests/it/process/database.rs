//! PostgreSQL as an operator has it elsewhere: a password, and a certificate of an authority of their own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Files, Node, ada, org_toml};
use crate::support::certificates::Certificates;
use crate::support::echo::Echo;
use crate::support::installation::Site;
use crate::support::port::free_port;
use crate::support::postgres::Postgres;

const PASSWORD: &str = "planted p@ss/w:rd%?+ö";
const WRONG: &str = "planted-wrong-password";

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// What `usher serve` says when it does not start, with this address in a file.
fn serve(folder: &Path, files: &Files<'_>, database: &str) -> Output {
    let place = folder.join("database.secret");
    std::fs::write(&place, database).unwrap();
    std::fs::write(folder.join("usher.toml"), files.usher_toml()).unwrap();
    std::fs::write(folder.join("org.toml"), org_toml("")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("serve").current_dir(folder).env_clear().stdin(Stdio::null()).output().unwrap()
}

#[tokio::test]
async fn a_password_over_tls_opens_the_database_and_another_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let (app, server) = (Echo::start().await, Postgres::start_behind_tls(&certificates, "scram-sha-256").await);
    server.execute("postgres", format!("ALTER ROLE gateway PASSWORD '{PASSWORD}'")).await;
    let kept = "SELECT left(rolpassword, 14), count(*) FROM pg_authid WHERE rolname = 'gateway' GROUP BY 1";
    assert_eq!(server.numbers("postgres", kept).await, [("SCRAM-SHA-256$".to_owned(), 1)]);
    let url = server.create_database().await;
    let address = |password: &str, ca: &Path| {
        let url = url.replace("gateway@", &format!("gateway:{}@", encoded(password)));
        format!("{url}?sslmode=verify-full&sslrootcert={}", ca.display())
    };

    let secret = folder.path().join("database.secret");
    let port = free_port();
    let top = format!("database = \"file:{}\"", secret.display());
    let more = "[log]\nlevel = \"info,usher=debug,sqlx=debug\"\n";
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: &top, server: "", more };
    std::fs::write(&secret, address(PASSWORD, &certificates.ca)).unwrap();
    let mut node = Node::start(&files, &org_toml("")).await;
    ada(&Site { port }).await;
    let open = "SELECT CASE WHEN ssl THEN 'tls' ELSE 'plain' END, count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE usename = 'gateway' GROUP BY 1";
    let open = server.numbers("postgres", open).await;
    assert!(matches!(&open[..], [(way, _)] if way == "tls"), "{open:?}");
    node.stop().await;
    let mut said = vec![node.log()];

    for (what, database, words) in [
        ("another password", address(WRONG, &certificates.ca), "password authentication failed for user \"gateway\""),
        ("no password", address("", &certificates.ca), "password"),
        ("a certificate of somebody else", address(PASSWORD, &certificates.other_ca), "certificate"),
        ("another name", address(PASSWORD, &certificates.ca).replace("127.0.0.1", "localhost"), "certificate"),
        ("no such file", address(PASSWORD, Path::new("/nowhere/ca.pem")), "/nowhere/ca.pem"),
        ("no TLS", address(PASSWORD, &certificates.ca).replace("verify-full", "disable"), "pg_hba.conf rejects connection"),
    ] {
        let output = serve(folder.path(), &files, &database);
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(!output.status.success() && text.contains(words), "{what}: {text}");
        said.push(text);
    }
    for text in said {
        for secret in [PASSWORD, WRONG, &encoded(PASSWORD), "planted"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
