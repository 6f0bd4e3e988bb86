//! A real browser for tests: Debian's chromium, started fresh, that notices what a person would not forgive.
//!
//! ```ignore
//! #[tokio::test]
//! async fn ada_signs_in() {
//!     browse("ada-signs-in", async |browser| {
//!         browser.goto("http://app.localhost:8080/").await;
//!         browser.follow("Continue with Demo IdP").await;
//!         browser.see("h1", "Who are you?").await;
//!         browser.assert_clean().await;
//!     })
//!     .await;
//! }
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "what fails in a test's own helpers fails the test"
)]

use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::log::LoggingPrefsLogLevel;
use thirtyfour::extensions::query::ElementPollerWithTimeout;
use thirtyfour::manager::{BrowserKind, WebDriverManager};
use thirtyfour::prelude::*;

/// axe-core 4.14.1, MPL-2.0 (`axe.LICENSE`): `npm pack axe-core`.
const AXE: &str = include_str!("axe.min.js");
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(
        r => done(r.violations.map(v => v.id + ' (' + v.help + '): ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; '))),
        e => done(['axe did not run: ' + e]));";
/// The reason of every violation of a content security policy, from the first line of the page on; and the title, for pages that do not stay.
const RECORD: &str = "window.__csp = [];
    document.addEventListener('securitypolicyviolation', e => __csp.push(e.effectiveDirective + ' ' + e.blockedURI));
    addEventListener('DOMContentLoaded', () => console.info('title: ' + document.title));";
const FLAGS: [&str; 11] = [
    "--hide-scrollbars",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
];

/// So long something is waited for. Long, because a busy machine is no fault of a page.
const PATIENCE: Duration = Duration::from_mins(1);
const OFTEN: Duration = Duration::from_millis(50);

/// Light or dark, as the person's system asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Light { "light" } else { "dark" })
    }
}

/// One request for a page.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) method: String,
    pub(crate) url: String,
    /// Whether the browser sent any cookie with it; `None` when it did not say.
    pub(crate) with_cookie: Option<bool>,
}

