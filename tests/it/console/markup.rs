//! Whether a text became more than text on a page.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

/// In every hostile text, in each place that a parser could take for markup.
pub(super) const MARK: &str = "zq9";

/// A text that leaves an attribute, an element, a script, a comment and a style, and would run something in each.
pub(super) const TEXT: &str = "zq9\"'`></title></textarea></script></style>--><img src=x zq9=1 onerror=zq9()><zq9-x onfocus=zq9()><script>zq9()</script>{{ 7*7 }}${7*7}";

/// Attributes whose value is text for people, or for the form that it is in.
const TEXTUAL: [&str; 9] = ["alt", "aria-label", "content", "data-copy", "for", "id", "placeholder", "title", "value"];
/// Attributes whose value is an address.
const ADDRESSES: [&str; 4] = ["action", "formaction", "href", "hx-get"];

/// Where the mark stands outside of text.
pub(super) fn injected(html: &str) -> Vec<String> {
    let mut emitter = DefaultEmitter::<()>::default();
    // As a browser reads scripts, styles, titles and text fields: to their end tag, and nothing in them is an element.
    emitter.naively_switch_states(true);
    let mut found = Vec::new();
    let mut inside = String::new();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                inside = text(&tag.name);
                found.extend(marked(&inside).then(|| format!("<{inside}>")));
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value)));
                found.extend(
                    attributes.filter(|(name, value)| !is_harmless(name, value)).map(|(name, value)| format!("<{inside} {name}={value}>")),
                );
            }
            Token::EndTag(tag) => {
                found.extend(marked(&text(&tag.name)).then(|| format!("</{}>", text(&tag.name))));
                inside.clear();
            }
            Token::String(string) if ["script", "style"].contains(&inside.as_str()) && marked(&text(&string)) => {
                found.push(format!("in <{inside}>: {}", text(&string)));
            }
            Token::Comment(comment) if marked(&text(&comment)) => found.push(format!("<!--{}-->", text(&comment))),
            Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    found
}

fn is_harmless(name: &str, value: &str) -> bool {
    if !marked(value) {
        return !marked(name) && !name.starts_with("on");
    }
    if name == "nonce" {
        // Made at random, so the mark may be in it by chance.
        return value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    }
    if ADDRESSES.contains(&name) {
        // On this host, and not `//another.example`.
        return value.starts_with('/') && !value.starts_with("//") && !value.starts_with("/\\") || value.starts_with("mailto:");
    }
    TEXTUAL.contains(&name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

fn marked(text: &str) -> bool {
    text.contains(MARK)
}

#[test]
fn text_that_became_markup_is_noticed_wherever_it_does() {
    for harmless in [
        "<p>zq9&lt;script&gt;</p>",
        "<input value=\"zq9'&quot;&gt;\">",
        "<title>zq9<b></title>",
        "<textarea><zq9></textarea>",
        "<a href=\"/x?q=zq9\">a</a>",
    ] {
        assert_eq!(injected(harmless), [""; 0], "{harmless}");
    }
    for hostile in [
        "<zq9>",
        "<p zq9=1>",
        "<p onclick=x>",
        "<p style=\"zq9\">",
        "<img src=\"/zq9\">",
        "<a href=\"javascript:zq9()\">a</a>",
        "<a href=\"//zq9.example\">a</a>",
        "<a href=\"https://zq9.example\">a</a>",
        "<script>zq9()</script>",
        "<style>zq9</style>",
        "<!-- zq9 -->",
        "<p title=\"\"zq9=\"\">",
        "</zq9>",
    ] {
        assert_ne!(injected(hostile), [""; 0], "{hostile}");
    }
    assert!(injected(TEXT).len() >= 4, "{:?}", injected(TEXT));
}
