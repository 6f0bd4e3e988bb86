//! Why something failed, in one line.

/// An error with its sources, for a log line: as JSON, an error that is logged as such says nothing of what is behind it.
#[must_use]
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
