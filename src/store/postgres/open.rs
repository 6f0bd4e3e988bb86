//! Addresses, limits, migrations.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, SqlStr};

use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// How long the start waits for the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Limits that the server keeps for us, also when we have gone away without a word.
const LIMITS: [(&str, &str); 3] = [("lock_timeout", "8s"), ("idle_in_transaction_session_timeout", "15s"), ("tcp_user_timeout", "15s")];

/// Every migration, in order. One that was released is never edited: a changed text is refused at opening.
///
/// Nodes of the version before run on while this one migrates, so a step takes away nothing that they ask for: it adds tables, and columns that are empty or
/// have a default, and it may replace an index by a better one. What nobody reads any more goes a version later.
fn migrator() -> Migrator {
    let migration = |version: i64, name: &'static str, text: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "facts", include_str!("../migrations/postgres/0001_facts.sql")),
        migration(2, "people", include_str!("../migrations/postgres/0002_people.sql")),
        migration(3, "reviews", include_str!("../migrations/postgres/0003_reviews.sql")),
        migration(4, "tokens", include_str!("../migrations/postgres/0004_tokens.sql")),
        migration(5, "activity", include_str!("../migrations/postgres/0005_activity.sql")),
        migration(6, "console", include_str!("../migrations/postgres/0006_console.sql")),
        migration(7, "roster", include_str!("../migrations/postgres/0007_roster.sql")),
        migration(11, "large", include_str!("../migrations/postgres/0011_large.sql")),
        migration(12, "fields", include_str!("../migrations/postgres/0012_fields.sql")),
        migration(13, "lighter", include_str!("../migrations/postgres/0013_lighter.sql")),
    ])
}

pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    // The error may quote the address, and with it the password.
    let parsed = PgConnectOptions::from_str(url).map_err(|_| unavailable("the address of the database cannot be read"))?;
    // Of what follows the question mark: a password may hold these letters as well.
    let says_mode = url.split_once('?').is_some_and(|(_, wishes)| wishes.split('&').any(|wish| wish.starts_with("sslmode=")));
    let parsed = if says_mode || is_here(parsed.get_host()) { parsed } else { parsed.ssl_mode(PgSslMode::VerifyFull) };
    // Statements go to the log at trace level only: their values are people's.
    Ok(parsed.application_name("usher").options(LIMITS).disable_statement_logging())
}

/// Whether the files that the address names can be read: the driver only says that one of them is missing, as if that were a fault of the network.
pub(super) fn check_files(url: &str) -> Result<(), StoreError> {
    let address = url::Url::parse(url).map_err(|_| unavailable("the address of the database cannot be read"))?;
    for (name, value) in address.query_pairs() {
        let is_file = matches!(name.as_ref(), "sslrootcert" | "ssl-root-cert" | "ssl-ca" | "sslcert" | "ssl-cert" | "sslkey" | "ssl-key");
        // What is no path is the text of a file itself, which may be a key.
        if is_file && !value.contains("-----BEGIN") {
            // And so may be what says nothing of itself.
            let shown = if value.starts_with(['/', '.']) { format!("{value}: ") } else { String::new() };
            std::fs::File::open(value.as_ref())
                .map_err(|error| unavailable(format!("{name} of the database's address: {shown}{error}")))?;
        }
    }
    Ok(())
}

/// A path is a socket of this machine.
fn is_here(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Brings the schema up to date, one node at a time: the migrator holds an advisory lock.
pub(super) async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await.map_err(unavailable)??;
    migrator().run_direct(None, &mut connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::Corrupt(format!(
            "the database was written by a newer version of Usher (it has step {version} of the schema); start that version"
        )),
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
            StoreError::Corrupt(format!("step {version} of the database's schema is not the one that this version of Usher knows"))
        }
        other => unavailable(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_has_to_prove_its_name_unless_the_address_says_otherwise() {
        for (url, verified) in [
            ("postgres://usher@db.example/usher", true),
            ("postgres://usher@192.0.2.1/usher?sslrootcert=/etc/ca.pem", true),
            ("postgres://usher:sslmode=disable@db.example/usher", true),
            ("postgres://usher@db.example/usher?application_name=sslmode=disable", true),
            ("postgres://usher@db.example/usher?sslmode=require", false),
            ("postgres://usher@localhost/usher", false),
            ("postgres://usher@127.0.0.2/usher", false),
            ("postgres://usher@localhost.evil.example/usher", true),
        ] {
            let mode = options(url).unwrap().get_ssl_mode();
            assert_eq!(matches!(mode, PgSslMode::VerifyFull), verified, "{url}: {mode:?}");
        }
    }

    #[test]
    fn a_file_that_is_missing_is_named_unless_it_may_be_the_key_itself() {
        for (value, shown) in [("/etc/missing.pem", true), ("./missing.pem", true), ("MIIEvQIBADANBgkqhkiG9w0", false)] {
            let StoreError::Unavailable(error) = check_files(&format!("postgres://db.example/usher?sslkey={value}")).unwrap_err() else {
                panic!()
            };
            let error = error.to_string();
            assert!(error.contains("sslkey") && error.contains(value) == shown, "{error}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_repeated() {
        let StoreError::Unavailable(error) = options("postgres://usher:secret@db.example:port/usher").unwrap_err() else { panic!() };
        assert!(!error.to_string().contains("secret"));
    }
}
