//! Requests that Usher itself sends out: discovery documents, keys, tokens, metadata.
//!
//! - [`Outbound`]: the one HTTP client
//! - `address`: which addresses may be reached
//!
//! The one rule of this folder: whoever answers is hostile. No redirects, no proxies from the environment, limits on time and size, https,
//! and no way into the private network unless the connection was set up as `internal`.

mod address;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

pub use address::Reach;

use crate::core::Secret;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Why nothing came back. Says neither the whole address nor the body, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Not https (or http where the connection allows it), no host, or credentials in the address.
    #[error("the address {0} may not be used: it has to be https, with a host and without credentials")]
    Address(String),
    /// The host is, or resolves to, an address that this connection may not reach.
    #[error("the host {0} is at a private, loopback or link-local address, and the connection is not internal")]
    Forbidden(String),
    /// No connection, no answer in time, or the answer broke off.
    #[error("{host} did not answer: {why}")]
    Unreachable {
        /// The host that was asked.
        host: String,
        /// What the network said.
        why: String,
    },
    /// The server is there and cannot serve now: 429 or 5xx.
    #[error("{host} answered {status}")]
    Unavailable {
        /// The host that was asked.
        host: String,
        /// What it answered.
        status: u16,
    },
    /// A redirect; they are not followed, because their target was not chosen by the operator.
    #[error("{host} answered with a redirect ({status})")]
    Redirect {
        /// The host that was asked.
        host: String,
        /// What it answered.
        status: u16,
    },
    /// A status other than 200 where a document was asked for.
    #[error("{host} answered {status}")]
    Status {
        /// The host that was asked.
        host: String,
        /// What it answered.
        status: u16,
    },
    /// The body is larger than the caller takes.
    #[error("{host} answered with more than {limit_bytes} bytes")]
    TooLarge {
        /// The host that was asked.
        host: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// The HTTP client cannot be built: the machine has no root certificates, or a connection's own cannot be used.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its status; never a redirect, never 429 or 5xx.
    pub status: StatusCode,
    /// Its media type without parameters, in lower case.
    pub media_type: Option<String>,
    /// Its body, within the limit of the caller.
    pub body: Bytes,
}

/// What a connection's TLS has beside the usual.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The certificate that is shown, with its private key: PEM.
    pub identity: Option<Secret>,
    /// Authorities that are believed beside those of the machine: PEM.
    pub authorities: Option<String>,
}

/// The HTTP client of the process. Two pools inside, so that a connection to an internal host never serves a public one.
#[derive(Debug)]
pub struct Outbound {
    public: reqwest::Client,
    internal: reqwest::Client,
    total: Duration,
}

impl Outbound {
    /// Builds the client; trusts the machine's root certificates (`SSL_CERT_FILE` adds others).
    ///
    /// # Errors
    /// [`OutboundError::Client`] when the machine has no root certificates.
    pub fn new() -> Result<Self, OutboundError> {
        Self::with_timeout(TOTAL_TIMEOUT)
    }

    /// As [`Outbound::new`], with another limit than 10 s from the start of a request to the last byte of its answer.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn with_timeout(total: Duration) -> Result<Self, OutboundError> {
        Self::build(total, &Tls::default())
    }

    /// A client of its own for a connection with its own TLS, so that its certificate is shown to nobody else.
    ///
    /// # Errors
    /// [`OutboundError::Client`] when a certificate or the key cannot be used.
    pub fn with_tls(&self, tls: &Tls) -> Result<Self, OutboundError> {
        Self::build(self.total, tls)
    }

    fn build(total: Duration, tls: &Tls) -> Result<Self, OutboundError> {
        Ok(Self { public: client(Reach::Public, total, tls)?, internal: client(Reach::Internal, total, tls)?, total })
    }

    /// Fetches a document with GET: status 200, at most `max_bytes`.
    ///
    /// # Errors
    /// [`OutboundError`] says why there is none.
    pub async fn fetch(&self, url: &Url, reach: Reach, max_bytes: usize) -> Result<Fetched, OutboundError> {
        let request = reqwest::Request::new(Method::GET, url.clone());
        let fetched = self.execute(request, reach, max_bytes).await?;
        if fetched.status == StatusCode::OK {
            Ok(fetched)
        } else {
            Err(OutboundError::Status { host: host_of(url), status: fetched.status.as_u16() })
        }
    }

    /// Sends a request and reads the answer, whatever its status below 500 (redirects excepted), at most `max_bytes` of body.
    ///
    /// # Errors
    /// [`OutboundError`] says why there is no answer.
    pub async fn send(&self, request: http::Request<Vec<u8>>, reach: Reach, max_bytes: usize) -> Result<Fetched, OutboundError> {
        let refused = |_| OutboundError::Address(request.uri().host().unwrap_or("without a host").to_owned());
        let url = Url::parse(&request.uri().to_string()).map_err(refused)?;
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(body.into());
        self.execute(request, reach, max_bytes).await
    }

    async fn execute(&self, mut request: reqwest::Request, reach: Reach, max_bytes: usize) -> Result<Fetched, OutboundError> {
        let host = host_of(request.url());
        check_url(request.url(), reach)?;
        if !request.headers().contains_key(header::ACCEPT) {
            request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("*/*"));
        }
        let client = match reach {
            Reach::Public => &self.public,
            Reach::Internal => &self.internal,
        };
        let response = client.execute(request).await.map_err(|error| failure(&host, &error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(OutboundError::Redirect { host, status: status.as_u16() });
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(OutboundError::Unavailable { host, status: status.as_u16() });
        }
        let media_type = media_type(response.headers());
        let body = read(response, &host, max_bytes).await?;
        Ok(Fetched { status, media_type, body })
    }
}

