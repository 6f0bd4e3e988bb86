//! Reading, canonicalizing, signing and verifying XML, in the one shape that SAML has.
//!
//! - here: the gate in front of the parser, and strict lookups behind it
//! - [`c14n`]: exclusive canonicalization
//! - [`algorithms`]: what may sign, and with which key
//! - [`signature`]: which bytes are signed
//! - [`sign`]: the other direction, for our requests and the demo's identity provider
//!
//! The one rule of this folder: nothing is read leniently. What the profile does not name is refused, and an error is never an empty answer.

pub mod algorithms;
pub mod c14n;
pub mod sign;
pub mod signature;

use std::collections::HashSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::SamlError;

pub(super) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The largest message, in bytes of XML.
pub const MAX_XML_BYTES: usize = 256 * 1024;
/// The largest base64 text that is decoded at all.
pub const MAX_BASE64_BYTES: usize = 512 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_NODES: u32 = 10_000;
const MAX_ATTRIBUTES_OF_AN_ELEMENT: usize = 64;
/// Namespace declarations in scope of one element. For each element that adds one, the parser compares all of them with each other: a few hundred
/// in scope of thousands of elements are minutes of work in 256 KiB. Providers have fewer than ten.
const MAX_NAMESPACES_IN_SCOPE: usize = 32;

/// Parses a message after it went through the gate: size, no `<!` and no `<?` anywhere, depth, width, unique ids.
///
/// # Errors
/// Each refusal has its own code.
pub fn parse(text: &str) -> Result<Document<'_>, SamlError> {
    parse_with(text, Comments::Refused)
}

/// As [`parse`], for metadata: people write comments into it, and it comes from the operator or over TLS. A byte order mark is taken off.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_metadata(text: &str) -> Result<Document<'_>, SamlError> {
    parse_with(text.trim_start_matches('\u{feff}').trim_start(), Comments::Skipped)
}

#[derive(Clone, Copy, PartialEq)]
enum Comments {
    Refused,
    Skipped,
}

fn parse_with(text: &str, comments: Comments) -> Result<Document<'_>, SamlError> {
    if text.len() > MAX_XML_BYTES {
        return Err(SamlError::TooLarge);
    }
    // A byte order mark or UTF-16 read as UTF-8: other readers would see another document.
    if text.starts_with('\u{feff}') || text.contains('\0') {
        return Err(SamlError::NotXml);
    }
    check_markup(after_declaration(text)?, comments)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => SamlError::TooWide,
        roxmltree::Error::UnknownNamespace(..) => SamlError::NamespaceRefused,
        _ => SamlError::NotXml,
    })?;
    check_ids(&document)?;
    Ok(document)
}

/// What follows an XML declaration of XML 1.0 in UTF-8, the only thing with `<?` that a message may have. In XML 1.1 other characters end a line.
fn after_declaration(text: &str) -> Result<&str, SamlError> {
    let Some(declaration) = text.strip_prefix("<?xml ") else { return Ok(text) };
    let (declaration, rest) = declaration.split_once("?>").ok_or(SamlError::NotXml)?;
    let declaration = declaration.to_ascii_lowercase().replace('\'', "\"");
    let words: Vec<&str> = declaration.split_ascii_whitespace().collect();
    // Whether it stands alone means nothing without a document type.
    match words.strip_suffix(&["standalone=\"yes\""]).or_else(|| words.strip_suffix(&["standalone=\"no\""])).unwrap_or(&words) {
        ["version=\"1.0\""] | ["version=\"1.0\"", "encoding=\"utf-8\""] => Ok(rest),
        [_, encoding, ..] if encoding.starts_with("encoding=") && *encoding != "encoding=\"utf-8\"" => Err(SamlError::NotUtf8),
        _ => Err(SamlError::NotXml),
    }
}

/// Walks over the tags without building anything, so that a hostile shape costs one pass: the parser's own work on namespaces and attributes
/// grows with the square of depth and width.
fn check_markup(text: &str, comments: Comments) -> Result<(), SamlError> {
    // Namespaces in scope, for each open element.
    let mut open: Vec<usize> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.as_bytes().first() {
            Some(b'?') => return Err(SamlError::ProcessingInstruction),
            Some(b'!') if rest.starts_with("!--") && comments == Comments::Skipped => {
                rest = rest.split_once("-->").ok_or(SamlError::NotXml)?.1;
            }
            Some(b'!') if rest.starts_with("!--") => return Err(SamlError::Comment),
            Some(b'!') if rest.starts_with("![CDATA[") => return Err(SamlError::Cdata),
            Some(b'!') => return Err(SamlError::Doctype),
            Some(b'/') => drop(open.pop()),
            _ => {
                let Tag { attributes, namespaces, end } = scan_tag(rest)?;
                if attributes > MAX_ATTRIBUTES_OF_AN_ELEMENT {
                    return Err(SamlError::TooWide);
                }
                let (tag, after) = rest.split_at_checked(end).ok_or(SamlError::NotXml)?;
                rest = after;
                let in_scope = open.last().copied().unwrap_or_default() + namespaces;
                if in_scope > MAX_NAMESPACES_IN_SCOPE {
                    return Err(SamlError::TooWide);
                }
                if !tag.ends_with('/') {
                    open.push(in_scope);
                }
            }
        }
        if open.len() > MAX_DEPTH {
            return Err(SamlError::TooDeep);
        }
    }
    Ok(())
}

