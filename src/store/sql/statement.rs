//! One statement with its values: the only way to the database.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Connection, Fault, Row, change, fetch, no_row};

/// What a column takes.
#[derive(Debug, Clone)]
pub(in crate::store) enum Value {
    /// A text, or none.
    Text(Option<String>),
    /// A whole number, or none.
    Number(Option<i64>),
}

/// A statement with its values, which it calls `$1`, `$2` and so on.
#[derive(Debug)]
pub(in crate::store) struct Statement {
    pub(in crate::store) text: Cow<'static, str>,
    pub(in crate::store) values: Vec<Value>,
    /// Whether it was put together from parts, so that keeping it prepared would help nobody.
    pub(in crate::store) is_composed: bool,
}

impl Statement {
    /// A statement without values so far.
    pub(in crate::store) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new(), is_composed: false }
    }

    /// Gives the next value.
    pub(in crate::store) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds to the text.
    pub(in crate::store) fn push(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.is_composed = true;
        self.text.to_mut().push_str(text.as_ref());
        self
    }

    /// Adds a value and its name.
    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.is_composed = true;
        // Writing to a String cannot fail.
        let _ = write!(self.text.to_mut(), "${}", self.values.len());
        self
    }

    /// Adds values with commas between them.
    pub(super) fn push_values<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    /// All rows.
    pub(in crate::store) async fn fetch_all(self, conn: &mut Connection) -> Result<Vec<Row>, Fault> {
        fetch(conn, self).await
    }

    /// The first row, if there is one.
    pub(in crate::store) async fn fetch_optional(self, conn: &mut Connection) -> Result<Option<Row>, Fault> {
        Ok(fetch(conn, self).await?.into_iter().next())
    }

    /// The first row; it is a fault when there is none.
    pub(super) async fn fetch_one(self, conn: &mut Connection) -> Result<Row, Fault> {
        self.fetch_optional(conn).await?.ok_or_else(no_row)
    }

    /// Makes the change, and answers how many rows it changed.
    pub(super) async fn execute(self, conn: &mut Connection) -> Result<u64, Fault> {
        change(conn, self).await
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
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
