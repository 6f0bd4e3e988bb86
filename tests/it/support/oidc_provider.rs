//! Starts the certified provider of `tests/interop/oidc-op` (npm `oidc-provider`), and plays the browser that signs in there.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header;
use url::Url;

use super::port::free_port;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/oidc-op");
pub(crate) const CLIENT_ID: &str = "usher";
pub(crate) const CLIENT_SECRET: &str = "s e:c%r+e/t";

/// How the provider is started.
pub(crate) struct Options<'a> {
    pub(crate) redirect_uris: &'a [&'a str],
    pub(crate) logout_uris: &'a [&'a str],
    /// `RS256`, `PS256`, `ES256` or `EdDSA`.
    pub(crate) algorithm: &'a str,
    /// Email, name and groups come from userinfo only.
    pub(crate) claims_in_userinfo: bool,
    /// What else `op.mjs` is told.
    pub(crate) more: &'a [(&'static str, &'a str)],
}

/// The provider, running until it is dropped.
pub(crate) struct OidcProvider {
    process: Child,
    pub(crate) issuer: String,
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl OidcProvider {
    /// Starts it on a free port and waits until it answers there.
    pub(crate) async fn start(options: &Options<'_>) -> Self {
        let port = free_port();
        Self::behind(port, port, options).await
    }

    /// Starts it on `port`; its issuer is at `public_port`, where someone passes on what comes.
    pub(crate) async fn behind(public_port: u16, port: u16, options: &Options<'_>) -> Self {
        assert!(
            Path::new(DIRECTORY).join("node_modules/oidc-provider").is_dir(),
            "the OpenID provider for the tests is not installed: run `npm ci --prefix tests/interop/oidc-op`"
        );
        let process = Command::new("node")
            .args(["op.mjs", &port.to_string()])
            .current_dir(DIRECTORY)
            .env("PUBLIC_PORT", public_port.to_string())
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("REDIRECT_URIS", options.redirect_uris.join(" "))
            .env("LOGOUT_URIS", options.logout_uris.join(" "))
            .env("ALGORITHM", options.algorithm)
            .env("CLAIMS_IN", if options.claims_in_userinfo { "userinfo" } else { "id_token" })
            .envs(options.more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs (Debian: apt-get install nodejs npm)");
        let scheme = if options.more.iter().any(|(name, _)| *name == "TLS_FOLDER") { "https" } else { "http" };
        let mut provider = Self { process, issuer: format!("{scheme}://op.localhost:{public_port}") };
        provider.wait_until_ready(port).await;
        provider
    }

    async fn wait_until_ready(&mut self, port: u16) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                self.process.try_wait().unwrap().is_none(),
                "the OpenID provider has stopped: run `node tests/interop/oidc-op/op.mjs` to see why"
            );
            assert!(Instant::now() < deadline, "the OpenID provider does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Changes the groups of a person, from their next login on.
    pub(crate) async fn set_groups(&self, user: &str, groups: &[&str]) {
        let body = serde_json::json!({ "user": user, "groups": groups }).to_string();
        let answer = Browser::default().client.post(format!("{}/_ctl/groups", self.issuer)).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// New signing keys.
    pub(crate) async fn rotate_keys(&self) {
        let answer = Browser::default().client.post(format!("{}/_ctl/rotate", self.issuer)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

/// A page that a [`Browser`] arrived at.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// A browser without script: keeps cookies by host, follows redirects, leaves when it comes to `home`.
pub(crate) struct Browser {
    client: reqwest::Client,
    cookies: HashMap<String, HashMap<String, String>>,
}

impl Default for Browser {
    fn default() -> Self {
        Self::trusting(None)
    }
}

impl Browser {
    /// A browser that knows one authority more.
    #[expect(clippy::disallowed_methods, reason = "a browser is not the gateway")]
    pub(crate) fn trusting(authority: Option<&str>) -> Self {
        let authorities = authority.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().dns_resolver(Loopback);
        Self { client: client.tls_certs_merge(authorities).build().unwrap(), cookies: HashMap::new() }
    }
}

impl Browser {
    /// Opens an address and follows redirects until there is a page, or until an address that starts with `home`, which is not asked.
    pub(crate) async fn open(&mut self, url: &str, home: &str) -> Page {
        self.follow(self.client.get(url), url, home).await
    }

    /// Sends a form, then as [`Browser::open`].
    pub(crate) async fn submit(&mut self, url: &str, form: &[(&str, &str)], home: &str) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        self.follow(request, url, home).await
    }

    async fn follow(&mut self, first: reqwest::RequestBuilder, url: &str, home: &str) -> Page {
        let (mut request, mut url) = (first, Url::parse(url).unwrap());
        for _ in 0..20 {
            let host = url.host_str().unwrap().to_owned();
            let cookies = self.cookies.entry(host).or_default();
            let sent = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let answer = request.header(header::COOKIE, sent).send().await.unwrap();
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                if value.is_empty() {
                    cookies.remove(name)
                } else {
                    cookies.insert(name.to_owned(), value.to_owned())
                };
            }
            let Some(location) = answer.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned()) else {
                return Page { url, status: answer.status().as_u16(), text: answer.text().await.unwrap() };
            };
            url = url.join(&location).unwrap();
            if url.as_str().starts_with(home) {
                return Page { url, status: 0, text: String::new() };
            }
            request = self.client.get(url.clone());
        }
        panic!("too many redirects")
    }
}

/// Every name is this machine.
struct Loopback;

impl reqwest::dns::Resolve for Loopback {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Ok(Box::new(std::iter::once(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))) as reqwest::dns::Addrs) })
    }
}
