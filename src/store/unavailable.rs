//! What keeps a database from answering, as [`StoreError`].

use super::StoreError;
use crate::random::RandomError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => Self::Corrupt(error.to_string()),
            other => unavailable(other),
        }
    }
}

impl From<RandomError> for StoreError {
    fn from(error: RandomError) -> Self {
        unavailable(error)
    }
}

/// Wraps whatever keeps the database from answering.
pub(super) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
}
