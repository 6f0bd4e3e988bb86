//! usher.toml and org.toml: what loads, what is refused, and how it is said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use usher::config::{Config, Fault, Faults, Loaded, render_all};
use usher::core::Settings;

mod codes;
mod defaults;
mod environment;
mod faults;
mod keys;
mod org;

/// The smallest usher.toml of the interface, behind a TLS proxy.
pub(crate) const SMALLEST: &str = r#"
public_url = "https://auth.acme.example"
data_dir   = "/var/lib/usher"
[tls]
off = true
[[route]]
host         = "app.acme.example"
upstream     = "http://127.0.0.1:3000"
organization = "acme"
"#;

/// An org.toml without a fault or a warning.
pub(crate) const ORG: &str = include_str!("org.toml");

/// A folder with configuration files, and an environment.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), env: BTreeMap::new() }
    }

    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn load(&self) -> Result<Config, Faults> {
        usher::config::load(&self.path("usher.toml"), &self.env)
    }

    pub(crate) fn load_with_org(&self) -> Result<Loaded, Faults> {
        usher::config::load_with_org(&self.path("usher.toml"), &self.env)
    }

    pub(crate) fn load_org(&self) -> Result<(Settings, Vec<Fault>), Faults> {
        usher::config::org::load(&self.path("org.toml"), &self.env)
    }

    /// The text without the folder's own path, which is another at each run.
    pub(crate) fn shown(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// What is wrong with this usher.toml, as the operator sees it.
pub(crate) fn process_faults(text: &str) -> String {
    let folder = Folder::new().with("usher.toml", text);
    folder.shown(&folder.load().expect_err("this must be refused").render(false))
}

/// What is wrong with this org.toml, or worth a look, as the operator sees it.
pub(crate) fn org_findings(text: &str) -> String {
    let folder = Folder::new().with("org.toml", text);
    let found = folder.load_org().map_or_else(Faults::into_list, |(_, warnings)| warnings);
    folder.shown(&render_all(&found, false))
}

/// The codes that a file of either kind gives, in their order.
pub(crate) fn codes_of(name: &str, text: &str) -> Vec<&'static str> {
    let folder = Folder::new().with(name, text);
    let found = usher::config::check(Path::new(&folder.path(name)), &folder.env).map_or_else(Faults::into_list, |(_, warnings)| warnings);
    found.iter().map(|fault| fault.code.as_str()).collect()
}
