//! `usher serve`: its arguments, and what it reads before anything listens.

use std::path::PathBuf;

use super::{Context, Failure};
use crate::config::{self, Loaded};

/// Arguments of `usher serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration of the process.
    #[arg(long, value_name = "FILE", default_value = "usher.toml")]
    pub config: PathBuf,
}

impl Args {
    /// Reads usher.toml and the org.toml that it names.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with everything that is wrong in either.
    pub fn load(&self, context: &Context) -> Result<Loaded, Failure> {
        Ok(config::load_with_org(&self.config, &context.env)?)
    }
}
