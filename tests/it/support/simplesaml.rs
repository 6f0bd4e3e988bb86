//! `SimpleSAMLphp` from Debian, on PHP's own web server, with the files of `tests/interop/simplesamlphp`.

use std::process::Command;

use tempfile::TempDir;
use usher::clock::{Clock as _, SystemClock};
use usher::saml::SpKeys;

use super::child::{Server, need_file};
use super::people::People;
use super::port::free_port;

const SOURCE: &str = "/usr/share/simplesamlphp/www";
const PACKAGES: &str = "simplesamlphp php-cli php-xml php-mbstring";
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/simplesamlphp");

/// The provider: where it will be, and from [`SimpleSaml::start`] on, itself.
pub(crate) struct SimpleSaml {
    port: u16,
    pub(crate) people: People,
    /// Logout messages go by form in both directions, not by redirect.
    pub(crate) posts: bool,
    directory: TempDir,
    server: Option<Server>,
}

impl SimpleSaml {
    /// Chooses its port, keys and people.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let (key, certificate) = SpKeys::generate("idp", SystemClock.now()).unwrap();
        std::fs::write(directory.path().join("idp.key"), key).unwrap();
        std::fs::write(directory.path().join("idp.crt"), certificate).unwrap();
        let people = People::write(directory.path());
        Self { port: free_port(), people, posts: false, directory, server: None }
    }

    pub(crate) fn that_posts(self) -> Self {
        Self { posts: true, ..self }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn metadata_url(&self) -> String {
        format!("{}/saml2/idp/metadata.php", self.url())
    }

    /// Where somebody signs out of everything.
    pub(crate) fn logout_url(&self) -> String {
        format!("{0}/saml2/idp/SingleLogoutService.php?ReturnTo={0}/logout.php", self.url())
    }

    /// Where a tile of a portal leads to: a login at this service provider, which has not asked.
    pub(crate) fn portal_url(&self, sp_entity_id: &str) -> String {
        format!("{}/saml2/idp/SSOService.php?spentityid={sp_entity_id}", self.url())
    }

    /// Starts it for one service provider.
    pub(crate) async fn start(&mut self, sp_metadata: &str) {
        need_file(SOURCE, PACKAGES);
        std::fs::write(self.directory.path().join("sp.xml"), sp_metadata).unwrap();
        let address = format!("127.0.0.1:{}", self.port);
        let mut php = Command::new("php");
        php.args(["-d", "opcache.enable=0", "-S", &address, "-t", SOURCE])
            .env("SIMPLESAMLPHP_CONFIG_DIR", FILES)
            .env("USHER_TEST_DIR", self.directory.path())
            .env("USHER_TEST_URL", self.url())
            .env("USHER_TEST_LOGOUT", if self.posts { "HTTP-POST" } else { "HTTP-Redirect" });
        let log = self.directory.path().join("log");
        self.server = Some(Server::start(&mut php, PACKAGES, self.port, &log).await);
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }
}
