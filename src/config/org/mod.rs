//! org.toml: who may come in, and as what.
//!
//! - `parent`: `[parent]`, `[[domain]]`
//! - `connection`: `[[connection]]`, SAML; `oidc`: what it has over OpenID Connect
//! - `organization`: `[[organization]]` with its mappings and policy; `plan`: what a plan sets
//! - `advice`: what is allowed and worth a second look
//!
//! The one rule of this folder: what comes out needs no further check, except by the doors, which alone understand their protocols.

use std::collections::BTreeMap;
use std::path::Path;

use super::fault::{Fault, Faults};
use super::load::{finish, read_file, with_tree};
use super::section::Section;
use crate::core::Settings;

mod advice;
mod connection;
mod oidc;
mod organization;
mod parent;
mod plan;

pub use plan::PlanDefaults;

/// Reads org.toml. `env` serves `env:NAME`; no key of this file is overridden by the environment.
///
/// # Errors
/// [`Faults`]: everything that is wrong with it, at once. Otherwise the settings, and what is worth a second look.
pub fn load(path: &Path, env: &BTreeMap<String, String>) -> Result<(Settings, Vec<Fault>), Faults> {
    parse(path, &read_file(path)?, env)
}

/// As [`load`], for a text that is at hand; `path` only names it.
///
/// # Errors
/// [`Faults`].
pub fn parse(path: &Path, text: &str, env: &BTreeMap<String, String>) -> Result<(Settings, Vec<Fault>), Faults> {
    // Whether development keys are acceptable is known only beside usher.toml, which is where logins are served from.
    let (settings, found) = read_text(path, text, env, true);
    finish(settings, found)
}

/// Reads org.toml and leaves it to the caller what to do about what was found.
pub(super) fn read(path: &Path, env: &BTreeMap<String, String>, development: bool) -> Result<(Option<Settings>, Vec<Fault>), Faults> {
    Ok(read_text(path, &read_file(path)?, env, development))
}

fn read_text(path: &Path, text: &str, env: &BTreeMap<String, String>, development: bool) -> (Option<Settings>, Vec<Fault>) {
    with_tree(path, text, env, false, |mut root| {
        let settings = read_root(&mut root, development);
        root.finish();
        settings
    })
}

fn read_root(root: &mut Section<'_>, development: bool) -> Option<Settings> {
    let parent_name = parent::name(root.section("parent"));
    let domains = parent::domains(root);
    let connections = connection::read_all(root, &domains, development);
    let organizations = organization::read_all(root, &domains);
    let parent_name = parent_name.or_else(|| organizations.first().map(|organization| organization.name.clone()));
    let settings = Settings { parent_name: parent_name?, domains, connections, organizations };
    // Settings that stand in for what could not be read are no ground for advice.
    if !root.reader().has_errors() {
        advice::give(root, &settings);
    }
    Some(settings)
}
