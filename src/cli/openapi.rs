//! `usher openapi`: the document of the Admin API.

use super::{Failure, output};
use crate::gateway;

/// Arguments of `usher openapi`.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run() -> Result<(), Failure> {
    output::data(&gateway::openapi())?;
    output::talk("OpenAPI 3.1, as a running gateway serves it at /api/v1/openapi.json. Next: usher token create");
    Ok(())
}
