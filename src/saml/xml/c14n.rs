//! Exclusive XML canonicalization 1.0 without comments (<https://www.w3.org/TR/xml-exc-c14n/>), for a whole element of a document that went
//! through the gate: no comments, processing instructions or entities are left by then, so that only elements, attributes and text remain.

use roxmltree::{Attribute, Node, NodeId};

use super::MAX_XML_BYTES;
use crate::saml::SamlError;

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// Canonicalizes `apex` without the child `omitted` (the enveloped signature). `inclusive` is the `PrefixList`, `#default` among it or not.
///
/// # Errors
/// [`SamlError::NamespaceRefused`] for a prefix without a namespace or a namespace that is not an absolute URI: other implementations give an
/// empty text there, whose digest an attacker knows.
pub fn canonicalize(apex: Node<'_, '_>, omitted: Option<NodeId>, inclusive: &[&str]) -> Result<String, SamlError> {
    let output = String::with_capacity(apex.range().len() + 256);
    let mut writer = Writer { output, omitted, inclusive, rendered: Vec::new(), prefixes: Vec::new(), attributes: Vec::new() };
    writer.element(apex)?;
    Ok(writer.output)
}

struct Writer<'l, 'a, 'i> {
    output: String,
    omitted: Option<NodeId>,
    inclusive: &'l [&'l str],
    /// The namespace declarations that the open elements show, the nearest last.
    rendered: Vec<(&'a str, &'a str)>,
    /// Of the element that is being opened; kept from one to the next for their memory.
    prefixes: Vec<&'a str>,
    attributes: Vec<Attribute<'a, 'i>>,
}

impl<'a, 'i: 'a> Writer<'_, 'a, 'i> {
    /// Recursion is bounded by the gate's depth.
    fn element(&mut self, node: Node<'a, 'i>) -> Result<(), SamlError> {
        // A namespace declared once can be written once a child: the output can grow with the square of the message.
        if self.output.len() > MAX_XML_BYTES {
            return Err(SamlError::TooLarge);
        }
        let name = tag_name(node);
        let inherited = self.rendered.len();
        self.output.push('<');
        self.output.push_str(name);
        self.namespaces(node, name)?;
        self.attributes(node)?;
        self.output.push('>');
        for child in node.children() {
            if child.is_text() {
                self.text(child.text().unwrap_or_default());
            } else if child.is_element() && Some(child.id()) != self.omitted {
                self.element(child)?;
            }
        }
        self.rendered.truncate(inherited);
        self.output.push_str("</");
        self.output.push_str(name);
        self.output.push('>');
        Ok(())
    }

