//! What text that comes from outside may hold when people are to read it.

/// Whether nobody sees this character: a control, one without width, or one that turns the text around it. A name with such characters can look like
/// another one, and some of them a terminal obeys.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
