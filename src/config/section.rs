//! Reading a tree key by key: every question is answered with a value or leaves a fault, and no fault stops the reading.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::code::{Code, Severity};
use super::fault::{Document, Fault, Place};
use super::tree::{Node, Origin, Table, Value};

/// The largest file that `file:` reads, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const TEXT: &str = "a text in quotes";
const LIST: &str = "a list in brackets";

/// What is wrong, before it is known where.
#[derive(Debug)]
pub(super) struct Wrong {
    code: Code,
    message: String,
    suggestion: Option<String>,
}

impl Wrong {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), suggestion: None }
    }

    pub(super) fn message(self) -> String {
        match self.suggestion {
            Some(suggestion) => format!("{}; {suggestion}", self.message),
            None => self.message,
        }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// One file that is being read, and what was found wrong so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    document: Arc<Document>,
    folder: PathBuf,
    env: &'a BTreeMap<String, String>,
    found: RefCell<Vec<Fault>>,
}

/// A string with `env:` and `file:` followed.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// What it means.
    pub(super) value: String,
    /// What may be shown: the string as written, so that no secret gets into a message.
    pub(super) shown: String,
    /// The file that it was read from.
    pub(super) file: Option<PathBuf>,
    /// Its key.
    pub(super) path: String,
    /// Where it was written.
    pub(super) origin: Origin,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &Path, text: &str, env: &'a BTreeMap<String, String>) -> Self {
        let document = Arc::new(Document::new(path.display().to_string(), text));
        Self { document, folder: path.parent().unwrap_or_else(|| Path::new("")).to_owned(), env, found: RefCell::default() }
    }

    /// A path as written in the file: relative ones start at the file's folder.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(super) fn add(&self, path: &str, origin: &Origin, wrong: Wrong) {
        let place = match origin {
            Origin::Span(span) => Place::Span(Arc::clone(&self.document), span.clone()),
            Origin::Environment(name) => Place::Environment(name.clone()),
            Origin::Nowhere => Place::File(Arc::clone(&self.document)),
        };
        let fault = Fault { code: wrong.code, path: path.to_owned(), message: wrong.message, suggestion: wrong.suggestion, place };
        let mut found = self.found.borrow_mut();
        // A key that is asked for twice is wrong once.
        let again = found.iter().any(|other| other.code == fault.code && other.path == fault.path && other.message == fault.message);
        if !again {
            found.push(fault);
        }
    }

    pub(super) fn at(&self, text: &Text, wrong: Wrong) {
        self.add(&text.path, &text.origin, wrong);
    }

    /// Whether anything was found so far that is more than a warning.
    pub(super) fn has_errors(&self) -> bool {
        self.found.borrow().iter().any(|fault| fault.code.severity() == Severity::Error)
    }

    pub(super) fn into_found(self) -> Vec<Fault> {
        self.found.into_inner()
    }

    /// A text with `env:` and `file:` followed, and the file that it was read from.
    pub(super) fn follow(&self, written: &str) -> Result<(String, Option<PathBuf>), Wrong> {
        if let Some(name) = written.strip_prefix("env:") {
            let missing = || {
                Wrong::new(Code::Indirect, format!("the environment variable {name} is not set"))
                    .suggest("set it where Usher is started, or write the value here")
            };
            return self.env.get(name).map(|value| (value.clone(), None)).ok_or_else(missing);
        }
        let Some(name) = written.strip_prefix("file:") else { return Ok((written.to_owned(), None)) };
        let path = self.beside(name);
        match read_text(&path) {
            Ok(text) => Ok((text.trim_end_matches(['\r', '\n']).to_owned(), Some(path))),
            Err(error) => Err(Wrong::new(Code::Indirect, format!("{name} cannot be read: {error}"))
                .suggest("a relative path starts at the folder of this file; Usher's user must be allowed to read it")),
        }
    }
}

/// Reads a file of text, up to 1 MiB.
pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

