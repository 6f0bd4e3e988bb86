//! Data on stdout, talk on stderr. Colours only on a terminal, and not with `NO_COLOR`.

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use super::Failure;
use crate::core::is_unseen;

/// Writes data, one line or more. Characters that nobody sees are replaced: names come from identity providers, and a terminal obeys what it reads.
///
/// # Errors
/// [`Failure::OutputClosed`] when nobody reads any more; [`Failure::Failed`] when the output is full or broken.
pub fn data(text: &str) -> Result<(), Failure> {
    write_data(&plain(text))
}

/// Writes data with colours in it, made from text that holds no control characters of its own.
///
/// # Errors
/// As [`data`].
pub fn data_styled(text: &str) -> Result<(), Failure> {
    write_data(text)
}

/// Writes JSON, indented.
///
/// # Errors
/// As [`data`].
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    write_data(&escaped(&text))
}

fn write_data(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::OutputClosed),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

/// Says something to the person at the terminal. That stderr is closed is no reason to stop.
pub fn talk(text: &str) {
    talk_styled(&plain(text));
}

/// Says something with colours in it.
pub fn talk_styled(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// JSON with what nobody sees escaped. JSON itself escapes the first 32 characters only, and `U+009B` alone is what `ESC [` is to a terminal. All of them
/// are below `U+10000`, and outside of its texts JSON has none but line breaks.
fn escaped(json: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unseen(c) && c != '\n' {
            // Writing to a text never fails.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// The text without what nobody sees, other than line breaks and tabs.
fn plain(text: &str) -> String {
    text.chars().map(|c| if is_unseen(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// `1 finding`, `2 findings`.
#[must_use]
pub fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Rows in columns, without lines around them, so that they can be cut and sorted.
#[must_use]
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header.to_vec());
    // A name is one cell of one line, whatever is in it.
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| plain(cell).replace(['\n', '\t'], " ")).collect::<Vec<_>>()));
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}

/// How far something long is: a bar on a terminal, nothing in a pipe.
#[derive(Debug)]
pub struct Progress(indicatif::ProgressBar);

/// While there is something to count, and after that.
const COUNTED: &str = "{bar:32} {human_pos} of {human_len} {msg}, {eta} left";
const UNCOUNTED: &str = "{spinner} {prefix} {human_len} {msg}, {elapsed}";
/// How often something moves while nothing is counted, so that nobody takes it for stuck.
const TURN: Duration = Duration::from_millis(100);

impl Progress {
    /// A bar of so many things, which `what` names.
    #[must_use]
    pub fn of(what: &'static str) -> Self {
        Self(indicatif::ProgressBar::new(0).with_style(style(COUNTED)).with_message(what))
    }

    /// So many of so many.
    pub fn show(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// All were counted, and something is done with all of them at once.
    pub fn show_last(&self, doing: &'static str) {
        self.0.set_prefix(doing);
        self.0.set_style(style(UNCOUNTED));
        self.0.enable_steady_tick(TURN);
    }

    /// It is over; nothing of it stays on the terminal.
    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> indicatif::ProgressStyle {
    // The templates are constants that a test reads.
    indicatif::ProgressStyle::with_template(template).unwrap_or_else(|_| indicatif::ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_replaced_or_escaped_and_json_stays_json() {
        let hostile = "a\u{1b}[31m\u{9b}31m\u{202e}\u{7f}é";
        assert_eq!(plain(hostile), "a\u{fffd}[31m\u{fffd}31m\u{fffd}\u{fffd}é");
        let json = escaped(&serde_json::to_string_pretty(&[hostile]).unwrap());
        assert_eq!(json, "[\n  \"a\\u001b[31m\\u009b31m\\u202e\\u007fé\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [hostile]);
    }

    #[test]
    fn a_bar_can_be_drawn() {
        for template in [COUNTED, UNCOUNTED] {
            assert!(indicatif::ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
