//! All tables, out and in.

use tokio::sync::mpsc;

use super::super::Pages;
use super::codec::Columns as _;
use super::statement::{Statement, Value};
use super::{Connection, Row, Stop, check_integrity};
use crate::store::StoreError;
use crate::store::portable::{Cell, Part, TableSum, cut_off};

/// Every table, after those that it points to. A table that is missing here is noticed before anything is copied.
const TABLES: [&str; 19] = [
    "parent",
    "domain",
    "connection",
    "organization",
    "seat",
    "person",
    "link",
    "member",
    "api_token",
    "removal",
    "invite",
    "audit",
    "decision",
    "attempt",
    "claim_health",
    "seen_group",
    "last_identity",
    "settings_history",
    "recovery_link",
];

/// Rows that travel together.
const BATCH: u32 = 200;

/// The columns of a table that are stored, by name, and whether they hold text.
async fn columns(conn: &mut Connection, table: &str) -> Result<Vec<(String, bool)>, StoreError> {
    let rows = Statement::new(super::super::COLUMNS).bind(table).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.text("type")?.eq_ignore_ascii_case("text")))).collect()
}

/// Fails when the schema has a table that would be left behind.
async fn check_tables(conn: &mut Connection) -> Result<(), StoreError> {
    for row in Statement::new(super::super::TABLE_NAMES).fetch_all(conn).await? {
        let name = row.text("name")?;
        if !TABLES.contains(&name.as_str()) {
            return Err(StoreError::Corrupt(format!("there is a table {name}, which is not known")));
        }
    }
    Ok(())
}

pub(super) async fn count_rows(conn: &mut Connection) -> Result<u64, StoreError> {
    let mut all = 0;
    for table in TABLES {
        let count = Statement::new(format!("SELECT count(*) AS rows FROM {table}"));
        all += u64::from(count.fetch_one(&mut *conn).await?.count("rows")?);
    }
    Ok(all)
}

pub(super) async fn export(conn: &mut Connection, into: &mpsc::Sender<Part>) -> Result<(), StoreError> {
    check_tables(conn).await?;
    let mut sums = Vec::new();
    for table in TABLES {
        sums.push(read_table(conn, table, Some(into)).await?);
    }
    into.send(Part::End(sums)).await.map_err(|_| cut_off())
}

/// Reads a table from end to end, and sends it on if someone wants it.
async fn read_table(conn: &mut Connection, table: &'static str, into: Option<&mpsc::Sender<Part>>) -> Result<TableSum, StoreError> {
    let typed = columns(conn, table).await?;
    let names: Vec<String> = typed.iter().map(|(name, _)| name.clone()).collect();
    let mut sum = TableSum::new(table);
    let mut pages = Pages::of(table, &quoted(&names));
    loop {
        let found = pages.next(conn, BATCH).await?;
        if found.is_empty() {
            return Ok(sum);
        }
        let rows = found.iter().map(|row| read_row(row, &typed)).collect::<Result<Vec<_>, _>>()?;
        for row in &rows {
            sum.add(&names, row);
        }
        if let Some(into) = into {
            into.send(Part::Rows { table, columns: names.clone(), rows }).await.map_err(|_| cut_off())?;
        }
    }
}

fn read_row(row: &Row, columns: &[(String, bool)]) -> Result<Vec<Cell>, StoreError> {
    let cell = |(name, is_text): &(String, bool)| {
        Ok(if *is_text { Cell::Text(row.maybe_text(name)?) } else { Cell::Number(row.maybe_number(name)?) })
    };
    columns.iter().map(cell).collect()
}

/// Our names are plain words, some of which a database has a meaning for.
fn quoted(columns: &[String]) -> String {
    columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

pub(super) async fn import(conn: &mut Connection, mut from: mpsc::Receiver<Part>) -> Result<Vec<TableSum>, Stop> {
    check_tables(conn).await?;
    if count_rows(conn).await? > 0 {
        return Err(StoreError::Refused("the target holds something already; a copy goes into an empty database only".to_owned()).into());
    }
    let sent = loop {
        match from.recv().await.ok_or_else(cut_off)? {
            Part::Rows { table, columns, rows } => insert(conn, table, &columns, rows).await?,
            Part::End(sums) => break sums,
        }
    };
    let mut stored = Vec::new();
    for table in TABLES {
        stored.push(read_table(conn, table, None).await?);
    }
    if let Some((sent, stored)) = sent.iter().zip(&stored).find(|(sent, stored)| sent != stored) {
        return Err(StoreError::Refused(differs(sent, stored)).into());
    }
    if let Some(fault) = check_integrity(conn).await?.first() {
        return Err(StoreError::Refused(format!("what was copied is not sound: {fault}")).into());
    }
    if let Some(settle) = super::super::SETTLE {
        Statement::new(format!("{settle} {}", TABLES.join(", "))).execute(conn).await?;
    }
    Ok(stored)
}

/// What an operator is told of a table that is not what was sent.
fn differs(sent: &TableSum, stored: &TableSum) -> String {
    let how = if sent.rows == stored.rows {
        format!("as many rows ({}), but not the same values in them", sent.rows)
    } else {
        format!("{} rows sent, {} stored", sent.rows, stored.rows)
    };
    format!(
        "table {} would not be the same on both sides: {how}. Nothing was kept. Something in the target changes what is written into that table, such \
         as a trigger or a rule: take it away, then copy again",
        sent.table
    )
}

async fn insert(conn: &mut Connection, table: &str, columns: &[String], rows: Vec<Vec<Cell>>) -> Result<(), StoreError> {
    let mut insert = Statement::new(format!("INSERT INTO {table} ({}) VALUES ", quoted(columns)));
    for (place, cells) in rows.into_iter().enumerate() {
        insert.push(if place == 0 { "(" } else { ", (" });
        insert.push_values(cells.into_iter().map(|cell| match cell {
            Cell::Text(text) => Value::Text(text),
            Cell::Number(number) => Value::Number(number),
        }));
        insert.push(")");
    }
    insert.execute(conn).await?;
    Ok(())
}