/// What the gate has to know of a start tag.
struct Tag {
    /// Quoted values.
    attributes: usize,
    /// Quoted values behind something with `xmlns`.
    namespaces: usize,
    /// Where its `>` stands.
    end: usize,
}

fn scan_tag(text: &str) -> Result<Tag, SamlError> {
    let mut tag = Tag { attributes: 0, namespaces: 0, end: 0 };
    let mut has_default = false;
    loop {
        let rest = text.get(tag.end..).unwrap_or_default();
        let before = rest.bytes().position(|byte| matches!(byte, b'>' | b'<' | b'"' | b'\'')).ok_or(SamlError::NotXml)?;
        let (before, rest) = rest.split_at_checked(before).ok_or(SamlError::NotXml)?;
        tag.end += before.len();
        let quote = match rest.as_bytes().first() {
            Some(b'>') => return Ok(tag),
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            _ => return Err(SamlError::NotXml),
        };
        let (value, _) = rest.get(1..).unwrap_or_default().split_once(quote).ok_or(SamlError::NotXml)?;
        if value.contains('<') {
            return Err(SamlError::NotXml);
        }
        tag.attributes += 1;
        if before.as_bytes().windows(5).any(|name| name == b"xmlns") {
            tag.namespaces += 1;
            // The parser refuses every other name that stands twice, and takes the first of these.
            if is_default_namespace(before) && std::mem::replace(&mut has_default, true) {
                return Err(SamlError::NotXml);
            }
        }
        tag.end += value.len() + 2;
    }
}

/// Whether what stands before a quoted value ends with the name `xmlns`.
fn is_default_namespace(before: &str) -> bool {
    let name = before.trim_ascii_end().trim_end_matches('=').trim_ascii_end();
    name.strip_suffix("xmlns").is_some_and(|rest| rest.is_empty() || rest.ends_with(|c: char| c.is_ascii_whitespace()))
}

/// Every attribute that any reader could take for an id (`ID`, `Id`, `id`, `xml:id`) is an `NCName` and stands once in the document.
fn check_ids(document: &Document<'_>) -> Result<(), SamlError> {
    let mut seen = HashSet::new();
    for node in document.descendants() {
        for attribute in node.attributes().filter(|attribute| attribute.name().eq_ignore_ascii_case("id")) {
            let id = attribute.value();
            let starts_well = id.starts_with(|c: char| c == '_' || c.is_alphabetic());
            if !starts_well || id.len() > 256 || !id.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) {
                return Err(SamlError::IdMalformed);
            }
            if !seen.insert(id) {
                return Err(SamlError::DuplicateId);
            }
        }
    }
    Ok(())
}

/// Whether a node is this element, by namespace and local name; the prefix is only spelling.
pub(super) fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(namespace) && node.tag_name().name() == name
}

/// The child elements of an element that has no text of its own.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>, what: &'static str) -> Result<Vec<Node<'a, 'i>>, SamlError> {
    let blank = |text: Option<&str>| text.unwrap_or_default().chars().all(|c| c.is_ascii_whitespace());
    if node.children().any(|child| !child.is_element() && !blank(child.text())) {
        return Err(SamlError::Structure(what));
    }
    Ok(node.children().filter(Node::is_element).collect())
}

/// The value of an element that holds one piece of text and nothing else.
pub(super) fn value<'a>(node: Node<'a, '_>, what: &'static str) -> Result<&'a str, SamlError> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (Some(child), None) if child.is_text() => child.text().ok_or(SamlError::ValueNotText(what)),
        _ => Err(SamlError::ValueNotText(what)),
    }
}

/// An attribute without a namespace.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.namespace().is_none() && attribute.name() == name).map(|found| found.value())
}

