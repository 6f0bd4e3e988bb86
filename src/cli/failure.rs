//! How a command ends badly.

use std::process::ExitCode;

use super::output;
use crate::admin::AdminError;
use crate::config::Faults;
use crate::store::StoreError;

/// The exit code of a command line that makes no sense.
pub const USAGE: u8 = 2;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It failed: 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// The command line makes no sense: 2.
    #[error("{0}")]
    Usage(String),
    /// Configuration is wrong: 3.
    #[error("the configuration is wrong")]
    Configuration(#[from] Faults),
    /// A check found errors, which it has said already: 4.
    #[error("{0}")]
    CheckFound(String),
    /// A safeguard said no: 5.
    #[error("{0}")]
    Refused(String),
    /// Whoever read the output has seen enough (`| head`): not a failure.
    #[error("the output was closed")]
    OutputClosed,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(why) => Self::Refused(why),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Store(error) => error.into(),
            AdminError::Refused { sentence, .. } => Self::Refused(sentence),
            AdminError::Stale | AdminError::ReviewChanged(_) => Self::Refused(error.to_string()),
            AdminError::Invalid(faults) => {
                Self::Usage(faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect::<Vec<_>>().join("; "))
            }
            other => Self::Failed(other.into()),
        }
    }
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => USAGE,
            Self::Configuration(_) => 3,
            Self::CheckFound(_) => 4,
            Self::Refused(_) => 5,
        }
    }

    /// Says it on stderr and gives the exit code.
    #[must_use]
    pub fn report(self) -> ExitCode {
        match &self {
            Self::OutputClosed => {}
            Self::Configuration(faults) => {
                output::talk_styled(&faults.render(true));
                let count = faults.list().len();
                output::talk(&format!(
                    "\n{} in the configuration. `usher check --explain CODE` says more.",
                    output::count(count, "finding")
                ));
            }
            Self::CheckFound(summary) => output::talk(summary),
            Self::Refused(why) => output::talk(&format!("refused: {why}")),
            Self::Failed(_) | Self::Usage(_) => output::talk(&format!("error: {self}")),
        }
        ExitCode::from(self.exit_code())
    }
}
