//! Statements on their way to the file, and rows on their way back.
//!
//! `SQLite` works in the thread that asks. The writer has a thread of its own and asks there, and another one looks up a few rows for whoever needs them; all
//! else that reads leaves the asking to a thread for blocking work, because a page of the console or a review takes longer than a request may wait for another.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, ToSql, ffi};
use tokio::sync::OwnedSemaphorePermit;

use super::lookups::Lookups;
use super::memory::Memory;
use super::sql::{Columns, Statement, Value};
use super::turn::Turn;
use crate::store::StoreError;

/// A connection to the file.
#[derive(Debug)]
pub(super) struct Connection {
    asks: Asks,
    /// What the writer remembers; readers remember nothing.
    memory: Option<Memory>,
}

/// Where the asking is done.
#[derive(Debug)]
enum Asks {
    /// In the thread that asks.
    Here(rusqlite::Connection),
    /// In a thread for blocking work: away for so long, and gone for good when whoever waited no longer does.
    Elsewhere(Option<Open>),
    /// In the one that looks up for everybody.
    Shared(Lookups),
}

/// An open file, with the place that it takes among the readers.
#[derive(Debug)]
struct Open {
    sqlite: rusqlite::Connection,
    place: OwnedSemaphorePermit,
}

/// What went wrong on the way.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the connection is gone: what it did was given up")]
    Gone,
    #[error("a column holds no text that can be read")]
    NotText,
}

impl Connection {
    /// One that works in the thread that asks.
    pub(super) const fn here(sqlite: rusqlite::Connection, memory: Memory) -> Self {
        Self { asks: Asks::Here(sqlite), memory: Some(memory) }
    }

    /// One that works in a thread for blocking work, for as long as it holds its place.
    pub(super) const fn elsewhere(sqlite: rusqlite::Connection, place: OwnedSemaphorePermit) -> Self {
        Self { asks: Asks::Elsewhere(Some(Open { sqlite, place })), memory: None }
    }

    /// One for lookups. Each statement is a transaction by itself.
    pub(super) const fn shared(lookups: Lookups) -> Self {
        Self { asks: Asks::Shared(lookups), memory: None }
    }

    /// A reader's file, if nobody works with it, and the place that it takes.
    pub(super) fn take(&mut self) -> Option<(rusqlite::Connection, OwnedSemaphorePermit)> {
        let Asks::Elsewhere(open) = &mut self.asks else { return None };
        open.take().map(|open| (open.sqlite, open.place))
    }

    /// The file, if it is this connection's own and nobody works with it.
    fn own(&self) -> Result<&rusqlite::Connection, Fault> {
        match &self.asks {
            Asks::Here(sqlite) | Asks::Elsewhere(Some(Open { sqlite, .. })) => Ok(sqlite),
            Asks::Elsewhere(None) | Asks::Shared(_) => Err(Fault::Gone),
        }
    }

    /// A step of a transaction, at once and in this thread.
    pub(super) fn step(&self, text: &'static str) -> Result<(), Fault> {
        self.own()?.prepare_cached(text)?.raw_execute()?;
        Ok(())
    }

    /// A number that is another one when somebody else has changed the file.
    pub(super) fn data_version(&self) -> Result<i64, Fault> {
        Ok(self.own()?.prepare_cached("PRAGMA data_version")?.query_one((), |row| row.get(0))?)
    }

    pub(super) const fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Gives the memory something to remember, where there is one.
    pub(super) fn remember(&mut self, what: impl FnOnce(&mut Memory)) {
        if let Some(memory) = &mut self.memory {
            what(memory);
        }
    }

    /// Rows that were changed since the file was opened; none where a transaction has ended by itself.
    pub(super) fn changes(&self) -> Result<Option<u64>, Fault> {
        let sqlite = self.own()?;
        Ok((!sqlite.is_autocommit()).then(|| sqlite.total_changes()))
    }

