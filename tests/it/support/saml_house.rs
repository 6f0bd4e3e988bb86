//! A gateway whose SAML provider is the test itself: it writes and signs whatever it likes, at a time that stands still.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use url::Url;
use usher::saml::message::{decode_redirect, encode_post};

use super::browser::{Browser, Page};
use super::gateway::TurnedClock;
use super::installation::{Installation, Site};
use super::saml_idp::{Draft, IDP, IDP_CERT, OTHER_CERT, SP_CERT, SP_KEY, Scene, Signer, now};

/// A login that is under way, and the scene of its answer.
pub(crate) struct Started {
    pub(crate) scene: Scene,
    pub(crate) relay_state: String,
}

pub(crate) struct SamlHouse {
    assertions: AtomicUsize,
    pub(crate) usher: Installation,
    pub(crate) clock: Arc<TurnedClock>,
}

impl SamlHouse {
    /// Two connections: `okta`, whose key is [`Signer::idp`], and `other`, whose key is [`Signer::other`]. `more` goes into the first.
    pub(crate) async fn open(more: &str) -> Self {
        let connection = |id: &str, certificate: &str, more: &str| {
            format!(
                "[[connection]]\nid = \"{id}\"\nprotocol = \"saml\"\ndomains = [\"acme.example\"]\nentity_id = \"{IDP}\"\nsso_url = \"https://idp.example/sso\"\n\
                 slo_url = \"https://idp.example/slo\"\ncertificates = [\"\"\"{certificate}\"\"\"]\n{more}\n"
            )
        };
        let connections = connection("okta", IDP_CERT, more) + &connection("other", OTHER_CERT, "");
        let clock = Arc::new(TurnedClock::standing_at(now()));
        Self::of(Installation::start_in(with_known_key(), Site::new(), &connections, clock.clone()).await, clock)
    }

    /// A gateway that is there already, with a connection `okta`, whose key is [`Signer::idp`].
    pub(crate) const fn of(usher: Installation, clock: Arc<TurnedClock>) -> Self {
        Self { assertions: AtomicUsize::new(0), usher, clock }
    }

    pub(crate) fn scene(&self) -> Scene {
        Scene { base: self.usher.site.auth(""), request: None, ..Scene::default() }
    }

    /// Starts a login in this browser.
    pub(crate) async fn start(&self, browser: &mut Browser) -> Started {
        let page = browser.visit(&self.usher.site.auth("/login/okta")).await;
        let url = page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.text));
        let parameter = |name: &str| url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
        let xml = decode_redirect(&parameter("SAMLRequest")).unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let request = document.root_element().attribute("ID").unwrap().to_owned();
        Started { scene: Scene { request: Some(request), ..self.scene() }, relay_state: parameter("RelayState") }
    }

    /// Posts a response from the provider's site, and goes wherever it leads.
    pub(crate) async fn respond(&self, browser: &mut Browser, field: &str, relay_state: &str) -> Page {
        let fields = [("SAMLResponse", field), ("RelayState", relay_state)];
        browser.post_from(&provider(), &self.scene().address("acs"), &fields).await
    }

    /// A whole login with an assertion of its own; the answer is edited, then signed.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, edit: impl FnOnce(Draft) -> Draft) -> Page {
        let started = self.start(browser).await;
        let id = format!("_assertion-{}", self.assertions.fetch_add(1, Ordering::Relaxed));
        let draft = edit(Draft::in_scene(&started.scene)).edit("_assertion1", &id).sign_response(&Signer::idp());
        self.respond(browser, &encode_post(&draft.0), &started.relay_state).await
    }

    /// Whether the auth host knows this browser.
    pub(crate) async fn is_signed_in(&self, browser: &mut Browser) -> bool {
        browser.visit(&self.usher.site.auth("/")).await.status == 200
    }
}

/// A data folder with the key that [`Draft::encrypt`] encrypts for.
fn with_known_key() -> TempDir {
    let data_dir = TempDir::new().unwrap();
    for (name, text) in [("saml.key.pem", SP_KEY), ("saml.crt.pem", SP_CERT)] {
        let path = data_dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    data_dir
}

pub(crate) fn provider() -> Url {
    Url::parse("https://idp.example/login").unwrap()
}
