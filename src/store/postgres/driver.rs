//! Statements on their way to the server, and rows on their way back.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, Row as _, SqlSafeStr as _, SqlStr};

use super::pool::Held;
use super::sql::{Columns, Statement, Value};
use crate::store::StoreError;

/// All rows that a statement finds.
pub(super) async fn fetch(conn: &mut Held, statement: Statement) -> Result<Vec<PgRow>, sqlx::Error> {
    let rows = query(statement)?.fetch_all(conn.ask()?).await?;
    conn.answered();
    Ok(rows)
}

/// Makes a change, and answers how many rows it changed.
pub(super) async fn change(conn: &mut Held, statement: Statement) -> Result<u64, sqlx::Error> {
    let done = query(statement)?.execute(conn.ask()?).await?;
    conn.answered();
    Ok(done.rows_affected())
}

/// Makes changes in one statement, and answers how many rows each has changed.
pub(super) async fn change_all(conn: &mut Held, changes: Vec<Statement>) -> Result<Vec<u64>, sqlx::Error> {
    let (mut steps, mut counted, mut arguments) = (vec![super::LAST_LINE.to_owned()], Vec::new(), PgArguments::default());
    for (place, change) in changes.iter().enumerate() {
        steps.push(format!("step{place} AS ({} RETURNING 1)", numbered(&change.text, arguments.len())));
        counted.push(format!("(SELECT count(*) FROM step{place})"));
        give(&change.values, &mut arguments)?;
    }
    // Counted in their order, which is the order in which they are made.
    let text = format!("WITH {} SELECT ARRAY[{}]", steps.join(", "), counted.join(", "));
    let counts: Vec<i64> = sqlx::query_scalar_with(AssertSqlSafe(text), arguments).fetch_one(conn.ask()?).await?;
    conn.answered();
    Ok(counts.into_iter().map(i64::unsigned_abs).collect())
}

fn query(statement: Statement) -> Result<Query<'static, Postgres, PgArguments>, sqlx::Error> {
    let mut arguments = PgArguments::default();
    give(&statement.values, &mut arguments)?;
    let text = match statement.text {
        Cow::Borrowed(text) => SqlStr::from_static(text),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    };
    Ok(sqlx::query_with(text, arguments).persistent(!statement.is_composed))
}

/// Adds values to those of the statements before.
fn give(values: &[Value], arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text.as_deref()),
            Value::Number(number) => arguments.add(*number),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(())
}

/// A text with its values counted from after the first `so_far`.
fn numbered(text: &str, so_far: usize) -> String {
    let mut parts = text.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().map_or(0, |number| number + so_far);
        // Writing to a String cannot fail.
        let _ = write!(text, "${number}{rest}");
    }
    text
}

/// Whether the transaction failed because of another one: a row that may exist only once exists already, not serializable (40001), deadlock (40P01).
pub(super) fn is_conflict(fault: &sqlx::Error) -> bool {
    fault
        .as_database_error()
        .is_some_and(|found| found.is_unique_violation() || found.code().is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01")))
}

/// No row where there is always one.
pub(super) const fn no_row() -> sqlx::Error {
    sqlx::Error::RowNotFound
}

impl Columns for PgRow {
    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn number(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_number(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }
}

/// A table from end to end, page by page: the server keeps the place.
pub(super) struct Pages {
    open: Option<String>,
}

impl Pages {
    pub(super) fn of(table: &str, columns: &str) -> Self {
        Self { open: Some(format!("DECLARE pages NO SCROLL CURSOR FOR SELECT {columns} FROM {table}")) }
    }

    /// The next rows; none: that was all.
    pub(super) async fn next(&mut self, conn: &mut Held, rows: u32) -> Result<Vec<PgRow>, StoreError> {
        if let Some(open) = self.open.take() {
            // Whoever takes the rows may take their time between two pages.
            change(conn, Statement::new("SET LOCAL idle_in_transaction_session_timeout = 0")).await?;
            change(conn, Statement::new(open)).await?;
        }
        // Put together, and so not kept: the same words mean other columns next time.
        let mut next = Statement::new("FETCH ");
        next.push(format!("{rows} FROM pages"));
        let found = fetch(conn, next).await?;
        if found.is_empty() {
            change(conn, Statement::new("CLOSE pages")).await?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_statement_are_counted_on_from_those_before_it() {
        let change = "UPDATE seat SET used = $2, owned = $10 WHERE tier = $1 AND used < $2";
        assert_eq!(numbered(change, 0), change);
        assert_eq!(numbered(change, 3), "UPDATE seat SET used = $5, owned = $13 WHERE tier = $4 AND used < $5");
    }
}
