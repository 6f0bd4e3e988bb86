//! Rows as CSV (RFC 4180) that a spreadsheet opens without running any of it.

use bytes::Bytes;

use super::AdminError;
use crate::store::StoreError;

/// These rows; a header is a row.
pub(super) fn csv<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Result<Bytes, AdminError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| guarded(cell))).map_err(broken)?;
    }
    writer.into_inner().map(Bytes::from).map_err(broken)
}

/// A spreadsheet computes a cell that begins like this, and names come from outside (OWASP, "CSV Injection"): an apostrophe makes it text.
fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell.to_owned() }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> AdminError {
    AdminError::Store(StoreError::Unavailable(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn no_cell_is_a_formula() {
        for hostile in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(guarded(hostile), format!("'{hostile}"));
        }
        assert_eq!(guarded("Ada = Lovelace"), "Ada = Lovelace");
    }
}