/// Runs a journey in a browser of its own, which is closed whatever happens. A failed journey leaves `target/shots/{name}-failed.png`.
pub(crate) async fn browse(name: &str, journey: impl AsyncFnOnce(&Browser)) {
    let browser = Browser::start().await;
    let outcome = AssertUnwindSafe(journey(&browser)).catch_unwind().await;
    if outcome.is_err() {
        eprintln!("{name} stopped at {} ({})", browser.url().await, browser.title().await);
        browser.screenshot(&format!("{name}-failed")).await;
    }
    browser.quit().await;
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

/// One browser with an empty profile. Whatever does not work panics, with what was looked for.
pub(crate) struct Browser {
    driver: WebDriver,
    /// The titles of the pages that were passed, and not asked for yet.
    titles: Mutex<Vec<String>>,
    _manager: Arc<WebDriverManager>,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut wishes = DesiredCapabilities::chrome();
        wishes.set_binary("/usr/bin/chromium").unwrap();
        for flag in FLAGS {
            wishes.add_arg(flag).unwrap();
        }
        wishes.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        wishes.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        wishes.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
        let manager = WebDriverManager::builder().driver_binary(BrowserKind::Chrome, "/usr/bin/chromedriver").offline();
        let manager = manager.poller(Arc::new(ElementPollerWithTimeout::new(PATIENCE, OFTEN))).build();
        let driver = manager.launch(wishes).await.expect("chromium and chromium-driver are installed");
        let browser = Self { driver, titles: Mutex::default(), _manager: manager, _profile: profile };
        browser.prepare_tab().await;
        browser
    }

    async fn prepare_tab(&self) {
        self.theme(Theme::Light).await;
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": RECORD })).await;
    }

    /// A new empty tab, which is now the one in front.
    pub(crate) async fn open_tab(&self) -> WindowHandle {
        let tab = self.driver.new_tab().await.unwrap();
        self.show_tab(&tab).await;
        self.prepare_tab().await;
        tab
    }

    pub(crate) async fn tab(&self) -> WindowHandle {
        self.driver.window().await.unwrap()
    }

    pub(crate) async fn show_tab(&self, tab: &WindowHandle) {
        self.driver.switch_to_window(tab.clone()).await.unwrap();
    }

    /// Turns the scripts of pages on or off. Without them [`faults`](Self::faults) cannot be looked for.
    pub(crate) async fn allow_scripts(&self, allowed: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await;
    }

    pub(crate) async fn quit(self) {
        self.driver.quit().await.unwrap();
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|e| panic!("{url}: {e}"));
    }

    /// Waits for the element, and presses it.
    pub(crate) async fn click(&self, css: &str) {
        self.find(By::Css(css), css).await.click().await.unwrap_or_else(|e| panic!("click {css}: {e}"));
    }

    /// Waits for a link or button that says this, and presses it.
    pub(crate) async fn follow(&self, label: &str) {
        let says = format!("//*[self::a or self::button][contains(normalize-space(.), \"{label}\")]");
        self.find(By::XPath(says), label).await.click().await.unwrap_or_else(|e| panic!("follow {label}: {e}"));
    }

    /// Presses a link or button twice, as fast as a person who thinks that this is how it is done.
    pub(crate) async fn follow_twice(&self, label: &str) {
        let says = format!("//*[self::a or self::button][contains(normalize-space(.), \"{label}\")]");
        let button = self.find(By::XPath(says), label).await;
        self.driver.action_chain().double_click_element(&button).perform().await.unwrap_or_else(|e| panic!("follow {label}: {e}"));
    }

    pub(crate) async fn reload(&self) {
        self.driver.refresh().await.unwrap();
    }

    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    pub(crate) async fn fill(&self, css: &str, value: &str) {
        let field = self.find(By::Css(css), css).await;
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap_or_else(|e| panic!("fill {css}: {e}"));
    }

    /// Presses keys together, wherever the focus is.
    pub(crate) async fn press(&self, keys: &[Key]) {
        let mut chain = self.driver.action_chain();
        for key in keys {
            chain = chain.key_down(key.clone());
        }
        for key in keys.iter().rev() {
            chain = chain.key_up(key.clone());
        }
        chain.perform().await.unwrap();
    }

    /// Types, wherever the focus is.
    pub(crate) async fn type_in(&self, text: &str) {
        self.driver.action_chain().send_keys(text).perform().await.unwrap();
    }

    /// Chooses in a select by what it says.
    pub(crate) async fn choose(&self, css: &str, label: &str) {
        for option in self.find(By::Css(css), css).await.find_all(By::Tag("option")).await.unwrap() {
            if option.text().await.unwrap().trim() == label {
                option.click().await.unwrap();
                return;
            }
        }
        panic!("{css} has no {label}");
    }

    /// Whether there is such a thing on the page in front, which has come already.
    pub(crate) async fn is_there(&self, css: &str) -> bool {
        !self.driver.find_all(By::Css(css)).await.unwrap().is_empty()
    }

    /// Waits until there are so many of these.
    pub(crate) async fn see_number(&self, css: &str, number: usize) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.driver.find_all(By::Css(css)).await.unwrap().len() == number {
                return;
            }
            tokio::time::sleep(OFTEN).await;
        }
        panic!("there are not {number} of {css} at {}", self.url().await);
    }

    /// The status of the page in front.
    pub(crate) async fn status(&self) -> u16 {
        self.run("return performance.getEntriesByType('navigation')[0].responseStatus").await
    }

    /// What the same address gives as a file, with this person's cookies.
    pub(crate) async fn download(&self, link: &str) -> String {
        let href = self.find(By::Css(link), link).await.prop("href").await.unwrap().unwrap();
        let fetch = format!("fetch({href:?}).then(answer => answer.text()).then(arguments[arguments.length - 1])");
        self.driver.execute_async(&fetch, vec![]).await.unwrap().convert().unwrap()
    }

    /// Waits until the page is called this.
    pub(crate) async fn see_title(&self, title: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.title().await == title {
                return;
            }
            tokio::time::sleep(OFTEN).await;
        }
        panic!("{} is called {:?}, not {title:?}", self.url().await, self.title().await);
    }

    /// Whoever is signed in anywhere is not any more, as far as this browser knows.
    pub(crate) async fn forget(&self) {
        self.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    /// Waits for the element, and gives its visible text.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(By::Css(css), css).await.text().await.unwrap()
    }

    /// Waits until the element says exactly this. The page that is left may still be there for a moment.
    pub(crate) async fn see(&self, css: &str, text: &str) {
        let mut seen = String::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            // An element that goes away between two questions is one of the page before.
            if let Ok(element) = self.driver.find(By::Css(css)).await
                && let Ok(now) = element.text().await
            {
                if now == text {
                    return;
                }
                seen = now;
            }
            tokio::time::sleep(OFTEN).await;
        }
        panic!("{css} does not say {text:?} at {}, but {seen:?}", self.url().await);
    }

    /// Waits until the address starts with this.
    pub(crate) async fn arrive(&self, url: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.url().await.starts_with(url) {
                return;
            }
            tokio::time::sleep(OFTEN).await;
        }
        panic!("did not arrive at {url}, but at {}", self.url().await);
    }

    pub(crate) async fn url(&self) -> String {
        self.driver.current_url().await.map(String::from).unwrap_or_default()
    }

    pub(crate) async fn title(&self) -> String {
        self.driver.title().await.unwrap_or_default()
    }

    /// Looks at this page in both themes, on a desk and on a phone: it is clean in all four, and each leaves a picture.
    pub(crate) async fn look(&self, name: &str) {
        let faults = self.inspect(name).await;
        assert!(faults.is_empty(), "{} is not clean:\n{}", self.url().await, faults.join("\n"));
    }

    /// The same, for those who want to see all of it first: gives what is wrong.
    pub(crate) async fn inspect(&self, name: &str) -> Vec<String> {
        let mut faults = Vec::new();
        for theme in [Theme::Dark, Theme::Light] {
            self.theme(theme).await;
            for width in [390, 1280] {
                self.width(width).await;
                faults.extend(self.faults().await.into_iter().map(|fault| format!("{name} {width} {theme}: {fault}")));
                self.screenshot(&format!("{name}-{width}-{theme}")).await;
            }
        }
        self.width(320).await;
        faults.extend(self.overflow().await.map(|fault| format!("{name} 320: {fault}")));
        self.width(1280).await;
        faults
    }

    /// What a person sees first, for the README: `target/shots/{name}-{theme}.png`.
    pub(crate) async fn portray(&self, name: &str) {
        for theme in [Theme::Dark, Theme::Light] {
            self.portray_as(&format!("{name}-{theme}"), theme, (1280, 844)).await;
        }
    }

    /// The same in one theme and another size.
    pub(crate) async fn portray_as(&self, name: &str, theme: Theme, (width, height): (u32, u32)) {
        self.theme(theme).await;
        self.size(width, height).await;
        self.save_picture(name, false).await;
    }

    /// The window's size in CSS pixels: as wide as this, and as high as a screen of that width.
    pub(crate) async fn width(&self, width: u32) {
        self.size(width, if width < 600 { 844 } else { 900 }).await;
    }

    async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Also asks for reduced motion: colours half way through a transition would be measured otherwise.
    pub(crate) async fn theme(&self, theme: Theme) {
        let theme = json!({ "name": "prefers-color-scheme", "value": theme.to_string() });
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [theme, motion] })).await;
    }

    /// A picture of the whole page in `target/shots/{name}.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.save_picture(name, true).await;
    }

    async fn save_picture(&self, name: &str, whole_page: bool) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/shots");
        std::fs::create_dir_all(&folder).unwrap();
        let shot = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": whole_page })).await;
        let png = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// What this page does wrong now: accessibility (axe-core), its own content security policy, the console, and scrolling sideways.
    pub(crate) async fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.run("return window.__csp").await;
        faults.extend(self.console().await);
        if !self.run::<bool>("return 'axe' in window").await {
            self.driver.execute(AXE, vec![]).await.unwrap();
        }
        faults.extend(self.driver.execute_async(RUN_AXE, vec![]).await.unwrap().convert::<Vec<String>>().unwrap());
        faults.extend(self.overflow().await);
        faults
    }

    /// Panics when there are [`faults`](Self::faults), and tells them all.
    pub(crate) async fn assert_clean(&self) {
        let faults = self.faults().await;
        assert!(faults.is_empty(), "{} is not clean:\n{}", self.url().await, faults.join("\n"));
    }

    /// What sticks out of the window, if the page is wider than it.
    pub(crate) async fn overflow(&self) -> Option<String> {
        let wide = "const e = document.documentElement; return e.scrollWidth > e.clientWidth
            ? [...document.querySelectorAll('body *')].filter(n => n.getBoundingClientRect().right > e.clientWidth).map(n => n.tagName + '.' + n.getAttribute('class')).join(', ')
            : null";
        self.run::<Option<String>>(wide).await.map(|what| format!("scrolls sideways: {what}"))
    }

    /// Every page that was asked for since the last look, with each step of a redirect on its own.
    pub(crate) async fn visits(&self) -> Vec<Visit> {
        let mut visits: Vec<(String, Visit)> = Vec::new();
        for line in self.driver.get_log("performance").await.unwrap() {
            let event: Value = serde_json::from_str(&line.message).unwrap();
            let (method, event) = (&event["message"]["method"], &event["message"]["params"]);
            let request = event["requestId"].as_str().unwrap_or_default();
            if method == "Network.requestWillBeSent" && event["type"] == "Document" {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (method, url) = (text(&event["request"]["method"]), text(&event["request"]["url"]));
                visits.push((request.to_owned(), Visit { method, url, with_cookie: None }));
            } else if method == "Network.requestWillBeSentExtraInfo"
                && let Some((_, visit)) = visits.iter_mut().find(|(id, visit)| id == request && visit.with_cookie.is_none())
            {
                visit.with_cookie = Some(event["headers"].as_object().unwrap().keys().any(|name| name.eq_ignore_ascii_case("cookie")));
            }
        }
        visits.into_iter().map(|(_, visit)| visit).collect()
    }

    /// Runs a script; not bound by the page's policy.
    pub(crate) async fn run<T: DeserializeOwned>(&self, script: &str) -> T {
        self.driver.execute(script, vec![]).await.unwrap().convert().unwrap()
    }

    /// Severe lines of the console since the last look. That a page of ours came with an error status is not one.
    async fn console(&self) -> Vec<String> {
        let own_status = |message: &str| message.contains("the server responded with a status of") && !message.contains("/assets/");
        let lines = self.driver.browser_log().await.unwrap();
        let titles =
            lines.iter().filter_map(|line| line.message.split_once("\"title: ")).map(|(_, title)| title.trim_end_matches('"').to_owned());
        self.titles.lock().unwrap().extend(titles);
        lines.into_iter().filter(|line| line.level == "SEVERE" && !own_status(&line.message)).map(|line| line.message).collect()
    }

    /// The titles of the pages since the last look, also of those that did not stay.
    pub(crate) async fn titles(&self) -> Vec<String> {
        assert_eq!(self.console().await, Vec::<String>::new());
        std::mem::take(&mut self.titles.lock().unwrap())
    }

    async fn find(&self, by: By, what: &str) -> WebElement {
        self.driver.query(by).first().await.unwrap_or_else(|e| panic!("no {what} on the page: {e}"))
    }

    async fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.unwrap_or_else(|e| panic!("{method}: {e}"))
    }
}
