//! How a step of the trace is written down.

use super::decision::{Rule, Step, Trace, Verdict};

impl Trace {
    /// Adds a step.
    pub(super) fn add(&mut self, rule: Rule, verdict: Verdict, detail: impl Into<String>) {
        self.steps.push(Step { rule, verdict, detail: detail.into(), groups: Vec::new() });
    }

    /// Adds a step that groups made fit.
    pub(super) fn add_by_groups(&mut self, rule: Rule, verdict: Verdict, detail: String, groups: Vec<String>) {
        self.steps.push(Step { rule, verdict, detail, groups });
    }
}

/// `1 seat`, `2 seats`.
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
