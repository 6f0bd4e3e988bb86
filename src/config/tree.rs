//! A TOML file as a tree that knows where everything was written, with the environment laid over it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::code::Code;
use super::section::Wrong;

/// Where a value was written.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// At these bytes of the file.
    Span(Range<usize>),
    /// In this environment variable.
    Environment(String),
    /// Nowhere: it is the file as a whole.
    Nowhere,
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Table(Table),
    Array(Vec<Node>),
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// From the environment: what it is depends on who asks.
    Override(String),
    /// A float, a date, an integer beyond 64 bits.
    Other(&'static str),
}

impl Value {
    /// What it is, with its article.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::Array(_) => "a list",
            Self::Text(_) | Self::Override(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Other(kind) => kind,
        }
    }
}

/// A table: by key, where the key was written, and its value.
pub(super) type Table = BTreeMap<String, (Origin, Node)>;

/// Reads TOML. What could be read comes back beside the errors.
pub(super) fn parse(text: &str) -> (Table, Vec<(Range<usize>, String)>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let errors = errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message().to_owned())).collect();
    (table(root.get_ref()), errors)
}

fn table(source: &DeTable<'_>) -> Table {
    source.iter().map(|(key, value)| (key.get_ref().to_string(), (Origin::Span(key.span()), node(value)))).collect()
}

fn node(source: &Spanned<DeValue<'_>>) -> Node {
    let value = match source.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or(Value::Other("a huge number"), Value::Integer)
        }
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Float(_) => Value::Other("a number with a point"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Array(items) => Value::Array(items.iter().map(node).collect()),
        DeValue::Table(entries) => Value::Table(table(entries)),
    };
    Node { origin: Origin::Span(source.span()), value }
}

/// The start of every environment variable that stands for a key.
pub(super) const PREFIX: &str = "USHER__";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(usize),
    Key(String),
}

/// Lays `USHER__SESSION__IDLE_TIMEOUT=30m` over the tree; gives back the variables that fit nowhere.
pub(super) fn overlay(root: &mut Table, env: &BTreeMap<String, String>) -> Vec<(String, Wrong)> {
    let mut overrides: Vec<(Vec<Step>, &str, &str)> =
        env.iter().filter_map(|(name, value)| Some((steps(name.strip_prefix(PREFIX)?), name.as_str(), value.as_str()))).collect();
    // By number, so that route 2 is there before route 10 is added behind it.
    overrides.sort();
    let mut misfits = Vec::new();
    for (path, name, value) in overrides {
        if let Err(wrong) = set(root, &path, name, value) {
            misfits.push((name.to_owned(), wrong));
        }
    }
    misfits
}

fn steps(path: &str) -> Vec<Step> {
    path.split("__").map(|part| part.parse().map_or_else(|_| Step::Key(part.to_lowercase()), Step::Index)).collect()
}

fn set(table: &mut Table, path: &[Step], name: &str, value: &str) -> Result<(), Wrong> {
    let misfit = || Wrong::new(Code::Override, format!("{name} does not name a key"));
    let origin = || Origin::Environment(name.to_owned());
    let [Step::Key(key), rest @ ..] = path else { return Err(misfit()) };
    if key.is_empty() {
        return Err(misfit());
    }
    let blank = || match rest.first() {
        None => Value::Override(value.to_owned()),
        Some(Step::Index(_)) => Value::Array(Vec::new()),
        Some(Step::Key(_)) => Value::Table(Table::new()),
    };
    if rest.is_empty() {
        table.insert(key.clone(), (origin(), Node { origin: origin(), value: blank() }));
        return Ok(());
    }
    let (_, node) = table.entry(key.clone()).or_insert_with(|| (origin(), Node { origin: origin(), value: blank() }));
    match (&mut node.value, rest) {
        (Value::Table(inner), _) => set(inner, rest, name, value),
        (Value::Array(items), [Step::Index(index), rest @ ..]) => set_item(items, *index, rest, name, value),
        _ => Err(misfit().suggest(format!("`{key}` has no keys below it"))),
    }
}

fn set_item(items: &mut Vec<Node>, index: usize, rest: &[Step], name: &str, value: &str) -> Result<(), Wrong> {
    let origin = Origin::Environment(name.to_owned());
    if index > items.len() {
        let message = format!("{name} names entry {index} of a list that has {}", items.len());
        return Err(Wrong::new(Code::Override, message).suggest("count from 0, and leave no gap"));
    }
    if index == items.len() {
        let blank = if rest.is_empty() { Value::Override(value.to_owned()) } else { Value::Table(Table::new()) };
        items.push(Node { origin: origin.clone(), value: blank });
    }
    let Some(item) = items.get_mut(index) else { return Ok(()) };
    match &mut item.value {
        Value::Table(inner) if !rest.is_empty() => set(inner, rest, name, value),
        _ if rest.is_empty() => {
            *item = Node { origin, value: Value::Override(value.to_owned()) };
            Ok(())
        }
        _ => Err(Wrong::new(Code::Override, format!("{name} does not name a key"))),
    }
}
