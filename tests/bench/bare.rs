//! The least that a store has to do for a login, for comparison: find the person, write the rows that the login would, take the seat, add a line to the
//! log, all in one transaction that is durable. No decision, no chain, no history, nobody else's rights.

use std::path::Path;
use std::time::Instant;

use futures_util::future::try_join_all;
use rusqlite::OptionalExtension as _;
use sqlx::{Connection as _, PgConnection};

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

/// The statements, which both databases understand.
const FIND: &str = "SELECT member.person, member.id FROM link JOIN member ON member.person = link.person
    WHERE link.connection = 'okta' AND link.subject = $1 AND member.organization = $2";
const UPDATE: &str = "UPDATE member SET last_login_at = $2, last_groups_at = $2 WHERE id = $1";
const PERSON: &str = "INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
    VALUES ($1, 'parent', $2, $2, $3, $3, 0, 1)";
const LINK: &str = "INSERT INTO link (id, person, connection, subject, created_at) VALUES ($1, $2, 'okta', $3, 1)";
const MEMBER: &str = "INSERT INTO member (id, person, organization, status, role, seat, seat_unassigned, primary_owner, last_login_at,
        last_groups_at, joined_at, revision)
    VALUES ($1, $2, $3, 'active', 'User', 'Standard', 0, 0, $4, $4, $4, 1)";
const AUDIT: &str = "INSERT INTO audit (sequence, id, at, event, actor, organization, target, reason, detail, origin, hash)
    VALUES ($1, $2, $3, 'login.admitted', $4, $5, $4, 'ok_existing', '{}', '{}', '')";
/// Last: whoever comes next waits for this row until the commit.
const SEAT: &str = "UPDATE seat SET used = used + 1 WHERE organization = $1 AND tier = 'Standard' AND used < owned";
const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM audit";

/// What is written for a login.
struct Login {
    subject: String,
    organization: String,
    person: String,
    member: String,
    link: String,
    line: String,
    email: String,
    sequence: i64,
    at: i64,
}

impl Login {
    fn new(round: Round, nth: usize, sequence: i64) -> Self {
        let subject = round.subject(nth);
        let id = |kind: &str| format!("{kind}_bare{nth:028}");
        Self {
            organization: round.organization(nth),
            person: id("per"),
            member: id("mem"),
            link: id("lnk"),
            line: format!("aud_bare{sequence:028}"),
            email: format!("{subject}@acme.example"),
            subject,
            sequence,
            at: 1_800_000_000_000_000 + sequence,
        }
    }

    fn unexpected(&self, known: Option<&(String, String)>) -> Error {
        format!("{} is {known:?}", self.subject).into()
    }
}

async fn on_postgres(connection: &mut PgConnection, first: bool, login: Login) -> Result<(), Error> {
    let Login { subject, organization, person, member, link, line, email, sequence, at } = &login;
    let known: Option<(String, String)> = sqlx::query_as(FIND).bind(subject).bind(organization).fetch_optional(&mut *connection).await?;
    let person = match &known {
        Some((person, member)) if !first => {
            sqlx::query(UPDATE).bind(member).bind(at).execute(&mut *connection).await?;
            person
        }
        None if first => {
            sqlx::query(PERSON).bind(person).bind(email).bind(subject).execute(&mut *connection).await?;
            sqlx::query(LINK).bind(link).bind(person).bind(subject).execute(&mut *connection).await?;
            sqlx::query(MEMBER).bind(member).bind(person).bind(organization).bind(at).execute(&mut *connection).await?;
            person
        }
        _ => return Err(login.unexpected(known.as_ref())),
    };
    sqlx::query(AUDIT).bind(sequence).bind(line).bind(at).bind(person).bind(organization).execute(&mut *connection).await?;
    if first {
        sqlx::query(SEAT).bind(organization).execute(connection).await?;
    }
    Ok(())
}

fn on_sqlite(connection: &rusqlite::Connection, first: bool, login: &Login) -> Result<(), Error> {
    let Login { subject, organization, person, member, link, line, email, sequence, at } = login;
    let known: Option<(String, String)> =
        connection.prepare_cached(FIND)?.query_row((subject, organization), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let person = match &known {
        Some((person, member)) if !first => {
            connection.prepare_cached(UPDATE)?.execute((member, at))?;
            person
        }
        None if first => {
            connection.prepare_cached(PERSON)?.execute((person, email, subject))?;
            connection.prepare_cached(LINK)?.execute((link, person, subject))?;
            connection.prepare_cached(MEMBER)?.execute((member, person, organization, at))?;
            person
        }
        _ => return Err(login.unexpected(known.as_ref())),
    };
    connection.prepare_cached(AUDIT)?.execute((sequence, line, at, person, organization))?;
    if first {
        connection.prepare_cached(SEAT)?.execute([organization])?;
    }
    Ok(())
}

/// Logins a second in a file, many to a commit.
pub(crate) fn sqlite(file: &Path, round: Round) -> Result<f64, Error> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    let last: i64 = connection.query_row(LAST, (), |row| row.get(0))?;
    let started = Instant::now();
    for begin in (0..round.logins).step_by(BATCH) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for nth in begin..round.logins.min(begin + BATCH) {
            on_sqlite(&connection, round.first, &Login::new(round, nth, last + 1 + i64::try_from(nth)?))?;
        }
        connection.execute_batch("COMMIT")?;
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
                on_postgres(&mut transaction, round.first, Login::new(round, nth, last + 1 + i64::try_from(nth)?)).await?;
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
