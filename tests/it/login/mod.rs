//! Logins through the whole gateway, with the provider of the demo: what goes wrong on the way, and what must not.
//!
//! - `tabs`: many tabs, answers sent twice, the back button
//! - `strangers`: messages that come to another browser
//! - `asking`: asking for access after a refusal
//! - `organizations`: one session for several organizations
//! - `recovery`: the way in that needs no provider
//! - `trouble`: logins that took too long, go round in circles, or have no provider

mod asking;
mod limits;
mod organizations;
mod recovery;
mod strangers;
mod tabs;
mod trouble;

use std::sync::Arc;

use usher::clock::{Clock as _, SystemClock};
use usher::demo::{OIDC_CONNECTION, SAML_CONNECTION};

use crate::support::browser::{Browser, Page};
use crate::support::gateway::TurnedClock;
use crate::support::installation::Installation;

pub(crate) const DOORS: [&str; 2] = [SAML_CONNECTION, OIDC_CONNECTION];

/// A gateway with the demo's provider, and its clock.
pub(crate) struct House {
    pub(crate) usher: Installation,
    pub(crate) clock: Arc<TurnedClock>,
}

impl House {
    pub(crate) async fn open() -> Self {
        let clock = Arc::new(TurnedClock::standing_at(SystemClock.now()));
        Self { usher: Installation::demo(clock.clone()).await, clock }
    }

    /// Opens a page of the app and chooses a door: the page where the provider asks who it is.
    pub(crate) async fn ask(&self, browser: &mut Browser, path: &str, door: &str) -> Page {
        let choice = browser.open(&self.usher.site.app(path)).await;
        let link =
            choice.find_link(&self.usher.site.auth(&format!("/login/{door}"))).unwrap_or_else(|| panic!("{} {}", choice.url, choice.text));
        browser.click(&choice, link).await
    }

    /// Signs in from the provider's page, as far as what leads back to Usher.
    pub(crate) async fn pick(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        let answer = browser.send(page, page.form("request").with("person", person)).await;
        browser.follow_until(answer, |url| url.host_str() == Some("auth.localhost")).await
    }

    /// A whole login.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, path: &str, door: &str, person: &str) -> Page {
        let page = self.ask(browser, path, door).await;
        let answer = self.pick(browser, &page, person).await;
        browser.come_back(answer).await
    }
}
