//! `LemonLDAP::NG` from Debian, under plackup, with the files of `tests/interop/lemonldap`: SAML and OpenID Connect at once.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use usher::clock::{Clock as _, SystemClock};
use usher::saml::SpKeys;

use super::browser::Browser;
use super::child::{Server, need_file};
use super::people::People;
use super::port::free_port;

const SOURCE: &str = "/usr/share/perl5/Lemonldap/NG/Portal/Main.pm";
const PACKAGES: &str =
    "liblemonldap-ng-portal-perl liblasso-perl libcrypt-openssl-bignum-perl libio-string-perl libstring-random-perl libxml-simple-perl";
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/lemonldap");
pub(crate) const CLIENT_ID: &str = "usher";
pub(crate) const CLIENT_SECRET: &str = "secret-of-usher";

/// What it is told about its clients.
#[derive(Default)]
pub(crate) struct Clients<'a> {
    /// Metadata of a SAML service provider.
    pub(crate) sp_metadata: Option<&'a str>,
    /// Where codes may go.
    pub(crate) redirect_uri: Option<&'a str>,
    /// Where people come back to after signing out.
    pub(crate) logout_uri: Option<&'a str>,
}

/// The provider: where it will be, and from [`LemonLdap::start`] on, itself.
pub(crate) struct LemonLdap {
    port: u16,
    /// The port by which others know it: its own, or that of something in front of it.
    public_port: u16,
    pub(crate) people: People,
    directory: TempDir,
    server: Option<Server>,
}

impl LemonLdap {
    /// Chooses its port and people.
    pub(crate) fn new() -> Self {
        let port = free_port();
        Self::behind(port, port)
    }

    /// Listens on `port`, and believes to be on `public_port`.
    pub(crate) fn behind(public_port: u16, port: u16) -> Self {
        let directory = TempDir::new().unwrap();
        Self { port, public_port, people: People::write(directory.path()), directory, server: None }
    }

    /// Its address, which is also its issuer.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.public_port)
    }

    pub(crate) fn metadata_url(&self) -> String {
        format!("{}/saml/metadata", self.url())
    }

    /// Starts it for these clients.
    pub(crate) async fn start(&mut self, clients: &Clients<'_>) {
        need_file(SOURCE, PACKAGES);
        let directory = self.directory.path();
        for name in ["conf", "sessions/lock", "persistent/lock"] {
            std::fs::create_dir_all(directory.join(name)).unwrap();
        }
        std::fs::write(directory.join("conf/lmConf-1.json"), self.config(clients).to_string()).unwrap();
        std::fs::write(directory.join("lemonldap-ng.ini"), ini(directory)).unwrap();
        let mut plackup = Command::new("plackup");
        plackup
            .args(["--server", "HTTP::Server::PSGI", "--host", "127.0.0.1", "--port", &self.port.to_string(), "--env", "deployment"])
            .arg(format!("{FILES}/portal.psgi"))
            .env("LLNG_DEFAULTCONFFILE", directory.join("lemonldap-ng.ini"))
            .env("USHER_TEST_DIR", directory);
        let server = Server::start(&mut plackup, PACKAGES, self.port, &directory.join("log")).await;
        // A module that is missing is told in the log only, and every page is an error.
        let start = Browser::new().visit(&format!("http://127.0.0.1:{}/", self.port)).await;
        assert!(start.status < 500, "LemonLDAP::NG does not work; it needs {PACKAGES}:\n{}", server.log());
        self.server = Some(server);
    }

    fn config(&self, clients: &Clients<'_>) -> Value {
        let mut config: Value = serde_json::from_str(&std::fs::read_to_string(format!("{FILES}/config.json")).unwrap()).unwrap();
        let (key, certificate) = SpKeys::generate("idp", SystemClock.now()).unwrap();
        let directory = self.directory.path();
        config["portal"] = format!("{}/", self.url()).into();
        config["oidcServiceMetaDataIssuer"] = self.url().into();
        for name in ["oidcServicePrivateKeySig", "samlServicePrivateKeySig"] {
            config[name] = key.clone().into();
        }
        for name in ["oidcServicePublicKeySig", "samlServicePublicKeySig"] {
            config[name] = certificate.clone().into();
        }
        let storage = |name: &str| {
            let module = "Lemonldap::NG::Common::Apache::Session::Generate::SHA256";
            json!({ "Directory": directory.join(name), "LockDirectory": directory.join(name).join("lock"), "generateModule": module })
        };
        config["globalStorageOptions"] = storage("sessions");
        config["persistentStorageOptions"] = storage("persistent");
        config["localSessionStorageOptions"] =
            json!({ "cache_root": directory.join("cache"), "namespace": "sessions", "default_expires_in": 1 });
        if let Some(metadata) = clients.sp_metadata {
            config["samlSPMetaDataXML"] = json!({ "usher": { "samlSPMetaDataXML": metadata } });
        }
        if let Some(redirect_uri) = clients.redirect_uri {
            config["oidcRPMetaDataOptions"] = json!({ "usher": {
                "oidcRPMetaDataOptionsClientID": CLIENT_ID,
                "oidcRPMetaDataOptionsClientSecret": CLIENT_SECRET,
                "oidcRPMetaDataOptionsRedirectUris": redirect_uri,
                "oidcRPMetaDataOptionsPostLogoutRedirectUris": clients.logout_uri,
                "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
                "oidcRPMetaDataOptionsIDTokenForceClaims": 1,
                "oidcRPMetaDataOptionsBypassConsent": 1,
            } });
        }
        config
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }
}

fn ini(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "[all]
logLevel = notice
logger = Lemonldap::NG::Common::Logger::Std
userLogger = Lemonldap::NG::Common::Logger::Std
[configuration]
type = File
dirName = {directory}/conf
localStorage = Cache::FileCache
localStorageOptions = {{ 'namespace' => 'config', 'default_expires_in' => 600, 'cache_root' => '{directory}/cache', 'cache_depth' => 1 }}
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
"
    )
}
