//! Ids, times, JSON and errors on their way in and out of columns.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::StoreError;

/// The last second of the calendar: a time beyond could be written and not read.
const LAST_MICROS: i64 = 253_402_207_200_000_000;

/// A time as it is stored: whole microseconds.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond().min(LAST_MICROS)
}

/// Cuts a time to what a column can hold, so that what was hashed and answered is what will be read again.
pub(super) fn stored_time(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(micros(at)).unwrap_or(at)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("a value cannot be written as JSON: {error}")))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{what} cannot be read: {error}")))
}

/// Typed columns of a row; what does not fit is [`StoreError::Corrupt`] and names the column.
pub(in crate::store) trait Columns {
    /// A text.
    fn text(&self, column: &str) -> Result<String, StoreError>;
    /// A text that may be missing.
    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    /// A whole number.
    fn number(&self, column: &str) -> Result<i64, StoreError>;
    /// A whole number that may be missing.
    fn maybe_number(&self, column: &str) -> Result<Option<i64>, StoreError>;

    /// Yes or no.
    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.number(column)? != 0)
    }

    /// A count.
    fn count(&self, column: &str) -> Result<u32, StoreError> {
        u32::try_from(self.number(column)?).map_err(|error| corrupt(column, &error))
    }

    /// A time.
    fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        parse_time(column, self.number(column)?)
    }

    /// A time that may be missing.
    fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.maybe_number(column)?.map(|micros| parse_time(column, micros)).transpose()
    }

    /// Anything that its text form is checked for: an id, an address.
    fn parsed<T: TryFrom<String, Error: Display>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.text(column)?).map_err(|error| corrupt(column, &error))
    }

    /// The same, when it may be missing.
    fn maybe_parsed<T: TryFrom<String, Error: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| T::try_from(text).map_err(|error| corrupt(column, &error))).transpose()
    }

    /// One of a closed set of words: a status, a reason code.
    fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| corrupt(column, &error))
    }

    /// A word that may be missing.
    fn maybe_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| text.parse().map_err(|error| corrupt(column, &error))).transpose()
    }

    /// A JSON document.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        from_json(&self.text(column)?, column)
    }
}

fn parse_time(column: &str, micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| corrupt(column, &error))
}

fn corrupt(column: &str, error: &dyn Display) -> StoreError {
    StoreError::Corrupt(format!("column {column}: {error}"))
}
