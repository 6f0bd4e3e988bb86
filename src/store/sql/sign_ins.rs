//! What the console tells about logins.

use async_trait::async_trait;
use jiff::Timestamp;
use strum::IntoEnumIterator as _;

use super::codec::{Columns as _, micros};
use super::facts::count_administrators;
use super::statement::Statement;
use super::{Backend, Connection, rows};
use crate::core::{ClaimHealth, ConnectionId, Identity, Organization, OrganizationId, Reason, SeenLogin};
use crate::store::{ConnectionState, LoginCount, LoginTrace, SeenGroup, SignIns, StoreError};

#[async_trait]
impl SignIns for Backend {
    async fn count_logins(&self, organization: &OrganizationId, since: Timestamp) -> Result<Vec<LoginCount>, StoreError> {
        self.within(async { count_logins(&mut *self.reader().await?, organization, since).await }).await
    }

    async fn count_administrators(&self, organization: &Organization) -> Result<u32, StoreError> {
        self.within(async { count_administrators(&mut *self.reader().await?, organization, &[]).await }).await
    }

    async fn find_connection_state(&self, organization: &OrganizationId, connection: &ConnectionId) -> Result<ConnectionState, StoreError> {
        self.within(async { find_connection_state(&mut *self.read().await?, organization, connection).await }).await
    }

    async fn list_claims(&self) -> Result<Vec<(ConnectionId, ClaimHealth)>, StoreError> {
        self.within(async { list_claims(&mut *self.reader().await?).await }).await
    }

    async fn list_login_traces(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        limit: u32,
    ) -> Result<Vec<LoginTrace>, StoreError> {
        self.within(async { list_login_traces(&mut *self.read().await?, organization, connection, limit).await }).await
    }

    async fn list_seen_logins(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        limit: u32,
    ) -> Result<Vec<SeenLogin>, StoreError> {
        self.within(async { list_seen_logins(&mut *self.reader().await?, organization, connection, limit).await }).await
    }

    async fn list_seen_groups(&self, connection: &ConnectionId, limit: u32) -> Result<Vec<SeenGroup>, StoreError> {
        self.within(async { list_seen_groups(&mut *self.reader().await?, connection, limit).await }).await
    }
}

async fn count_logins(conn: &mut Connection, organization: &OrganizationId, since: Timestamp) -> Result<Vec<LoginCount>, StoreError> {
    // One event and reason at a time, because all logins of a day are in one index then, and no other day's are looked at.
    let reasons = Reason::iter().map(|reason| format!("('{}')", reason.code())).collect::<Vec<_>>().join(", ");
    let statement = format!(
        "WITH events (event) AS (VALUES ('login.admitted'), ('login.refused')), reasons (reason) AS (VALUES {reasons}),
              counted AS (
                  SELECT event, reason, (SELECT count(*) FROM audit WHERE audit.organization = $1 AND audit.event = events.event
                      AND audit.reason = reasons.reason AND audit.reason IS NOT NULL AND audit.at >= $2) AS count
                  FROM events CROSS JOIN reasons)
         SELECT event, reason, count FROM counted WHERE count > 0 ORDER BY count DESC, reason"
    );
    let found = Statement::new(statement).bind(organization.as_str()).bind(micros(since)).fetch_all(conn).await?;
    let count = |row| -> Result<LoginCount, StoreError> {
        let row: &super::Row = row;
        let number = u64::try_from(row.number("count")?).unwrap_or_default();
        Ok(LoginCount { admitted: row.text("event")? == "login.admitted", reason: row.word("reason")?, count: number })
    };
    found.iter().map(count).collect()
}

