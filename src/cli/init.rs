//! `usher init`: two files to start from.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use url::{Host, Url};

use super::{Failure, output};
use crate::config::{self, Code};

/// Arguments of `usher init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address where people sign in: `https://auth.acme.example`.
    #[arg(long, value_name = "URL")]
    url: Url,
    /// An app's host and where the app listens: `app.acme.example=http://127.0.0.1:3000`. May be said several times.
    #[arg(long, value_name = "HOST=URL", required = true, value_parser = app)]
    app: Vec<App>,
    /// Write over files that are there.
    #[arg(long)]
    force: bool,
}

/// One app: its host and its upstream.
#[derive(Debug, Clone)]
struct App {
    host: String,
    upstream: Url,
}

fn app(text: &str) -> Result<App, String> {
    let (host, upstream) = text.split_once('=').ok_or("write the host, an equals sign, and the address")?;
    let upstream = Url::parse(upstream).map_err(|error| format!("{upstream:?}: {error}"))?;
    if host.is_empty() || host.contains(['"', '\\']) || host.chars().any(char::is_control) {
        return Err(format!("{host:?} is not a host"));
    }
    Ok(App { host: host.to_owned(), upstream })
}

const FILES: [&str; 2] = ["usher.toml", "org.toml"];

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let texts = [usher_toml(&self.url, &self.app), org_toml(&self.url)];
        // What was said on the command line must be right; files that are still to be put there may be missing.
        let wrong = config::check_text(Path::new(FILES[0]), &texts[0]).into_iter().find(|fault| fault.code != Code::Indirect);
        if let Some(fault) = wrong {
            return Err(Failure::Usage(format!("{}; {}", fault.message, fault.suggestion.unwrap_or_default())));
        }
        if let Some(there) = FILES.iter().find(|name| !self.force && Path::new(name).exists()) {
            return Err(Failure::Refused(format!("{there} is there already; --force writes over it")));
        }
        for (name, text) in FILES.iter().zip(texts) {
            write_private(Path::new(name), &text, self.force).with_context(|| format!("{name} cannot be written"))?;
            output::data(name)?;
        }
        output::talk("Next: fill in org.toml (your domain, the identity provider, the first owner), then: usher check");
        Ok(())
    }
}

/// Both files may come to hold secrets, so they are their owner's from the first byte. The text takes the place of the old file at once.
fn write_private(path: &Path, text: &str, force: bool) -> std::io::Result<()> {
    if !force {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        return file.write_all(text.as_bytes());
    }
    let beside = path.with_extension("toml.new");
    let _ = std::fs::remove_file(&beside);
    write_private(&beside, text, false)?;
    std::fs::rename(&beside, path)
}

fn usher_toml(url: &Url, apps: &[App]) -> String {
    let public_url = url.as_str().trim_end_matches('/');
    let plain = url.scheme() == "http";
    let listen = if plain { format!("127.0.0.1:{}", url.port().unwrap_or(80)) } else { format!("0.0.0.0:{}", url.port().unwrap_or(443)) };
    let tls = if plain {
        "off = true                                       # plain http: on this machine only"
    } else {
        "cert = \"file:/etc/usher/tls/cert.pem\"            # TO FILL IN: your certificate chain and key, PEM\n\
         key  = \"file:/etc/usher/tls/key.pem\"\n\
         # off = true                                     # instead, when a proxy in front of Usher speaks TLS"
    };
    let routes: String = apps.iter().map(route).collect();
    format!(
        "# What Usher needs to start. `usher check` looks it over; docs/configuration.md has every key.\n\
         public_url = {public_url:?}\n\
         data_dir   = \"usher-data\"                         # the database and Usher's keys; relative to this file\n\n\
         [server]\nlisten = {listen:?}\n\n[tls]\n{tls}\n{routes}\n\
         [org]\nfile = \"org.toml\"                                # who may come in, and as what\n"
    )
}

fn route(app: &App) -> String {
    let upstream = app.upstream.as_str().trim_end_matches('/');
    format!("\n[[route]]\nhost         = {:?}\nupstream     = {upstream:?}\norganization = \"main\"\n", app.host)
}

/// The domain that people probably have in their addresses: the auth host without its first label.
fn likely_domain(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => match name.split_once('.') {
            Some((_, rest)) if rest.contains('.') => rest.to_owned(),
            _ => "acme.example".to_owned(),
        },
        _ => "acme.example".to_owned(),
    }
}

fn org_toml(url: &Url) -> String {
    let domain = likely_domain(url);
    let metadata = url.join("saml/okta/metadata").map_or_else(|_| String::new(), |url| url.to_string());
    let callback = url.join("oidc/entra/callback").map_or_else(|_| String::new(), |url| url.to_string());
    format!(
        r#"# Who may come in, and as what. `usher check org.toml` looks it over, `usher apply org.toml --dry-run` says what would change.

[parent]
name = "Acme"                                    # TO FILL IN: what people read

[[domain]]
name     = "{domain}"                            # TO FILL IN: what stands behind the @ of your people's addresses
verified = "operator"                            # you, who run this, say that the domain is yours

# TO FILL IN: one of these two, without the marks before it.
#
# SAML (Okta, Entra ID, Google, Keycloak, …). At the provider, add an app with this metadata:
#   {metadata}
#[[connection]]
#id           = "okta"                           # part of the addresses above
#protocol     = "saml"
#domains      = ["{domain}"]
#idp_metadata = "file:okta.xml"                  # the provider's metadata: a file, or its https address
#
# OpenID Connect. At the provider, add a web app with this redirect address:
#   {callback}
#[[connection]]
#id            = "entra"
#protocol      = "oidc"
#domains       = ["{domain}"]
#issuer        = "https://login.microsoftonline.com/TENANT/v2.0"
#client_id     = "…"
#client_secret = "env:ENTRA_SECRET"              # or "file:/run/secrets/entra"

[[organization]]
id   = "main"                                    # the routes of usher.toml name it
name = "Acme"
plan = "enterprise"                              # roles Owner, Admin, User, Custom
seat_tiers = [{{ name = "Premium", seats = 20 }}, {{ name = "Standard", seats = 250 }}]
provisioning   = "jit"                           # people become members at their first login
group_mappings = true                            # their groups decide role and seat; in no mapped group = not let in
#primary_owner = "you@{domain}"                  # TO FILL IN: can always come in, whatever the groups say

[organization.role_mappings]                     # TO FILL IN: the provider's group names, exactly
User = ["everyone"]
#Admin = ["it-platform"]
#Owner = ["app-owners"]

#[organization.seat_mappings]                    # without: the highest seat that is free
#Premium = ["design"]
"#
    )
}
