//! How people sign in, changed by hand: one person's subject, and the relink window of a connection (rows 50, 51).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::audit::{AuditEntry, append_audit};
use super::codec::{Columns as _, micros, stored_time};
use super::people::By;
use super::statement::Statement;
use super::{Connection, Stop, rows};
use crate::core::{ConnectionId, LinkId, MemberRow, OrganizationId, PersonId};
use crate::random;
use crate::store::{RequestOrigin, StoreError};

/// The longest window: long enough for a weekend's move, too short to be forgotten.
const LONGEST: SignedDuration = SignedDuration::from_hours(72);

/// What [`crate::store::Store::open_relink_window`] was asked, owned.
#[derive(Debug)]
pub(in crate::store) struct RelinkWindow {
    pub(in crate::store) connection: ConnectionId,
    pub(in crate::store) until: Timestamp,
    pub(in crate::store) actor: String,
    pub(in crate::store) now: Timestamp,
}

pub(in crate::store) async fn open_relink_window(conn: &mut Connection, window: RelinkWindow) -> Result<(), StoreError> {
    let RelinkWindow { connection, until, actor, now } = window;
    if until <= now || until.duration_since(now) > LONGEST {
        return Err(StoreError::Refused("a relink window ends within the next 72 hours".to_owned()));
    }
    let opened = Statement::new("UPDATE connection SET relink_open_until = $2 WHERE id = $1 AND removed_at IS NULL")
        .bind(connection.as_str())
        .bind(micros(stored_time(until)))
        .execute(&mut *conn)
        .await?;
    if opened == 0 {
        return Err(StoreError::Missing(format!("connection {connection}")));
    }
    let entry = AuditEntry {
        event: "connection.relink_window_opened".to_owned(),
        actor,
        organization: None,
        target: Some(connection.to_string()),
        reason: None,
        detail: json!({ "until": until }),
        origin: RequestOrigin::default(),
        now,
    };
    append_audit(conn, entry).await?;
    Ok(())
}

pub(super) async fn close_window(conn: &mut Connection, connection: &ConnectionId, by: &By) -> Result<(), Stop> {
    let closed = Statement::new("UPDATE connection SET relink_open_until = NULL WHERE id = $1 AND relink_open_until > $2")
        .bind(connection.as_str())
        .bind(micros(by.now))
        .execute(&mut *conn)
        .await?;
    if closed == 1 {
        let entry = AuditEntry {
            event: "connection.relink_window_closed".to_owned(),
            actor: by.actor.clone(),
            organization: None,
            target: Some(connection.to_string()),
            reason: None,
            detail: json!({}),
            origin: by.origin.clone(),
            now: by.now,
        };
        append_audit(conn, entry).await?;
    }
    Ok(())
}

/// Gives a person another subject; answers the one before. A subject that somebody else is known by stays theirs: the row exists once only.
pub(super) async fn relink(
    conn: &mut Connection,
    person: PersonId,
    connection: &ConnectionId,
    subject: &str,
    now: Timestamp,
) -> Result<Option<String>, Stop> {
    let links = Statement::new("SELECT id, subject FROM link WHERE person = $1 AND connection = $2")
        .bind(person.to_string())
        .bind(connection.as_str())
        .fetch_all(&mut *conn)
        .await?;
    match links.as_slice() {
        [] => {
            Statement::new("INSERT INTO link (id, person, connection, subject, created_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(LinkId::from_uuid(random::uuid(now)?).to_string())
                .bind(person.to_string())
                .bind(connection.as_str())
                .bind(subject)
                .bind(micros(now))
                .execute(conn)
                .await?;
            Ok(None)
        }
        [link] => {
            Statement::new("UPDATE link SET subject = $2 WHERE id = $1").bind(link.text("id")?).bind(subject).execute(conn).await?;
            Ok(Some(link.text("subject")?))
        }
        _ => Err(Stop::Lost),
    }
}

pub(super) async fn list_linked(
    conn: &mut Connection,
    organization: &OrganizationId,
    from: &ConnectionId,
    to: &ConnectionId,
) -> Result<Vec<(MemberRow, bool)>, StoreError> {
    let found = Statement::new(
        "SELECT member.*, person.id AS person_id, person.email, person.name, person.service_account,
             (SELECT count(*) FROM link WHERE link.person = person.id AND link.connection = $3) AS links_there
         FROM member JOIN person ON person.id = member.person
         WHERE member.organization = $1 AND member.status = 'active'
           AND EXISTS (SELECT 1 FROM link WHERE link.person = person.id AND link.connection = $2)
         ORDER BY COALESCE(person.email_folded, ''), member.id",
    )
    .bind(organization.as_str())
    .bind(from.as_str())
    .bind(to.as_str())
    .fetch_all(conn)
    .await?;
    found.iter().map(|row| Ok((rows::member_row(row)?, row.number("links_there")? > 0))).collect()
}