async fn find_connection_state(
    conn: &mut Connection,
    organization: &OrganizationId,
    connection: &ConnectionId,
) -> Result<ConnectionState, StoreError> {
    let known = Statement::new(
        "SELECT connection.relink_open_until, claim_health.last_present_at FROM connection
         LEFT JOIN claim_health ON claim_health.connection = connection.id WHERE connection.id = $1",
    )
    .bind(connection.as_str())
    .fetch_optional(&mut *conn)
    .await?
    .ok_or_else(|| StoreError::Missing(format!("connection {connection}")))?;
    let success = Statement::new(
        "SELECT decision.at FROM decision JOIN audit ON audit.sequence = decision.audit
         WHERE decision.organization = $1 AND decision.connection = $2 AND audit.event = 'login.admitted'
         ORDER BY decision.audit DESC LIMIT 1",
    )
    .bind(organization.as_str())
    .bind(connection.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(ConnectionState {
        last_success_at: success.map(|row| row.time("at")).transpose()?,
        last_groups_at: known.maybe_time("last_present_at")?,
        relink_open_until: known.maybe_time("relink_open_until")?,
    })
}

async fn list_claims(conn: &mut Connection) -> Result<Vec<(ConnectionId, ClaimHealth)>, StoreError> {
    let found = Statement::new("SELECT connection, last_present_at FROM claim_health ORDER BY connection").fetch_all(conn).await?;
    found.iter().map(|row| Ok((row.parsed("connection")?, ClaimHealth { last_present_at: row.maybe_time("last_present_at")? }))).collect()
}

async fn list_login_traces(
    conn: &mut Connection,
    organization: &OrganizationId,
    connection: &ConnectionId,
    limit: u32,
) -> Result<Vec<LoginTrace>, StoreError> {
    let limit = i64::from(limit.clamp(1, 500));
    let decided = Statement::new(
        "SELECT decision.*, audit.id AS audit_id FROM decision JOIN audit ON audit.sequence = decision.audit
         WHERE decision.organization = $1 AND decision.connection = $2 ORDER BY decision.audit DESC LIMIT $3",
    )
    .bind(organization.as_str())
    .bind(connection.as_str())
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    let mut traces: Vec<LoginTrace> =
        decided.iter().map(|row| Ok(LoginTrace::Decided(rows::decision(row)?))).collect::<Result<_, StoreError>>()?;
    let refused = Statement::new(
        "SELECT * FROM audit WHERE target = $1 AND organization IS NULL AND event = 'login.refused' ORDER BY sequence DESC LIMIT $2",
    )
    .bind(connection.as_str())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    for row in &refused {
        let line = rows::audit_line(row)?;
        let code = line.detail.get("code").and_then(serde_json::Value::as_str).unwrap_or("auth_invalid").to_owned();
        traces.push(LoginTrace::Refused { at: line.at, code, incident: line.origin.incident });
    }
    traces.sort_by_key(|trace| std::cmp::Reverse(trace.at()));
    traces.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(traces)
}

async fn list_seen_logins(
    conn: &mut Connection,
    organization: &OrganizationId,
    connection: &ConnectionId,
    limit: u32,
) -> Result<Vec<SeenLogin>, StoreError> {
    let found = Statement::new(
        "SELECT person, at, identity FROM decision WHERE organization = $1 AND connection = $2 ORDER BY audit DESC LIMIT $3",
    )
    .bind(organization.as_str())
    .bind(connection.as_str())
    .bind(i64::from(limit.clamp(1, 1000)))
    .fetch_all(conn)
    .await?;
    let login = |row: &super::Row| -> Result<SeenLogin, StoreError> {
        let identity: Identity = row.json("identity")?;
        Ok(SeenLogin { person: row.maybe_parsed("person")?, at: row.time("at")?, groups: identity.groups })
    };
    found.iter().map(login).collect()
}

async fn list_seen_groups(conn: &mut Connection, connection: &ConnectionId, limit: u32) -> Result<Vec<SeenGroup>, StoreError> {
    let found = Statement::new("SELECT value, last_seen_at FROM seen_group WHERE connection = $1 ORDER BY value LIMIT $2")
        .bind(connection.as_str())
        .bind(i64::from(limit.clamp(1, 5000)))
        .fetch_all(conn)
        .await?;
    found.iter().map(|row| Ok(SeenGroup { value: row.text("value")?, last_seen_at: row.time("last_seen_at")? })).collect()
}
