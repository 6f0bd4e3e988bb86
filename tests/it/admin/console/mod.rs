//! The console's pages through the real router, by a browser without script that signed in at the demo's provider.

mod connections;
mod fresh;
mod requests;
mod rows;
mod seats;
mod settings;
mod why;

use crate::login::{DOORS, House};
use crate::support::browser::{Browser, Form, Page};

/// OpenID Connect, which most of these tests come in by.
const OIDC: &str = DOORS[1];
const SAML: &str = DOORS[0];

impl House {
    /// The address of a page of the console.
    fn console(&self, leaf: &str) -> String {
        let leaf = if leaf.is_empty() { String::new() } else { format!("/{leaf}") };
        self.usher.site.auth(&format!("/admin/acme{leaf}"))
    }

    /// A browser in which this person has signed in.
    async fn browser_of(&self, person: &str) -> Browser {
        let mut browser = Browser::new();
        let page = self.sign_in(&mut browser, "/", OIDC, person).await;
        assert_eq!(page.status, 200, "{}", page.text);
        browser
    }

    /// A page of the console that must be there.
    async fn page(&self, browser: &mut Browser, leaf: &str) -> Page {
        let page = browser.open(&self.console(leaf)).await;
        assert_eq!(page.status, 200, "{leaf}: {}", page.text);
        page
    }

    /// Sends these fields to an address of the console, from one of its pages.
    async fn post(&self, browser: &mut Browser, leaf: &str, fields: &[(&str, &str)]) -> Page {
        let from = self.console("").parse().unwrap();
        browser.post_from(&from, &self.console(leaf), fields).await
    }

    /// Closes the relink windows that the demo opens.
    async fn close_windows(&self) {
        let admin = self.usher.admin(self.clock.clone());
        for id in DOORS {
            admin.close_relink_window(&super::operator(), &usher::core::ConnectionId::parse(id).unwrap()).await.unwrap();
        }
    }

    /// Changes the settings behind the console's back.
    async fn settings(&self, change: impl FnOnce(&mut usher::core::Settings)) {
        use usher::clock::Clock as _;
        let stored = self.usher.store.find_settings().await.unwrap().unwrap();
        let mut settings = stored.settings.as_ref().clone();
        change(&mut settings);
        self.usher.store.save_settings(&settings, Some(stored.revision), "cli", self.clock.now()).await.unwrap();
        self.usher.refresh().await;
    }
}

/// The form with this end of its address.
fn form_to(page: &Page, end: &str) -> Form {
    let found = page.forms().into_iter().find(|form| form.action.path().ends_with(end));
    found.unwrap_or_else(|| panic!("no form to …{end} at {} in\n{}", page.url, page.text))
}