    /// Shows the namespaces of the prefixes that the element uses, and of those of the `PrefixList` that are in scope, where no element around it has:
    /// sorted, the default namespace first.
    fn namespaces(&mut self, node: Node<'a, 'i>, name: &'a str) -> Result<(), SamlError> {
        let mut prefixes = std::mem::take(&mut self.prefixes);
        prefixes.push(prefix_of(name));
        for attribute in node.attributes().filter(|attribute| !matches!(attribute.namespace(), None | Some(XML_NAMESPACE))) {
            prefixes.push(prefix_of(node.document().input_text().get(attribute.range_qname()).unwrap_or_default()));
        }
        for namespace in node.namespaces().filter(|_| !self.inclusive.is_empty()) {
            if self.inclusive.contains(&namespace.name().unwrap_or("#default")) {
                prefixes.push(namespace.name().unwrap_or_default());
            }
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        for prefix in prefixes.drain(..).filter(|prefix| *prefix != "xml") {
            let uri =
                if prefix.is_empty() { Some(node.default_namespace().unwrap_or("")) } else { node.lookup_namespace_uri(Some(prefix)) };
            let uri = uri.ok_or(SamlError::NamespaceRefused)?;
            let shown = self.rendered.iter().rev().find(|(known, _)| *known == prefix).map(|(_, uri)| *uri);
            // What is shown already was looked at then; without a declaration, the default namespace is none.
            if shown.or(prefix.is_empty().then_some("")) == Some(uri) {
                continue;
            }
            let no_default = prefix.is_empty() && uri.is_empty();
            if !no_default && !is_absolute(uri) {
                return Err(SamlError::NamespaceRefused);
            }
            self.rendered.push((prefix, uri));
            self.output.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.output.push_str(prefix);
            self.attribute_value(uri);
        }
        self.prefixes = prefixes;
        Ok(())
    }

    /// By namespace, those without one first, then by name.
    fn attributes(&mut self, node: Node<'a, 'i>) -> Result<(), SamlError> {
        let mut attributes = std::mem::take(&mut self.attributes);
        attributes.extend(node.attributes());
        attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
        for attribute in attributes.drain(..) {
            self.output.push(' ');
            self.output.push_str(node.document().input_text().get(attribute.range_qname()).ok_or(SamlError::NotXml)?);
            self.attribute_value(attribute.value());
        }
        self.attributes = attributes;
        Ok(())
    }

    fn attribute_value(&mut self, value: &str) {
        self.output.push_str("=\"");
        self.escaped(value, |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'"' => Some("&quot;"),
            b'\t' => Some("&#x9;"),
            b'\n' => Some("&#xA;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
        self.output.push('"');
    }

    fn text(&mut self, text: &str) {
        self.escaped(text, |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
    }

    /// Copies what stands between the characters that are written otherwise; all of these are ASCII.
    fn escaped(&mut self, text: &str, other: impl Fn(u8) -> Option<&'static str>) {
        let mut rest = text;
        while let Some((at, escape)) = rest.bytes().enumerate().find_map(|(at, byte)| Some((at, other(byte)?))) {
            self.output.push_str(rest.get(..at).unwrap_or_default());
            self.output.push_str(escape);
            rest = rest.get(at + 1..).unwrap_or_default();
        }
        self.output.push_str(rest);
    }
}

/// The element's name as it is spelled: the parser keeps only namespace and local name.
fn tag_name<'a>(node: Node<'a, '_>) -> &'a str {
    let source = node.document().input_text().get(node.range()).unwrap_or_default();
    let name = source.strip_prefix('<').unwrap_or_default();
    let end = name.bytes().position(|byte| byte.is_ascii_whitespace() || byte == b'/' || byte == b'>');
    name.get(..end.unwrap_or(name.len())).unwrap_or_default()
}

/// `urn:…` or `scheme://…`: a scheme, a colon, and something after it.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let well_formed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !uri.contains(|c: char| c.is_control() || c.is_whitespace());
    well_formed && !rest.is_empty()
}

fn prefix_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    #[test]
    fn white_space_that_was_written_as_a_reference_stays_one() {
        let document =
            Document::parse("<a xmlns=\"urn:x\" b=\"&#9;&#10;&#13;&quot;&lt;&amp;>\">&#9;&#10;&#13;&quot;&lt;&amp;&gt;</a>").unwrap();
        assert_eq!(
            canonicalize(document.root_element(), None, &[]).unwrap(),
            "<a xmlns=\"urn:x\" b=\"&#x9;&#xA;&#xD;&quot;&lt;&amp;>\">\t\n&#xD;\"&lt;&amp;&gt;</a>"
        );
    }

    #[test]
    fn prefixes_of_the_list_are_shown_where_they_are_in_scope() {
        let document = Document::parse("<a xmlns=\"urn:d\" xmlns:x=\"urn:x\" xmlns:y=\"urn:y\"><y:b/></a>").unwrap();
        let shown = |list: &[&str]| canonicalize(document.root_element(), None, list).unwrap();
        assert_eq!(shown(&[]), "<a xmlns=\"urn:d\"><y:b xmlns:y=\"urn:y\"></y:b></a>");
        assert_eq!(shown(&["x", "z"]), "<a xmlns=\"urn:d\" xmlns:x=\"urn:x\"><y:b xmlns:y=\"urn:y\"></y:b></a>");
        let child = document.root_element().first_child().unwrap();
        assert_eq!(canonicalize(child, None, &["#default"]).unwrap(), "<y:b xmlns=\"urn:d\" xmlns:y=\"urn:y\"></y:b>");
    }

    #[test]
    fn a_prefix_is_shown_where_the_nearest_element_that_shows_it_means_another_namespace() {
        let text = "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\"><p:c></p:c><p:d xmlns:p=\"urn:1\"></p:d></p:b><p:e></p:e></p:a>";
        assert_eq!(canonicalize(Document::parse(text).unwrap().root_element(), None, &[]).unwrap(), text);
    }

    #[test]
    fn attributes_stand_by_their_namespaces_and_then_by_their_names() {
        let text = "<a xmlns:x=\"urn:z\" xmlns:y=\"urn:b\" x:a=\"1\" y:b=\"2\" c=\"3\" xml:lang=\"de\" b=\"4\" y:a=\"5\"/>";
        let document = Document::parse(text).unwrap();
        assert_eq!(
            canonicalize(document.root_element(), None, &["xml"]).unwrap(),
            "<a xmlns:x=\"urn:z\" xmlns:y=\"urn:b\" b=\"4\" c=\"3\" xml:lang=\"de\" y:a=\"5\" y:b=\"2\" x:a=\"1\"></a>"
        );
    }

    #[test]
    fn a_namespace_is_absolute_when_it_has_a_scheme_and_something_behind_it() {
        for absolute in ["urn:x", "https://idp.example/", "a+b-.1:c"] {
            assert!(is_absolute(absolute), "{absolute}");
        }
        for other in ["", "x", ":x", "urn:", "1x:y", "+x:y", "a_b:c", "a/b:c", "urn:a b", "urn:a\u{1}", "urn:a\u{a0}b"] {
            assert!(!is_absolute(other), "{other}");
        }
    }
}
