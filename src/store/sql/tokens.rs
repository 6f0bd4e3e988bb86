//! API tokens.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::{AuditEntry, append_audit};
use super::codec::{Columns as _, micros, to_json};
use super::statement::Statement;
use super::{Connection, Row};
use crate::core::{OrganizationId, PersonId, Role, TokenId};
use crate::random;
use crate::store::{NewToken, StoreError, TokenAct, TokenHash, TokenOwner, TokenQuery, TokenRow};

const SELECT: &str = "SELECT api_token.*, member.status AS owner_status, member.role AS owner_role,
       person.name AS owner_name, person.email AS owner_email
     FROM api_token
     JOIN member ON member.organization = api_token.organization AND member.person = api_token.owner
     JOIN person ON person.id = api_token.owner";

/// How old the last use on record is when the next one is written, in microseconds.
const USE_INTERVAL: i64 = 60_000_000;

pub(super) async fn create_token(conn: &mut Connection, new: NewToken, act: TokenAct) -> Result<TokenRow, StoreError> {
    if super::find_member(conn, &new.organization, new.owner).await?.is_none() {
        return Err(StoreError::Missing(format!("member {}", new.owner)));
    }
    let id = TokenId::from_uuid(random::uuid(act.now)?);
    Statement::new(
        "INSERT INTO api_token (id, organization, owner, name, hash, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.to_string())
    .bind(new.organization.as_str())
    .bind(new.owner.to_string())
    .bind(&new.name)
    .bind(new.hash.to_string())
    .bind(to_json(&new.scopes)?)
    .bind(micros(act.now))
    .bind(micros(new.expires_at))
    .execute(&mut *conn)
    .await?;
    let row = load_token(conn, &new.organization, id).await?;
    let detail = json!({ "name": row.name, "owner": row.owner.person, "scopes": row.scopes, "expires_at": row.expires_at });
    audit(conn, "token.created", &row, detail, act).await?;
    Ok(row)
}

pub(super) async fn find_token(conn: &mut Connection, hash: TokenHash) -> Result<Option<TokenRow>, StoreError> {
    let row = Statement::new(format!("{SELECT} WHERE api_token.hash = $1")).bind(hash.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(token).transpose()
}

pub(super) async fn find_token_by_id(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: TokenId,
) -> Result<Option<TokenRow>, StoreError> {
    let row = Statement::new(format!("{SELECT} WHERE api_token.organization = $1 AND api_token.id = $2"))
        .bind(organization.as_str())
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(token).transpose()
}

async fn load_token(conn: &mut Connection, organization: &OrganizationId, id: TokenId) -> Result<TokenRow, StoreError> {
    find_token_by_id(conn, organization, id).await?.ok_or_else(|| StoreError::Missing(format!("token {id}")))
}

/// Ids sort by the time they were made.
pub(super) async fn list_tokens(conn: &mut Connection, query: &TokenQuery<'_>) -> Result<Vec<TokenRow>, StoreError> {
    let found = Statement::new(format!(
        "{SELECT} WHERE api_token.organization = $1 AND ($2 = '' OR api_token.id < $2) ORDER BY api_token.id DESC LIMIT $3"
    ))
    .bind(query.organization.as_str())
    .bind(query.after.map(|id| id.to_string()).unwrap_or_default())
    .bind(i64::from(query.limit.clamp(1, 500)))
    .fetch_all(conn)
    .await?;
    found.iter().map(token).collect()
}

pub(super) async fn list_tokens_of(
    conn: &mut Connection,
    organization: &OrganizationId,
    owner: PersonId,
) -> Result<Vec<TokenRow>, StoreError> {
    let found = Statement::new(format!(
        "{SELECT} WHERE api_token.organization = $1 AND api_token.owner = $2 AND api_token.revoked_at IS NULL ORDER BY api_token.id DESC"
    ))
    .bind(organization.as_str())
    .bind(owner.to_string())
    .fetch_all(conn)
    .await?;
    found.iter().map(token).collect()
}

pub(super) async fn rotate_token(
    conn: &mut Connection,
    (organization, id): (OrganizationId, TokenId),
    hash: TokenHash,
    expires_at: Timestamp,
    act: TokenAct,
) -> Result<Option<TokenRow>, StoreError> {
    let rotated = Statement::new(
        "UPDATE api_token SET hash = $3, expires_at = $4, last_used_at = NULL WHERE organization = $1 AND id = $2 AND revoked_at IS NULL",
    )
    .bind(organization.as_str())
    .bind(id.to_string())
    .bind(hash.to_string())
    .bind(micros(expires_at))
    .execute(&mut *conn)
    .await?;
    if rotated == 0 {
        return Ok(None);
    }
    let row = load_token(conn, &organization, id).await?;
    let detail = json!({ "name": row.name, "expires_at": row.expires_at });
    audit(conn, "token.rotated", &row, detail, act).await?;
    Ok(Some(row))
}

pub(super) async fn revoke_token(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: TokenId,
    act: TokenAct,
) -> Result<Option<TokenRow>, StoreError> {
    let revoked = Statement::new("UPDATE api_token SET revoked_at = $3 WHERE organization = $1 AND id = $2 AND revoked_at IS NULL")
        .bind(organization.as_str())
        .bind(id.to_string())
        .bind(micros(act.now))
        .execute(&mut *conn)
        .await?;
    let row = find_token_by_id(conn, organization, id).await?;
    if let Some(row) = row.as_ref().filter(|_| revoked > 0) {
        let detail = json!({ "name": row.name, "owner": row.owner.person });
        audit(conn, "token.revoked", row, detail, act).await?;
    }
    Ok(row)
}

pub(super) async fn note_token_use(conn: &mut Connection, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
    Statement::new("UPDATE api_token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)")
        .bind(id.to_string())
        .bind(micros(now))
        .bind(micros(now).saturating_sub(USE_INTERVAL))
        .execute(conn)
        .await?;
    Ok(())
}

async fn audit(conn: &mut Connection, event: &str, row: &TokenRow, detail: Value, act: TokenAct) -> Result<(), StoreError> {
    let entry = AuditEntry {
        event: event.to_owned(),
        actor: act.actor,
        organization: Some(row.organization.clone()),
        target: Some(row.id.to_string()),
        reason: None,
        detail,
        origin: act.origin,
        now: act.now,
    };
    append_audit(conn, entry).await.map(drop)
}

fn token(row: &Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.parsed("id")?,
        organization: row.parsed("organization")?,
        name: row.text("name")?,
        scopes: row.json("scopes")?,
        owner: TokenOwner {
            person: row.parsed("owner")?,
            name: row.maybe_text("owner_name")?,
            email: row.maybe_text("owner_email")?,
            status: row.word("owner_status")?,
            role: Role::new(row.text("owner_role")?),
        },
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
    })
}
