//! A row of the page.

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attack {
    /// Short, for ever the same.
    pub(crate) id: &'static str,
    /// What it is called.
    pub(crate) title: &'static str,
    /// Where it is known from: a CVE, a paper, a specification.
    pub(crate) source: &'static str,
    /// What the test sends.
    pub(crate) sent: &'static str,
    /// What happens: the code in log and audit, or what else shows that it failed.
    pub(crate) answer: &'static str,
    /// Where the test stands.
    pub(crate) file: &'static str,
    pub(crate) test: &'static str,
}
