//! A fault, where it is, and how it is shown: a pointer into the file and a suggestion.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::json;

use super::code::{Code, Severity};

/// A file that was read, as it may be shown: secrets written into it are starred out.
#[derive(Debug)]
pub struct Document {
    name: String,
    shown: String,
}

impl Document {
    /// Takes the text. `name` is how the operator named the file.
    #[must_use]
    pub fn new(name: impl Into<String>, text: &str) -> Self {
        Self { name: name.into(), shown: super::mask::star_out_secrets(text) }
    }

    /// Line and column of a byte offset, both from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.shown.get(..offset).unwrap_or(&self.shown);
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}

/// Where a fault is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a file, at these bytes.
    Span(Arc<Document>, Range<usize>),
    /// In a file, nowhere in particular: something is missing.
    File(Arc<Document>),
    /// In an environment variable.
    Environment(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Its code.
    pub code: Code,
    /// The key, `route[0].upstream`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
    /// Where it is.
    pub place: Place,
}

impl Fault {
    fn group(&self) -> Group<'_> {
        let level = if self.code.severity() == Severity::Error { Level::ERROR } else { Level::WARNING };
        let title = level.primary_title(&self.message).id(self.code.as_str());
        let mut group = match &self.place {
            Place::Span(document, span) => {
                let annotation = AnnotationKind::Primary.span(span.clone()).label(&self.path);
                title.element(Snippet::source(&document.shown).path(&document.name).annotation(annotation))
            }
            Place::File(document) => {
                let group = title.element(annotate_snippets::Origin::path(&document.name));
                if self.path.is_empty() { group } else { group.element(Level::NOTE.message(format!("the key is `{}`", self.path))) }
            }
            Place::Environment(_) if self.path.is_empty() => Group::with_title(title),
            Place::Environment(name) => {
                Group::with_title(title).element(Level::NOTE.message(format!("`{}` is set by the environment variable {name}", self.path)))
            }
        };
        if let Some(suggestion) = &self.suggestion {
            group = group.element(Level::HELP.message(suggestion));
        }
        group
    }

    /// The fault as rustc would show it; `styled` adds colours for a terminal.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[self.group()])
    }

    /// The fault for programs.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let (file, position) = match &self.place {
            Place::Span(document, span) => (Some(&document.name), Some(document.position(span.start))),
            Place::File(document) => (Some(&document.name), None),
            Place::Environment(_) => (None, None),
        };
        let environment = if let Place::Environment(name) = &self.place { Some(name) } else { None };
        json!({
            "code": self.code.as_str(), "severity": self.code.severity().to_string(), "path": self.path, "message": self.message,
            "suggestion": self.suggestion, "file": file, "line": position.map(|p| p.0), "column": position.map(|p| p.1), "environment": environment,
        })
    }

    /// For the order in which faults are shown: by file, then by place.
    fn order(&self) -> (bool, String, usize) {
        match &self.place {
            Place::Span(document, span) => (false, document.name.clone(), span.start),
            Place::File(document) => (false, document.name.clone(), usize::MAX),
            Place::Environment(name) => (true, name.clone(), 0),
        }
    }
}

/// Everything that is wrong, at least one of it an error; warnings stand among them.
#[derive(Debug, Clone, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// One fault.
    #[must_use]
    pub fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }

    /// Splits what was found: no error among it gives the warnings.
    pub(super) fn unless_fatal(mut found: Vec<Fault>) -> Result<Vec<Fault>, Self> {
        found.sort_by_cached_key(Fault::order);
        if found.iter().any(|fault| fault.code.severity() == Severity::Error) { Err(Self(found)) } else { Ok(found) }
    }

    /// All of them, by file and place.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    /// All of them, by value.
    #[must_use]
    pub fn into_list(self) -> Vec<Fault> {
        self.0
    }

    /// All of them, shown one after the other.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        render_all(&self.0, styled)
    }
}

/// Shows several findings, with an empty line between them.
#[must_use]
pub fn render_all(faults: &[Fault], styled: bool) -> String {
    faults.iter().map(|fault| fault.render(styled)).collect::<Vec<_>>().join("\n\n")
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}
