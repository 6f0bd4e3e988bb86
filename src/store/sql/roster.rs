//! The list of members.
//!
//! Two ways through the tables, chosen by how many members fit: few of them are found first and then put in order; of many, the first that fit are met
//! on a walk in order. Neither database knows which way is meant, so what must not choose an index is written in a way that cannot: `CROSS JOIN` keeps
//! `SQLite` to an order of tables, a column in `COALESCE` and a key in a sum are found by no index.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::codec::{Columns as _, micros};
use super::queries::anywhere;
use super::statement::Statement;
use super::{Backend, Connection, rows};
use crate::core::{MemberId, OrganizationId, SeatTier};
use crate::store::{RosterFilter, RosterOrder, RosterPage, RosterPlace, RosterQuery, RosterStore, SeatFilter, Seen, Source, StoreError};

/// As many members are put in order faster than they are met on a walk.
const FEW: u64 = 5_000;

#[async_trait]
impl RosterStore for Backend {
    async fn list_roster(&self, query: RosterQuery<'_>) -> Result<RosterPage, StoreError> {
        self.within(async { list_roster(&mut *self.read().await?, &query).await }).await
    }

    async fn count_waiting(&self, organization: &OrganizationId) -> Result<BTreeMap<SeatTier, u64>, StoreError> {
        self.within(async { count_waiting(&mut *self.reader().await?, organization).await }).await
    }
}

async fn list_roster(conn: &mut Connection, query: &RosterQuery<'_>) -> Result<RosterPage, StoreError> {
    let total = match query.total {
        Some(total) => total,
        None => count(conn, query).await?,
    };
    let limit = usize::try_from(query.limit.clamp(1, 500)).unwrap_or(500);
    let place = match query.place {
        RosterPlace::Start => None,
        RosterPlace::After(member) | RosterPlace::Before(member) => Some(place_of(conn, query, member).await?),
    };
    let backwards = matches!(query.place, RosterPlace::Before(_));
    let mut statement = select(query, total, place, backwards);
    // One more than asked for says whether there is another page.
    statement.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(500) + 1);
    let found = statement.fetch_all(conn).await?;
    let more = found.len() > limit;
    let mut members = found.iter().take(limit).map(rows::member_row).collect::<Result<Vec<_>, _>>()?;
    if backwards {
        members.reverse();
    }
    let (earlier, later) = match query.place {
        RosterPlace::Start => (false, more),
        RosterPlace::After(_) => (true, more),
        RosterPlace::Before(_) => (more, true),
    };
    Ok(RosterPage { rows: members, total, earlier, later })
}

async fn count(conn: &mut Connection, query: &RosterQuery<'_>) -> Result<u64, StoreError> {
    let mut statement = Statement::new("SELECT count(*) AS fitting FROM member");
    statement.push(" WHERE ");
    push_conditions(&mut statement, query.organization, query.filter, false);
    push_search(&mut statement, query.filter, false);
    let row = statement.fetch_one(conn).await?;
    Ok(u64::from(row.count("fitting")?))
}

async fn count_waiting(conn: &mut Connection, organization: &OrganizationId) -> Result<BTreeMap<SeatTier, u64>, StoreError> {
    let rows = Statement::new(
        "SELECT wanted_tier, count(*) AS waiting FROM member
         WHERE organization = $1 AND wanted_tier IS NOT NULL AND COALESCE(status, '') = 'active' GROUP BY wanted_tier",
    )
    .bind(organization.as_str())
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| Ok((SeatTier::new(row.text("wanted_tier")?), u64::from(row.count("waiting")?)))).collect()
}

/// What a list is ordered by. The person's id stands behind each key, so that no two members share a place.
struct Key {
    /// As its index has it.
    text: &'static str,
    id: &'static str,
    falls: bool,
}

const fn key(order: RosterOrder) -> Key {
    let (text, id, falls) = match order {
        // A name may be very long, and an index entry may not.
        RosterOrder::Name => ("SUBSTR(person.search, 1, 100)", "person.id", false),
        RosterOrder::Email => ("COALESCE(person.email_folded, '')", "person.id", false),
        RosterOrder::Recent => ("COALESCE(member.last_login_at, 0)", "member.person", true),
        RosterOrder::Idle => ("COALESCE(member.last_login_at, 0)", "member.person", false),
        RosterOrder::Joined => ("member.joined_at", "member.person", true),
    };
    Key { text, id, falls }
}

/// Where a member stands in the order.
enum Place {
    Text(String, String),
    Number(i64, String),
}

async fn place_of(conn: &mut Connection, query: &RosterQuery<'_>, member: MemberId) -> Result<Place, StoreError> {
    let key = key(query.order).text;
    let mut statement = Statement::new(format!(
        "SELECT {key} AS place, member.person FROM member JOIN person ON person.id = member.person WHERE member.id = "
    ));
    statement.push_bind(member.to_string()).push(" AND member.organization = ").push_bind(query.organization.as_str());
    let row = statement.fetch_optional(conn).await?;
    let row = row.ok_or_else(|| StoreError::Missing(format!("member {member}")))?;
    let person = row.text("person")?;
    Ok(match query.order {
        RosterOrder::Name | RosterOrder::Email => Place::Text(row.text("place")?, person),
        RosterOrder::Recent | RosterOrder::Idle | RosterOrder::Joined => Place::Number(row.number("place")?, person),
    })
}

