//! From a path to types: the file, the environment over it, and the two files held against each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::code::Code;
use super::fault::{Document, Fault, Faults, Place};
use super::process::Process;
use super::section::{Reader, Section, Wrong, did_you_mean, read_text};
use super::tree::{self, Origin, Table};
use super::{Allow, Config, Database, org, process};
use crate::core::Settings;

/// usher.toml together with the org.toml that it names.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// usher.toml.
    pub config: Config,
    /// org.toml; `None` when usher.toml names none.
    pub settings: Option<Settings>,
    /// What is worth a look.
    pub warnings: Vec<Fault>,
}

/// Which of the two files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// usher.toml: what the process needs to start.
    Process,
    /// org.toml: who may come in, and as what.
    Organization,
}

/// Reads usher.toml, with `USHER__…` of `env` laid over it.
///
/// # Errors
/// [`Faults`]: everything that is wrong with it, at once.
pub fn load(path: &Path, env: &BTreeMap<String, String>) -> Result<Config, Faults> {
    let (config, found) = with_process(path, &read_file(path)?, env, |_, _| {});
    finish(config, found).map(|(config, _)| config)
}

/// Reads usher.toml and the org.toml that it names, and holds them against each other: a route's organization, role and tier exist, and
/// nothing that comes with the source code guards a public address.
///
/// # Errors
/// [`Faults`] of both files, at once.
pub fn load_with_org(path: &Path, env: &BTreeMap<String, String>) -> Result<Loaded, Faults> {
    let mut of_org = Vec::new();
    let mut settings = None;
    let (config, mut found) = with_process(path, &read_file(path)?, env, |process, section| {
        let Some(org_file) = &process.org_file else { return };
        match org::read(org_file, env, process.loopback) {
            Ok((read, found)) => {
                of_org = found;
                settings = read;
            }
            Err(faults) => of_org = faults.into_list(),
        }
        if let (Some(config), Some(settings)) = (&process.config, &settings) {
            hold_against(config, settings, section);
        }
    });
    found.extend(of_org);
    let (config, warnings) = finish(config, found)?;
    Ok(Loaded { config, settings, warnings })
}

/// What would be wrong with this text as a usher.toml, before it is written: the org.toml that it names is not read.
#[must_use]
pub fn check_text(path: &Path, text: &str) -> Vec<Fault> {
    with_process(path, text, &BTreeMap::new(), |_, _| {}).1
}

/// Checks a file of either kind; usher.toml brings the org.toml that it names along.
///
/// # Errors
/// [`Faults`]; the warnings otherwise.
pub fn check(path: &Path, env: &BTreeMap<String, String>) -> Result<(FileKind, Vec<Fault>), Faults> {
    let (root, _) = tree::parse(&read_file(path)?);
    let organization = ["parent", "domain", "connection", "organization"].iter().any(|key| root.contains_key(*key));
    if organization && !root.contains_key("public_url") && !root.contains_key("route") {
        org::load(path, env).map(|(_, warnings)| (FileKind::Organization, warnings))
    } else {
        load_with_org(path, env).map(|loaded| (FileKind::Process, loaded.warnings))
    }
}

/// Reads a file's text.
pub(super) fn read_file(path: &Path) -> Result<String, Faults> {
    read_text(path).map_err(|error| {
        let name = path.display().to_string();
        let fault = Fault {
            code: Code::Unreadable,
            path: String::new(),
            message: format!("{name} cannot be read: {error}"),
            suggestion: Some("name the file, or write one with `usher init`".to_owned()),
            place: Place::File(Arc::new(Document::new(name, ""))),
        };
        Faults::one(fault)
    })
}

