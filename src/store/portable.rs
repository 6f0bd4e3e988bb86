//! A store, moved to another database: streamed, compared at the end, and there as a whole or not at all.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::unavailable::unavailable;
use super::{Store, StoreError};

/// Batches on their way between the two databases.
const ON_THE_WAY: usize = 4;

/// A value: all columns of all tables are one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A text, or none.
    Text(Option<String>),
    /// A whole number, or none.
    Number(Option<i64>),
}

/// What goes from one database to the other.
#[derive(Debug)]
pub enum Part {
    /// Rows of a table, with its columns in this order.
    Rows {
        /// The table.
        table: &'static str,
        /// Its columns.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Vec<Cell>>,
    },
    /// That was all of it. Without this nothing is kept.
    End(Vec<TableSum>),
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TableSum {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// The sum of the hashes of its rows: the same for the same rows in any order.
    #[serde(skip)]
    pub sum: u128,
}

impl TableSum {
    pub(super) const fn new(table: &'static str) -> Self {
        Self { table, rows: 0, sum: 0 }
    }

    pub(super) fn add(&mut self, columns: &[String], row: &[Cell]) {
        let mut hash = Sha256::new();
        for (name, cell) in columns.iter().zip(row) {
            // Lengths first, so that no text can look like two.
            let text = match cell {
                Cell::Text(text) => text.clone().map(|text| format!("t{text}")),
                Cell::Number(number) => number.map(|number| format!("n{number}")),
            };
            let text = text.unwrap_or_default();
            hash.update(format!("{}:{name}{}:{text}", name.len(), text.len()));
        }
        let digest: [u8; 32] = hash.finalize().into();
        let folded = digest.iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        self.rows += 1;
        self.sum = self.sum.wrapping_add(folded);
    }
}

/// A store that can be copied as a whole.
#[async_trait]
pub trait Portable: Store {
    /// Rows of all tables.
    async fn count_rows(&self) -> Result<u64, StoreError>;

    /// Sends everything, as it is at one moment.
    async fn export(&self, into: mpsc::Sender<Part>) -> Result<(), StoreError>;

    /// Takes everything in one transaction, reads it again, compares, and checks it; answers what there is now. A store that holds anything already is
    /// [`StoreError::Refused`], and so is a copy that is not the same.
    async fn import(&self, from: mpsc::Receiver<Part>) -> Result<Vec<TableSum>, StoreError>;
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// So many rows were sent so far.
    Rows(u64),
    /// All were: from now on they are compared.
    All,
}

/// Copies everything from one store into another, which must be empty. `progress` is told how far it is.
///
/// # Errors
/// [`StoreError`]; the target is then as empty as before.
pub async fn copy(from: &dyn Portable, to: &dyn Portable, progress: impl Fn(Sent) + Send) -> Result<Vec<TableSum>, StoreError> {
    let (exported, mut parts) = mpsc::channel(ON_THE_WAY);
    let (passed_on, imported) = mpsc::channel(ON_THE_WAY);
    let watch = async move {
        let mut sent = 0;
        while let Some(part) = parts.recv().await {
            progress(match &part {
                Part::Rows { rows, .. } => {
                    sent += rows.len() as u64;
                    Sent::Rows(sent)
                }
                Part::End(_) => Sent::All,
            });
            if passed_on.send(part).await.is_err() {
                return;
            }
        }
    };
    let (export, import, ()) = tokio::join!(from.export(exported), to.import(imported), watch);
    match (export, import) {
        (Ok(()), import) => import,
        // A target that stops listening makes the source fail; what the target says is then the reason.
        (Err(_), Err(refused @ StoreError::Refused(_))) => Err(refused),
        (Err(error), _) => Err(error),
    }
}

/// The other side has stopped.
pub(super) fn cut_off() -> StoreError {
    unavailable("the copy was cut off")
}
