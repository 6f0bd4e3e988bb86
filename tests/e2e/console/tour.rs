//! Page after page, each looked at as a person would: everything that is wrong is told at the end, so that one run shows it all.

use crate::support::Browser;

pub(crate) struct Tour<'a> {
    browser: &'a Browser,
    faults: Vec<String>,
}

impl<'a> Tour<'a> {
    pub(crate) const fn start(browser: &'a Browser) -> Self {
        Self { browser, faults: Vec::new() }
    }

    /// Goes there and looks.
    pub(crate) async fn visit(&mut self, name: &str, url: &str) {
        self.browser.goto(url).await;
        self.look(name).await;
    }

    /// Looks at the page in front, which is left as it is.
    pub(crate) async fn look(&mut self, name: &str) {
        self.faults.extend(self.browser.inspect(&format!("console-{name}")).await);
    }

    pub(crate) fn end(self) {
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n"));
    }
}