/// Escapes text for element content and for attribute values in double quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Declarations on the way down, then as many children as fit that each add one more.
    fn crowded(in_scope: usize) -> String {
        let declarations = (1..in_scope).fold(String::new(), |all, number| all + &format!(" xmlns:n{number}='u'"));
        let mut text = format!("<a{declarations}>");
        while text.len() + 20 < MAX_XML_BYTES {
            text.push_str("<a xmlns:b='c'/>");
        }
        text + "</a>"
    }

    /// With 2,000 in scope, one message kept a core busy for minutes: before any signature was looked at.
    #[test]
    fn namespaces_that_pile_up_are_refused_before_they_cost_anything() {
        assert_eq!(parse(&crowded(MAX_NAMESPACES_IN_SCOPE + 1)).err(), Some(SamlError::TooWide));
        let deep = (0..MAX_NAMESPACES_IN_SCOPE).fold(String::new(), |inside, number| format!("<a xmlns:n{number}='u'>{inside}</a>"));
        assert!(parse(&deep).is_ok(), "as many as may be, one an element");
        assert_eq!(parse(&format!("<a xmlns:x='u' xmlns:y='u'>{deep}</a>")).err(), Some(SamlError::TooWide));
    }

    #[test]
    fn a_namespace_counts_however_it_is_declared() {
        for declaration in [" xmlns:n='u'", " xmlns:n = \"u\"", "\n\txmlns:n\r\n=\r\n'u'", "xmlns:n='>'", " a='\"'xmlns:n=\"'\""] {
            let one = |count: usize| parse(&format!("<a{}/>", declaration.repeat(count))).err();
            assert_eq!(one(MAX_NAMESPACES_IN_SCOPE + 1), Some(SamlError::TooWide), "{declaration:?}");
            assert_ne!(one(MAX_NAMESPACES_IN_SCOPE), Some(SamlError::TooWide), "{declaration:?}");
        }
    }

    /// Not well-formed, and no attack that we know of: but other readers could take the other one.
    #[test]
    fn the_default_namespace_is_declared_once() {
        for twice in ["xmlns='u' xmlns='v'", "xmlns='u' b='' xmlns = \"u\"", "xmlns='u'xmlns='v'", "xmlns\n=\n'' xmlns='u'"] {
            assert_eq!(parse(&format!("<a {twice}/>")).err(), Some(SamlError::NotXml), "{twice}");
        }
        assert!(parse("<a xmlns='u' xmlns:xmlns2='v' b='xmlns=' bxmlns=''><a xmlns='v'/><a xmlns=''/></a>").is_ok());
    }

    #[test]
    fn a_declaration_says_xml_1_0_in_utf_8_and_nothing_else() {
        let declared = |declaration: &str| parse(&format!("<?xml {declaration}?><a/>")).err();
        for fine in [
            "version='1.0'",
            "version=\"1.0\" standalone=\"yes\"",
            "version=\"1.0\" encoding='Utf-8'",
            "version='1.0' encoding=\"UTF-8\" standalone=\"no\" ",
        ] {
            assert_eq!(declared(fine), None, "{fine}");
        }
        for odd in ["", "version='1.1'", "version='1.0\"", "version='1.0' x='y'", "encoding='utf-8'", "version='1.0' version='1.0'"] {
            assert_eq!(declared(odd), Some(SamlError::NotXml), "{odd}");
        }
        assert_eq!(declared("version='1.0' encoding='utf-7'"), Some(SamlError::NotUtf8));
    }

    #[test]
    fn a_message_may_have_the_largest_size_and_not_a_byte_more() {
        let sized = |bytes: usize| format!("<a>{}</a>", "x".repeat(bytes - "<a></a>".len()));
        assert!(parse(&sized(MAX_XML_BYTES)).is_ok());
        assert_eq!(parse(&sized(MAX_XML_BYTES + 1)).err(), Some(SamlError::TooLarge));
    }

    #[test]
    fn an_element_may_have_so_many_attributes_and_an_id_so_many_characters() {
        let wide = |count: usize| format!("<a{}/>", (0..count).fold(String::new(), |all, number| all + &format!(" b{number}=''")));
        assert!(parse(&wide(MAX_ATTRIBUTES_OF_AN_ELEMENT)).is_ok());
        assert_eq!(parse(&wide(MAX_ATTRIBUTES_OF_AN_ELEMENT + 1)).err(), Some(SamlError::TooWide));
        let named = |characters: usize| format!("<a ID='{}'/>", "x".repeat(characters));
        assert!(parse(&named(256)).is_ok());
        assert_eq!(parse(&named(257)).err(), Some(SamlError::IdMalformed));
    }

    #[test]
    fn what_is_escaped_is_read_back_as_it_was() {
        let text = "a&b<c>d\"e'f\tg\nh\ri \u{e4}";
        let xml = format!("<a b=\"{0}\">{0}</a>", escape(text));
        let document = parse(&xml).unwrap();
        assert_eq!(attribute(document.root_element(), "b"), Some(text));
        assert_eq!(value(document.root_element(), "a"), Ok(text));
    }

    #[test]
    fn namespaces_that_end_with_their_element_do_not_add_up() {
        let group = "<v xmlns:xs='u' xmlns:xsi='w'><t xmlns='z'/></v>";
        assert!(parse(&format!("<a>{}</a>", group.repeat(1000))).is_ok());
    }
}
