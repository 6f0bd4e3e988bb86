//! Values for the macros of `templates/admin/parts.html`.

use std::fmt;

use askama::FastWritable;
use askama::filters::HtmlSafe;
use jiff::{SignedDuration, Timestamp};

use crate::core::Explanation;

/// One step of the way to a page; the last has no address.
#[derive(Debug, Clone)]
pub(super) struct Crumb {
    pub(super) label: String,
    pub(super) href: Option<String>,
}

/// The tone of a badge. It always comes with a word, so that nothing is said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "badge",
            Self::Good => "badge good",
            Self::Warn => "badge warn",
            Self::Bad => "badge bad",
        }
    }
}

/// A word with a tone.
#[derive(Debug, Clone)]
pub(super) struct Badge {
    pub(super) tone: Tone,
    pub(super) text: String,
}

impl Badge {
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// Links to the pages before and after this one of a long list.
#[derive(Debug, Clone, Default)]
pub(super) struct Pager {
    /// "1 to 50 of 214".
    pub(super) range: String,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

/// A little more than a page takes.
const SKEW: SignedDuration = SignedDuration::from_secs(10);

/// A time as people say it ("2 hours ago"), with the time itself in the title.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
}

impl When {
    fn words(self) -> String {
        let away = self.now.duration_since(self.at);
        // What was written after this page was begun is not of the future. A time that is to come is rounded: 30 days are 30 a moment later, too.
        let (past, away) = if away > -SKEW { (true, away) } else { (false, -away) };
        let round = |number: i64, unit: i64| if past { number / unit } else { (number + unit / 2) / unit };
        let minutes = round(away.as_secs(), 60);
        let (hours, days) = (round(minutes, 60), round(minutes, 24 * 60));
        let count = |n: i64, unit: &str| if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") };
        let length = match (minutes, hours) {
            (..1, _) => return if past { "just now".to_owned() } else { "in a moment".to_owned() },
            (..60, _) => count(minutes, "minute"),
            (_, ..24) => count(hours, "hour"),
            (_, ..1440) => count(days, "day"),
            _ => return self.at.strftime("%-d %b %Y").to_string(),
        };
        if past { format!("{length} ago") } else { format!("in {length}") }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, people) = (self.at.strftime("%Y-%m-%dT%H:%M:%SZ"), self.at.strftime("%-d %b %Y, %H:%M:%S UTC"));
        write!(f, "<time datetime=\"{machine}\" title=\"{people}\">{}</time>", self.words())
    }
}

impl FastWritable for When {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        write!(dest, "{self}").map_err(askama::Error::from)
    }
}

/// Digits and our own words.
impl HtmlSafe for When {}

/// An address with what of these is not empty.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let given: Vec<&(&str, &str)> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    if given.is_empty() {
        return path.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given.into_iter().copied()).finish();
    format!("{path}?{query}")
}

/// A field with choices.
#[derive(Debug, Clone)]
pub(super) struct Select {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) choices: Vec<Choice>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

impl Select {
    /// A field with these choices, one of which is chosen already, or the first.
    pub(super) fn new<V: Into<String>, L: Into<String>>(
        name: &'static str,
        label: &'static str,
        all: impl IntoIterator<Item = (V, L)>,
        chosen: &str,
    ) -> Self {
        let choice = |value: String, label: String| Choice { chosen: value == chosen, value, label };
        Self { name, label, choices: all.into_iter().map(|(value, label)| choice(value.into(), label.into())).collect() }
    }

    /// The same, where one may also choose nothing.
    pub(super) fn or_nothing(mut self, label: &str) -> Self {
        let chosen = self.choices.iter().all(|choice| !choice.chosen);
        self.choices.insert(0, Choice { value: String::new(), label: label.to_owned(), chosen });
        self
    }
}

/// A decision for somebody who reads it: the sentence, the code, and the rules that were tried.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) sentence: String,
    pub(super) code: &'static str,
    pub(super) lines: Vec<String>,
}

impl Told {
    pub(super) fn of(explanation: &Explanation) -> Self {
        let Explanation { role, seat, guards, pins, notes, changes, .. } = explanation;
        let lines = [role, seat, guards, pins, notes, changes].into_iter().flatten().cloned().collect();
        Self { sentence: explanation.sentence(), code: explanation.reason.code(), lines }
    }
}

/// "1 person", "3 people"; "1 seat", "3 seats".
pub(super) fn count(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    match number.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seconds: i64) -> String {
        let now: Timestamp = "2026-11-03T12:00:00Z".parse().unwrap();
        When { at: now - SignedDuration::from_secs(seconds), now }.words()
    }

    #[test]
    fn a_time_is_told_as_people_tell_it() {
        assert_eq!(said(20), "just now");
        assert_eq!(said(-20), "in a moment");
        assert_eq!(said(-1), "just now");
        assert_eq!(said(-(30 * 24 * 3600 - 1)), "in 30 days");
        assert_eq!(said(60), "1 minute ago");
        assert_eq!(said(7200), "2 hours ago");
        assert_eq!(said(-7200), "in 2 hours");
        assert_eq!(said(59 * 24 * 3600), "59 days ago");
        assert_eq!(said(60 * 24 * 3600), "4 Sep 2026");
    }
}
