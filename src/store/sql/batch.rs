//! Changes that go to the database in one step, because the way there and back costs more than most of them do.

use super::statement::Statement;
use super::{Connection, Stop, change_all};
use crate::store::StoreError;

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
        let counts = change_all(conn, changes).await?;
        if counts.len() != otherwise.len() {
            return Err(StoreError::Corrupt(format!("{} changes were made of {}", counts.len(), otherwise.len())).into());
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
