//! The least that a store has to do for a login, for comparison: find the person, write the rows that the login would, take the seat, add a line to the
//! log, all in one transaction that is durable. No decision, no chain, no history, nobody else's rights.

use std::path::Path;
use std::time::Instant;

use futures_util::future::try_join_all;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use crate::acme::Error;

/// Logins that share a commit of `SQLite`, as the store's do.
const BATCH: usize = 64;
/// Connections to `PostgreSQL`, each with one login at a time.
const CONNECTIONS: usize = 16;

/// What a round does: so many logins, the first ones of new people or of those who are there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) first: bool,
    pub(crate) logins: usize,
    /// People who are there, by the numbers of [`crate::comer::identity`].
    pub(crate) people: usize,
    pub(crate) organizations: usize,
}

/// What organizations are called when there are several.
pub(crate) fn organization_id(number: usize) -> String {
    if number == 0 { "acme".to_owned() } else { format!("acme{number}") }
}

impl Round {
    fn known(self, nth: usize) -> usize {
        nth.wrapping_mul(7_919) % self.people
    }

    fn subject(self, nth: usize) -> String {
        if self.first { format!("bare-{nth}") } else { format!("subject-{}", self.known(nth)) }
    }

    fn organization(self, nth: usize) -> String {
        organization_id(if self.first { nth } else { self.known(nth) } % self.organizations)
    }
}

/// The statements, which both databases understand, for one kind of connection.
macro_rules! login {
    ($name:ident, $connection:ty) => {
        async fn $name(connection: &mut $connection, round: Round, nth: usize, sequence: i64) -> Result<(), Error> {
            let (subject, organization) = (round.subject(nth), round.organization(nth));
            let known: Option<(String, String)> = sqlx::query_as(
                "SELECT member.person, member.id FROM link JOIN member ON member.person = link.person
                 WHERE link.connection = 'okta' AND link.subject = $1 AND member.organization = $2",
            )
            .bind(&subject)
            .bind(&organization)
            .fetch_optional(&mut *connection)
            .await?;
            let person = match &known {
                Some((person, member)) if !round.first => {
                    let update = sqlx::query("UPDATE member SET last_login_at = $2, last_groups_at = $2 WHERE id = $1");
                    update.bind(member).bind(1_800_000_000_000_000_i64 + sequence).execute(&mut *connection).await?;
                    person.clone()
                }
                None if round.first => {
                    let person = format!("per_bare{nth:028}");
                    let email = format!("{subject}@acme.example");
                    sqlx::query(
                        "INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
                         VALUES ($1, 'parent', $2, $2, $3, $3, 0, 1)",
                    )
                    .bind(&person)
                    .bind(&email)
                    .bind(&subject)
                    .execute(&mut *connection)
                    .await?;
                    sqlx::query("INSERT INTO link (id, person, connection, subject, created_at) VALUES ($1, $2, 'okta', $3, 1)")
                        .bind(format!("lnk_bare{nth:028}"))
                        .bind(&person)
                        .bind(&subject)
                        .execute(&mut *connection)
                        .await?;
                    sqlx::query(
                        "INSERT INTO member (id, person, organization, status, role, seat, seat_unassigned, primary_owner, last_login_at,
                             last_groups_at, joined_at, revision)
                         VALUES ($1, $2, $4, 'active', 'User', 'Standard', 0, 0, $3, $3, $3, 1)",
                    )
                    .bind(format!("mem_bare{nth:028}"))
                    .bind(&person)
                    .bind(1_800_000_000_000_000_i64 + sequence)
                    .bind(&organization)
                    .execute(&mut *connection)
                    .await?;
                    person
                }
                _ => return Err(format!("{subject} is {known:?}").into()),
            };
            sqlx::query(
                "INSERT INTO audit (sequence, id, at, event, actor, organization, target, reason, detail, origin, hash)
                 VALUES ($1, $2, $3, 'login.admitted', $4, $5, $4, 'ok_existing', '{}', '{}', '')",
            )
            .bind(sequence)
            .bind(format!("aud_bare{sequence:028}"))
            .bind(1_800_000_000_000_000_i64 + sequence)
            .bind(&person)
            .bind(&organization)
            .execute(&mut *connection)
            .await?;
            if round.first {
                // Last: whoever comes next waits for this row until the commit.
                sqlx::query("UPDATE seat SET used = used + 1 WHERE organization = $1 AND tier = 'Standard' AND used < owned")
                    .bind(&organization)
                    .execute(connection)
                    .await?;
            }
            Ok(())
        }
    };
}

login!(on_sqlite, SqliteConnection);
login!(on_postgres, PgConnection);

const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM audit";

/// Logins a second in a file, many to a commit.
pub(crate) async fn sqlite(file: &Path, round: Round) -> Result<f64, Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    let mut connection: SqliteConnection = options.connect().await?;
    let (last,): (i64,) = sqlx::query_as(LAST).fetch_one(&mut connection).await?;
    let started = Instant::now();
    for begin in (0..round.logins).step_by(BATCH) {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
        for nth in begin..round.logins.min(begin + BATCH) {
            on_sqlite(&mut connection, round, nth, last + 1 + i64::try_from(nth)?).await?;
        }
        sqlx::query("COMMIT").execute(&mut connection).await?;
    }
    Ok(rate(round, started))
}

/// Logins a second in a server, each with its own commit.
pub(crate) async fn postgres(url: &str, round: Round) -> Result<f64, Error> {
    let mut connections = try_join_all((0..CONNECTIONS).map(|_| PgConnection::connect(url))).await?;
    let first = connections.first_mut().ok_or("no connection")?;
    let (last,): (i64,) = sqlx::query_as(LAST).fetch_one(first).await?;
    let started = Instant::now();
    let callers = connections.into_iter().enumerate().map(|(caller, mut connection)| {
        tokio::spawn(async move {
            for nth in (caller..round.logins).step_by(CONNECTIONS) {
                let mut transaction = connection.begin().await?;
                on_postgres(&mut transaction, round, nth, last + 1 + i64::try_from(nth)?).await?;
                transaction.commit().await?;
            }
            Ok::<_, Error>(())
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await??;
    }
    Ok(rate(round, started))
}

#[expect(clippy::cast_precision_loss, reason = "a count of logins is small")]
fn rate(round: Round, started: Instant) -> f64 {
    round.logins as f64 / started.elapsed().as_secs_f64()
}