fn select(query: &RosterQuery<'_>, total: u64, place: Option<Place>, backwards: bool) -> Statement {
    let Key { text, id, falls } = key(query.order);
    let by_person = matches!(query.order, RosterOrder::Name | RosterOrder::Email);
    let walks = total > FEW;
    let from = if by_person && walks { "person CROSS JOIN member" } else { "member CROSS JOIN person" };
    let key = if by_person || walks { text.to_owned() } else { format!("0 + {text}") };
    let mut statement = Statement::new(format!(
        "SELECT member.*, person.id AS person_id, person.email, person.name, person.service_account
         FROM {from} WHERE member.person = person.id AND "
    ));
    push_conditions(&mut statement, query.organization, query.filter, walks && !by_person);
    push_search(&mut statement, query.filter, walks);
    let (beyond, direction) = if falls == backwards { (">", "ASC") } else { ("<", "DESC") };
    if let Some(place) = place {
        // The key alone once more: by a pair, `SQLite` does not find the place in an index of expressions.
        match place {
            Place::Text(place, person) => {
                statement.push(format!(" AND {key} {beyond}= ")).push_bind(place.clone());
                statement.push(format!(" AND ({key}, {id}) {beyond} (")).push_bind(place).push(", ").push_bind(person);
            }
            Place::Number(place, person) => {
                statement.push(format!(" AND {key} {beyond}= ")).push_bind(place);
                statement.push(format!(" AND ({key}, {id}) {beyond} (")).push_bind(place).push(", ").push_bind(person);
            }
        }
        statement.push(")");
    }
    statement.push(format!(" ORDER BY {key} {direction}, {id} {direction}"));
    statement
}

/// `walks`: the order's index leads, and the others must not.
fn push_conditions(statement: &mut Statement, organization: &OrganizationId, filter: &RosterFilter, walks: bool) {
    statement.push("member.organization = ").push_bind(organization.as_str().to_owned());
    // Rarer than any standing, role or seat: found by an index of its own.
    let rare = filter.seat == Some(SeatFilter::Waiting) || filter.source == Some(Source::Pin) || filter.seen.is_some();
    let mut equal = |column: &str, value: &str| {
        statement.push(if walks || rare { format!(" AND COALESCE({column}, '') = ") } else { format!(" AND {column} = ") });
        statement.push_bind(value.to_owned());
    };
    if let Some(status) = filter.status {
        equal("member.status", &status.to_string());
    }
    if let Some(role) = &filter.role {
        equal("member.role", role.as_str());
    }
    match &filter.seat {
        None => {}
        Some(SeatFilter::Tier(tier)) => equal("member.seat", tier.as_str()),
        Some(SeatFilter::Any) => drop(statement.push(" AND member.seat IS NOT NULL")),
        Some(SeatFilter::None) => drop(statement.push(" AND member.seat IS NULL")),
        Some(SeatFilter::Waiting) => drop(statement.push(" AND member.wanted_tier IS NOT NULL")),
    }
    match filter.source {
        None => {}
        Some(Source::Pin) => drop(statement.push(" AND member.pin IS NOT NULL")),
        Some(Source::Invite) => drop(statement.push(" AND EXISTS (SELECT 1 FROM invite WHERE invite.used_by = member.id)")),
        Some(Source::Provider) => drop(statement.push(" AND NOT EXISTS (SELECT 1 FROM invite WHERE invite.used_by = member.id)")),
    }
    match filter.seen {
        None => {}
        Some(Seen::Never) => drop(statement.push(" AND COALESCE(member.last_login_at, 0) = 0 AND member.last_login_at IS NULL")),
        Some(Seen::NotSince(since)) => {
            statement.push(" AND COALESCE(member.status, '') = 'active'");
            statement.push(" AND member.person NOT IN (SELECT id FROM person WHERE service_account = 1)");
            statement.push(" AND COALESCE(member.last_login_at, 0) <= ").push_bind(micros(since));
            statement.push(" AND COALESCE(member.last_login_at, member.joined_at) <= ").push_bind(micros(since));
        }
    }
}

/// On a walk each person is looked at as it is met; else those who fit are found first.
fn push_search(statement: &mut Statement, filter: &RosterFilter, walks: bool) {
    let Some(search) = &filter.search else { return };
    statement.push(if walks { " AND person.search LIKE " } else { " AND member.person IN (SELECT id FROM person WHERE search LIKE " });
    statement.push_bind(anywhere(&search.to_lowercase())).push(if walks { " ESCAPE '!'" } else { " ESCAPE '!')" });
}