/// Whether an address may be used at all, before anything is resolved. Also for addresses that only the browser goes to.
///
/// # Errors
/// [`OutboundError::Address`] or [`OutboundError::Forbidden`].
pub fn check_url(url: &Url, reach: Reach) -> Result<(), OutboundError> {
    let host = host_of(url);
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OutboundError::Address(host));
    }
    let loopback = match url.host() {
        None => return Err(OutboundError::Address(host)),
        // Addresses written as numbers never meet the resolver, and the parser has already turned `0x7f.1` and `2130706433` into 127.0.0.1.
        Some(Host::Ipv4(ip)) if !reach.allows(ip.into()) => return Err(OutboundError::Forbidden(host)),
        Some(Host::Ipv6(ip)) if !reach.allows(ip.into()) => return Err(OutboundError::Forbidden(host)),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => address::is_localhost(name),
    };
    if loopback && reach == Reach::Public {
        return Err(OutboundError::Forbidden(host));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err(OutboundError::Address(host)),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may build an HTTP client")]
fn client(reach: Reach, total: Duration, tls: &Tls) -> Result<reqwest::Client, OutboundError> {
    let unusable = |error: reqwest::Error| OutboundError::Client(innermost(&error));
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(total)
        .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Resolver(reach));
    if let Some(identity) = &tls.identity {
        builder = builder.identity(reqwest::Identity::from_pem(identity.reveal().as_bytes()).map_err(unusable)?);
    }
    if let Some(authorities) = &tls.authorities {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).map_err(unusable)?);
    }
    builder.build().map_err(unusable)
}

/// Resolves names and drops what the connection may not reach; the client connects to exactly these addresses, so a second look-up
/// cannot give it others (DNS rebinding).
#[derive(Debug, Clone, Copy)]
struct Resolver(Reach);

/// Told apart from other failures to resolve.
#[derive(Debug, thiserror::Error)]
#[error("all addresses of this name are out of reach")]
struct OutOfReach;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = address::look_up(name.as_str()).await?;
            let allowed: Vec<_> = found.into_iter().filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(OutOfReach.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

async fn read(mut response: reqwest::Response, host: &str, max_bytes: usize) -> Result<Bytes, OutboundError> {
    let too_large = || OutboundError::TooLarge { host: host.to_owned(), limit_bytes: max_bytes };
    if response.content_length().is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max_bytes)) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(host, &error))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn failure(host: &str, error: &reqwest::Error) -> OutboundError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if inner.is::<OutOfReach>() {
            return OutboundError::Forbidden(host.to_owned());
        }
        source = inner.source();
    }
    let why = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(error) };
    OutboundError::Unreachable { host: host.to_owned(), why }
}

/// The outer layers repeat the whole address, which may carry a code; the innermost one says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn media_type(headers: &header::HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase())
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or("without a host").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused_by_the_resolver() {
        let resolve = |reach| Resolver(reach).resolve("idp.localhost".parse().unwrap());
        let refused = resolve(Reach::Public).await.map(Iterator::count).unwrap_err();
        assert!(refused.is::<OutOfReach>());
        assert_eq!(resolve(Reach::Internal).await.map(Iterator::count).unwrap(), 1);
    }
}