/// One table of the file. Ask for keys, then [`Section::finish`]: what nobody asked for is unknown.
#[derive(Debug)]
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    table: Option<&'a Table>,
    origin: Origin,
    path: String,
    asked: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn root(reader: &'a Reader<'a>, table: &'a Table) -> Self {
        Self { reader, table: Some(table), origin: Origin::Nowhere, path: String::new(), asked: BTreeSet::new() }
    }

    pub(super) const fn reader(&self) -> &'a Reader<'a> {
        self.reader
    }

    fn path_of(&self, key: &str) -> String {
        let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let key = if plain { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.insert(key);
        self.table?.get(key).map(|(_, node)| node)
    }

    /// Whether the key is written, whatever its value.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        self.node(key).is_some()
    }

    /// Counts keys as known without reading them: another fault already says why they cannot be read.
    pub(super) fn forgive(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    /// A fault of this key: at its value when it is written, else at the table.
    pub(super) fn wrong(&mut self, key: &'static str, wrong: Wrong) {
        let origin = self.node(key).map_or_else(|| self.origin.clone(), |node| node.origin.clone());
        self.reader.add(&self.path_of(key), &origin, wrong);
    }

    /// A fault of the table itself.
    pub(super) fn wrong_here(&self, wrong: Wrong) {
        self.reader.add(&self.path, &self.origin, wrong);
    }

    /// Says that the key must be there.
    pub(super) fn missing(&mut self, key: &'static str, example: &str) {
        let message = format!("`{}` is missing", self.path_of(key));
        self.reader.add(
            &self.path_of(key),
            &self.origin,
            Wrong::new(Code::Missing, message).suggest(format!("add for example: {example}")),
        );
    }

    fn mistyped(&self, path: &str, node: &Node, expected: &str) {
        let message = format!("`{path}` is {}, and should be {expected}", node.value.kind());
        let suggestion = match (&node.value, expected) {
            (Value::Integer(_), TEXT) => "write it in quotes; a duration or a size also needs its unit: \"30s\", \"10MiB\"",
            (Value::Text(_), LIST) => "write it in brackets: [\"…\"]",
            _ => "`usher check --explain U004` shows how each kind is written",
        };
        self.reader.add(path, &node.origin, Wrong::new(Code::WrongType, message).suggest(suggestion));
    }

    fn text_of(&self, path: String, node: &Node, follow: bool) -> Option<Text> {
        let (Value::Text(written) | Value::Override(written)) = &node.value else {
            self.mistyped(&path, node, TEXT);
            return None;
        };
        let (value, file) = if follow {
            self.reader.follow(written).map_err(|wrong| self.reader.add(&path, &node.origin, wrong)).ok()?
        } else {
            (written.clone(), None)
        };
        Some(Text { value, shown: written.clone(), file, path, origin: node.origin.clone() })
    }

    /// A string.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Text> {
        let node = self.node(key)?;
        self.text_of(self.path_of(key), node, true)
    }

    /// A string that must be there.
    pub(super) fn required(&mut self, key: &'static str, example: &str) -> Option<Text> {
        if !self.has(key) {
            self.missing(key, example);
        }
        self.text(key)
    }

    /// A string, understood by `parse`.
    pub(super) fn parsed<T>(&mut self, key: &'static str, parse: impl FnOnce(&Text) -> Result<T, Wrong>) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|wrong| self.reader.at(&text, wrong)).ok()
    }

    /// A string that must be there, understood by `parse`.
    pub(super) fn parsed_required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&Text) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = self.required(key, example)?;
        parse(&text).map_err(|wrong| self.reader.at(&text, wrong)).ok()
    }

    /// A list of strings; `None` when the key is not there, or something in it is wrong.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<Text>> {
        let node = self.node(key)?;
        let path = self.path_of(key);
        if let Value::Text(_) = node.value {
            self.mistyped(&path, node, LIST);
            return None;
        }
        self.texts_of(&path, node, true)
    }

    /// A list of strings, or one string alone.
    pub(super) fn text_or_texts(&mut self, key: &'static str) -> Option<Vec<Text>> {
        let node = self.node(key)?;
        self.texts_of(&self.path_of(key), node, true)
    }

    fn texts_of(&self, path: &str, node: &Node, follow: bool) -> Option<Vec<Text>> {
        // Collected before they are judged, so that each bad item leaves its own fault.
        let texts: Vec<Option<Text>> = match &node.value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.text_of(format!("{path}[{index}]"), item, follow)).collect()
            }
            Value::Text(_) => vec![self.text_of(path.to_owned(), node, follow)],
            Value::Override(list) => list
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| {
                    let item = Node { origin: node.origin.clone(), value: Value::Override(item.to_owned()) };
                    self.text_of(path.to_owned(), &item, follow)
                })
                .collect(),
            _ => {
                self.mistyped(path, node, LIST);
                return None;
            }
        };
        texts.into_iter().collect()
    }

    /// Whether this word stands here, for keys that take true, false or a word.
    pub(super) fn is_text(&mut self, key: &'static str, word: &str) -> bool {
        let found = self.node(key).map(|node| &node.value);
        matches!(found, Some(Value::Text(text) | Value::Override(text)) if text == word)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Boolean(boolean) => Some(*boolean),
            Value::Override(text) if text == "true" => Some(true),
            Value::Override(text) if text == "false" => Some(false),
            _ => {
                self.mistyped(&self.path_of(key), node, "true or false, without quotes");
                None
            }
        }
    }

    /// A whole number that must be there.
    pub(super) fn number(&mut self, key: &'static str, example: &str) -> Option<i64> {
        let Some(node) = self.node(key) else {
            self.missing(key, example);
            return None;
        };
        match &node.value {
            Value::Integer(number) => return Some(*number),
            Value::Override(text) if text.parse::<i64>().is_ok() => return text.parse().ok(),
            _ => self.mistyped(&self.path_of(key), node, "a whole number, without quotes"),
        }
        None
    }

    /// A table; an empty one when it is not there.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let path = self.path_of(key);
        let node = self.node(key);
        let table = match node {
            Some(Node { value: Value::Table(table), .. }) => Some(table),
            Some(node) => {
                self.mistyped(&path, node, &format!("a table: [{path}]"));
                None
            }
            None => None,
        };
        let origin = node.map_or(Origin::Nowhere, |node| node.origin.clone());
        Self { reader: self.reader, table, origin, path, asked: BTreeSet::new() }
    }

    /// A list of tables; none when the key is not there.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let path = self.path_of(key);
        let Value::Array(items) = &node.value else {
            self.mistyped(&path, node, &format!("a list of tables: [[{path}]]"));
            return Vec::new();
        };
        let open = |(index, item): (usize, &'a Node)| {
            let path = format!("{path}[{index}]");
            let Value::Table(table) = &item.value else {
                self.mistyped(&path, item, "a table");
                return None;
            };
            Some(Self { reader: self.reader, table: Some(table), origin: item.origin.clone(), path, asked: BTreeSet::new() })
        };
        items.iter().enumerate().filter_map(open).collect()
    }

    /// The keys of a table whose keys are the operator's own, each as a text without a value, and what stands there.
    pub(super) fn entries(&self) -> Vec<(Text, &'a Node)> {
        let entry = |(key, (origin, node)): (&String, &'a (Origin, Node))| {
            let text = Text { value: key.clone(), shown: key.clone(), file: None, path: self.path_of(key), origin: origin.clone() };
            (text, node)
        };
        self.table.into_iter().flatten().map(entry).collect()
    }

    /// A string under one of [`Section::entries`].
    pub(super) fn entry_text(&self, key: &Text, node: &Node) -> Option<Text> {
        self.text_of(key.path.clone(), node, true)
    }

    /// Items of a list under one of [`Section::entries`]: strings as they are, or tables.
    pub(super) fn entry_items(&self, key: &Text, node: &'a Node) -> Vec<Item<'a>> {
        let Value::Array(items) = &node.value else {
            return self.texts_of(&key.path, node, false).into_iter().flatten().map(Item::Text).collect();
        };
        let open = |(index, item): (usize, &'a Node)| {
            let path = format!("{}[{index}]", key.path);
            match &item.value {
                Value::Table(table) => {
                    let origin = item.origin.clone();
                    Some(Item::Section(Self { reader: self.reader, table: Some(table), origin, path, asked: BTreeSet::new() }))
                }
                _ => self.text_of(path, item, false).map(Item::Text),
            }
        };
        items.iter().enumerate().filter_map(open).collect()
    }

    /// Says which keys nobody knows.
    pub(super) fn finish(self) {
        for (key, (origin, _)) in self.table.into_iter().flatten() {
            if self.asked.contains(key.as_str()) {
                continue;
            }
            let place = if self.path.is_empty() { "at the top".to_owned() } else { format!("in `{}`", self.path) };
            let wrong = Wrong::new(Code::UnknownKey, format!("there is no key {key:?} {place}"));
            self.reader.add(&self.path_of(key), origin, wrong.suggest(did_you_mean(key, self.asked.iter().copied())));
        }
    }
}

/// One item of a list that may hold strings and tables.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Text(Text),
    Section(Section<'a>),
}

/// The nearest of the known words, or all of them when none is near.
pub(super) fn did_you_mean<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The known word that this one was probably meant to be.
pub(super) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let (distance, nearest) = known.into_iter().map(|candidate| (distance(candidate), candidate)).min()?;
    (distance <= word.chars().count().div_ceil(3)).then_some(nearest)
}
