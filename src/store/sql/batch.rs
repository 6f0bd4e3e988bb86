//! Statements that go to the database in one step, because the way there and back costs more than most of them do.

use std::fmt::Write as _;

use sqlx::Arguments as _;

use super::{Connection, Database, Stop, change_all};
use crate::store::StoreError;

/// What a column takes.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A text, or none.
    Text(Option<String>),
    /// A whole number, or none.
    Number(Option<i64>),
}

/// One statement with its values, which it calls `$1`, `$2` and so on.
#[derive(Debug)]
pub(in crate::store) struct Statement {
    text: &'static str,
    values: Vec<Value>,
}

/// A statement without values so far.
pub(super) const fn statement(text: &'static str) -> Statement {
    Statement { text, values: Vec::new() }
}

/// What it means when a statement does not change exactly one row.
#[derive(Debug)]
enum Otherwise {
    /// Nothing.
    Fine,
    /// Someone else was faster.
    Lost,
    /// The rows contradict each other.
    Corrupt(String),
}

/// Changes that are made together. They do not see one another, and no two of them may change the same row (`PostgreSQL` makes them in one statement);
/// what refers to a row that another one inserts comes after it (`SQLite` makes them one after the other).
#[derive(Debug, Default)]
pub(in crate::store) struct Batch(Vec<(Statement, Otherwise)>);

impl Batch {
    /// A change of any number of rows.
    pub(super) fn any(&mut self, change: Statement) {
        self.0.push((change, Otherwise::Fine));
    }

    /// A change of one row; when that row is not there, or not as the statement wants it, someone else was faster.
    pub(super) fn one(&mut self, change: Statement) {
        self.0.push((change, Otherwise::Lost));
    }

    /// A change of one row that is there unless the rows contradict each other in the way that `fault` says.
    pub(super) fn sure(&mut self, change: Statement, fault: String) {
        self.0.push((change, Otherwise::Corrupt(fault)));
    }

    /// Makes the changes. When this fails, the transaction has to be undone: some may have been made.
    pub(in crate::store) async fn write(self, conn: &mut Connection) -> Result<(), Stop> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (changes, otherwise): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let counts = change_all(conn, &changes).await?;
        if counts.len() != changes.len() {
            return Err(StoreError::Corrupt(format!("{} changes were made of {}", counts.len(), changes.len())).into());
        }
        for (otherwise, rows) in otherwise.into_iter().zip(counts) {
            match otherwise {
                Otherwise::Lost if rows != 1 => return Err(Stop::Lost),
                Otherwise::Corrupt(fault) if rows != 1 => return Err(StoreError::Corrupt(fault).into()),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Statement {
    /// Gives the next value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds the values to those of the statements before it.
    pub(in crate::store) fn give(&self, arguments: &mut <Database as sqlx::Database>::Arguments) -> Result<(), sqlx::Error> {
        for value in &self.values {
            let added = match value {
                Value::Text(text) => arguments.add(text.as_deref()),
                Value::Number(number) => arguments.add(*number),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(())
    }

    /// The text with its values counted from after the first `so_far`.
    pub(in crate::store) fn numbered(&self, so_far: usize) -> String {
        let mut parts = self.text.split('$');
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
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(ToOwned::to_owned))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Number(Some(i64::from(flag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_statement_are_counted_on_from_those_before_it() {
        let change = statement("UPDATE seat SET used = $2, owned = $10 WHERE tier = $1 AND used < $2");
        assert_eq!(change.numbered(0), change.text);
        assert_eq!(change.numbered(3), "UPDATE seat SET used = $5, owned = $13 WHERE tier = $4 AND used < $5");
    }
}
