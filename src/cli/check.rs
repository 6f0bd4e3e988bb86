//! `usher check`: configuration files, offline.

use std::path::PathBuf;
use std::str::FromStr as _;

use serde_json::json;

use super::{Context, Failure, output};
use crate::config::{self, Code, Fault, FileKind, Severity};

/// Arguments of `usher check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A usher.toml, which brings the org.toml that it names along; or an org.toml.
    #[arg(value_name = "FILE", default_value = "usher.toml")]
    file: PathBuf,
    /// Explain a code instead, with a wrong and a right example.
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        if let Some(code) = &self.explain {
            return explain(code);
        }
        let (kind, found) = match config::check(&self.file, &context.env) {
            Ok((kind, warnings)) => (Some(kind), warnings),
            Err(faults) => (None, faults.into_list()),
        };
        if self.json {
            output::json(&json!({"ok": kind.is_some(), "findings": found.iter().map(Fault::to_json).collect::<Vec<_>>()}))?;
        } else if !found.is_empty() {
            output::data_styled(&config::render_all(&found, true))?;
        }
        let is_error = |fault: &&Fault| fault.code.severity() == Severity::Error;
        let first_error = found.iter().find(is_error);
        let errors = found.iter().filter(is_error).count();
        let (errors, warnings) = (output::count(errors, "error"), output::count(found.len() - errors, "warning"));
        match (kind, first_error) {
            (None, first) => {
                let code = first.map_or("U001", |fault| fault.code.as_str());
                Err(Failure::CheckFound(format!("{errors}, {warnings}. Next: mend the file, or ask: usher check --explain {code}")))
            }
            (Some(kind), _) => {
                let file = self.file.display();
                let next = match kind {
                    FileKind::Process => format!("usher serve --config {file}"),
                    FileKind::Organization => format!("usher apply {file} --dry-run"),
                };
                output::talk(&format!("{file}: no errors, {warnings}. Next: {next}"));
                Ok(())
            }
        }
    }
}

fn explain(code: &str) -> Result<(), Failure> {
    let known = Code::from_str(&code.to_uppercase());
    let known = known.map_err(|_| Failure::Usage(format!("there is no code {code:?}; codes look like U012 and W003")))?;
    output::data(known.explanation())?;
    output::talk("Next: usher check");
    Ok(())
}