    async fn work<T, F>(&mut self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, Fault> + Send + 'static,
    {
        match &mut self.asks {
            Asks::Here(sqlite) => work(sqlite),
            Asks::Elsewhere(place) => work_elsewhere(place, work).await,
            Asks::Shared(lookups) => lookups.ask(work).await,
        }
    }
}

async fn work_elsewhere<T, F>(place: &mut Option<Open>, work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: FnOnce(&rusqlite::Connection) -> Result<T, Fault> + Send + 'static,
{
    let open = place.take().ok_or(Fault::Gone)?;
    let turn = Turn::default();
    let waiting = turn.waiting();
    let worked = tokio::task::spawn_blocking(move || (turn.take(&open.sqlite, work), open));
    let (result, open) = worked.await.map_err(|_panicked| Fault::Gone)?;
    drop(waiting);
    *place = Some(open);
    result.unwrap_or(Err(Fault::Gone))
}

/// All rows that a statement finds.
pub(super) async fn fetch(conn: &mut Connection, statement: Statement) -> Result<Vec<Row>, Fault> {
    conn.work(move |sqlite| prepared(sqlite, &statement, read_all)).await
}

/// Makes a change, and answers how many rows it changed.
pub(super) async fn change(conn: &mut Connection, statement: Statement) -> Result<u64, Fault> {
    conn.work(move |sqlite| prepared(sqlite, &statement, count_changed)).await
}

/// Makes changes one after the other, and answers how many rows each has changed.
pub(super) async fn change_all(conn: &mut Connection, changes: Vec<Statement>) -> Result<Vec<u64>, Fault> {
    conn.work(move |sqlite| changes.iter().map(|change| prepared(sqlite, change, count_changed)).collect()).await
}

/// Does something with a statement that has its values. What is asked often is kept prepared.
fn prepared<T>(
    sqlite: &rusqlite::Connection,
    statement: &Statement,
    then: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if statement.is_composed {
        let mut ready = sqlite.prepare(&statement.text)?;
        bind(&mut ready, &statement.values)?;
        return then(&mut ready);
    }
    let mut ready = sqlite.prepare_cached(&statement.text)?;
    bind(&mut ready, &statement.values)?;
    then(&mut ready)
}

/// `SQLite` counts values in the order in which their names come, so that `$2` may be the first.
fn bind(ready: &mut rusqlite::Statement<'_>, values: &[Value]) -> Result<(), Fault> {
    for index in 1..=ready.parameter_count() {
        let number = ready.parameter_name(index).and_then(|name| name.strip_prefix('$')).and_then(|number| number.parse::<usize>().ok());
        if let Some(value) = number.and_then(|number| values.get(number.checked_sub(1)?)) {
            ready.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

fn read_all(ready: &mut rusqlite::Statement<'_>) -> Result<Vec<Row>, Fault> {
    let mut found = ready.raw_query();
    let (mut names, mut rows) = (None, Vec::new());
    while let Some(row) = found.next()? {
        // Not before the first row: a statement that was kept is prepared anew when the tables have changed.
        let names: &Arc<[Box<str>]> = names.get_or_insert_with(|| row.as_ref().column_names().into_iter().map(Box::from).collect());
        let cells = (0..names.len()).map(|column| cell(row.get_ref(column)?)).collect::<Result<_, Fault>>()?;
        rows.push(Row { names: Arc::clone(names), cells });
    }
    Ok(rows)
}

fn count_changed(ready: &mut rusqlite::Statement<'_>) -> Result<u64, Fault> {
    Ok(ready.raw_execute()? as u64)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

/// A row that was found.
#[derive(Debug)]
pub(super) struct Row {
    names: Arc<[Box<str>]>,
    cells: Box<[Cell]>,
}

/// What stands in a column. There are no fractions and no bytes in our tables.
#[derive(Debug)]
enum Cell {
    Nothing,
    Number(i64),
    Text(String),
    Foreign,
}

fn cell(value: ValueRef<'_>) -> Result<Cell, Fault> {
    Ok(match value {
        ValueRef::Null => Cell::Nothing,
        ValueRef::Integer(number) => Cell::Number(number),
        ValueRef::Text(bytes) => Cell::Text(std::str::from_utf8(bytes).map_err(|_| Fault::NotText)?.to_owned()),
        ValueRef::Real(_) | ValueRef::Blob(_) => Cell::Foreign,
    })
}

impl Row {
    /// Of several columns with one name, the last.
    fn cell(&self, column: &str) -> Result<&Cell, StoreError> {
        let place = self.names.iter().rposition(|name| **name == *column);
        place.and_then(|place| self.cells.get(place)).ok_or_else(|| StoreError::Corrupt(format!("there is no column {column}")))
    }
}

fn unfit(column: &str, cell: &Cell) -> StoreError {
    let holds = match cell {
        Cell::Nothing => "nothing",
        Cell::Number(_) => "a number",
        Cell::Text(_) => "a text",
        Cell::Foreign => "neither text nor number",
    };
    StoreError::Corrupt(format!("column {column} holds {holds}"))
}

impl Columns for Row {
    fn text(&self, column: &str) -> Result<String, StoreError> {
        match self.cell(column)? {
            Cell::Text(text) => Ok(text.clone()),
            other => Err(unfit(column, other)),
        }
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        match self.cell(column)? {
            Cell::Nothing => Ok(None),
            Cell::Text(text) => Ok(Some(text.clone())),
            other => Err(unfit(column, other)),
        }
    }

    fn number(&self, column: &str) -> Result<i64, StoreError> {
        match self.cell(column)? {
            Cell::Number(number) => Ok(*number),
            other => Err(unfit(column, other)),
        }
    }

    fn maybe_number(&self, column: &str) -> Result<Option<i64>, StoreError> {
        match self.cell(column)? {
            Cell::Nothing => Ok(None),
            Cell::Number(number) => Ok(Some(*number)),
            other => Err(unfit(column, other)),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotText => Self::Corrupt(fault.to_string()),
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// Whether a row that may exist only once exists already.
pub(super) fn is_conflict(fault: &Fault) -> bool {
    matches!(fault, Fault::Sqlite(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation
        && matches!(error.extended_code, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY))
}

/// No row where there is always one.
pub(super) const fn no_row() -> Fault {
    Fault::Sqlite(rusqlite::Error::QueryReturnedNoRows)
}

/// A table from end to end, page by page.
pub(super) struct Pages {
    text: String,
    after: i64,
}

impl Pages {
    pub(super) fn of(table: &str, columns: &str) -> Self {
        let text = format!("SELECT {columns}, rowid AS its_place FROM {table} WHERE rowid > $1 ORDER BY rowid LIMIT $2");
        Self { text, after: i64::MIN }
    }

    /// The next rows; none: that was all.
    pub(super) async fn next(&mut self, conn: &mut Connection, rows: u32) -> Result<Vec<Row>, StoreError> {
        let found = fetch(conn, Statement::new(self.text.clone()).bind(self.after).bind(i64::from(rows))).await?;
        if let Some(last) = found.last() {
            self.after = last.number("its_place")?;
        }
        Ok(found)
    }
}
