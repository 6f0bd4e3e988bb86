//! `usher version`.

use serde_json::json;

use super::{Failure, output};

/// Arguments of `usher version`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (version, commit) = (env!("CARGO_PKG_VERSION"), option_env!("USHER_COMMIT"));
        if self.json {
            return output::json(&json!({"version": version, "commit": commit}));
        }
        output::data(&format!("usher {version} (commit {})", commit.unwrap_or("unknown")))
    }
}