/// Parses `text` and reads it with `read`. Beside a syntax error, faults on other lines are kept, except that nothing is called missing: it may
/// stand in what could not be read.
pub(super) fn with_tree<T>(
    path: &Path,
    text: &str,
    env: &BTreeMap<String, String>,
    overlay: bool,
    read: impl FnOnce(Section<'_>) -> Option<T>,
) -> (Option<T>, Vec<Fault>) {
    let (mut root, errors) = tree::parse(text);
    let reader = Reader::new(path, text, env);
    if overlay {
        for (name, wrong) in tree::overlay(&mut root, env) {
            reader.add("", &Origin::Environment(name.clone()), wrong);
        }
    }
    let value = read_root(&reader, &root, read);
    let mut found = reader.into_found();
    if errors.is_empty() {
        return (value, found);
    }
    let line = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count();
    let broken: Vec<usize> = errors.iter().flat_map(|(span, _)| line(span.start)..=line(span.end)).collect();
    found.retain(|fault| match &fault.place {
        Place::Span(_, span) => fault.code != Code::Missing && !broken.contains(&line(span.start)),
        Place::File(_) => false,
        Place::Environment(_) => true,
    });
    let syntax = Reader::new(path, text, env);
    for (span, message) in errors {
        syntax.add("", &Origin::Span(span), Wrong::new(Code::Syntax, format!("this is not TOML: {message}")));
    }
    found.extend(syntax.into_found());
    (None, found)
}

fn read_root<T>(reader: &Reader<'_>, root: &Table, read: impl FnOnce(Section<'_>) -> Option<T>) -> Option<T> {
    read(Section::root(reader, root))
}

fn with_process(
    path: &Path,
    text: &str,
    env: &BTreeMap<String, String>,
    then: impl FnOnce(&Process, &mut Section<'_>),
) -> (Option<Config>, Vec<Fault>) {
    with_tree(path, text, env, true, |mut root| {
        let process = process::read(&mut root);
        then(&process, &mut root);
        root.finish();
        process.config
    })
}

/// The value, if nothing is wrong. That nothing is wrong and still there is no value cannot be; it would be reported as a missing value.
pub(super) fn finish<T>(value: Option<T>, found: Vec<Fault>) -> Result<(T, Vec<Fault>), Faults> {
    let warnings = Faults::unless_fatal(found)?;
    value.map(|value| (value, warnings)).ok_or_else(|| {
        Faults::one(Fault {
            code: Code::Missing,
            path: String::new(),
            message: "the file is not complete".to_owned(),
            suggestion: None,
            place: Place::Environment("-".to_owned()),
        })
    })
}

fn hold_against(config: &Config, settings: &Settings, root: &mut Section<'_>) {
    let sections = root.sections("route");
    if sections.len() != config.routes.len() {
        return; // a route that could not be read: what is said of it comes first
    }
    for (route, mut section) in config.routes.iter().zip(sections) {
        let Some(organization) = settings.find_organization(&route.organization) else {
            let known = settings.organizations.iter().map(|organization| organization.id.as_str());
            let wrong =
                Wrong::new(Code::UnknownOrganization, format!("the org file has no organization {:?}", route.organization.as_str()));
            section.wrong("organization", wrong.suggest(did_you_mean(route.organization.as_str(), known)));
            continue;
        };
        match &route.allow {
            Allow::Role(role) if organization.role_rank(role).is_none() => {
                let known = organization.roles.iter().map(crate::core::Role::as_str);
                let wrong =
                    Wrong::new(Code::UnknownRole, format!("organization {:?} has no role {:?}", organization.id.as_str(), role.as_str()));
                section.wrong("allow", wrong.suggest(did_you_mean(role.as_str(), known)));
            }
            Allow::Tier(tier) if organization.tier_rank(tier).is_none() => {
                let known = organization.seat_tiers.iter().map(|seats| seats.tier.as_str());
                let wrong = Wrong::new(
                    Code::UnknownTier,
                    format!("organization {:?} has no seat tier {:?}", organization.id.as_str(), tier.as_str()),
                );
                section.wrong("allow", wrong.suggest(did_you_mean(tier.as_str(), known)));
            }
            _ => {}
        }
    }
}

/// A database that a command names, as the key `database` would, with `env:` and `file:` followed.
///
/// # Errors
/// What is wrong with it, in a sentence that shows no password.
pub fn parse_database(text: &str, env: &BTreeMap<String, String>) -> Result<Database, String> {
    let followed = Reader::new(Path::new("usher.toml"), "", env).follow(text);
    followed.and_then(|(value, _)| process::database_of(&value)).map_err(Wrong::message)
}
