//! Who is at the other end of a connection, and the id of a request.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;
use http::header::HeaderMap;
use ipnet::IpNet;

use crate::random;

/// One connection's other end. Made once for each connection, so that its text is ready for every request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether its `X-Forwarded-*` are believed.
    pub trusted: bool,
    text: HeaderValue,
}

impl Peer {
    /// The peer at an address; `trusted_proxies` are believed, and an empty list believes nobody.
    #[must_use]
    pub fn new(address: SocketAddr, trusted_proxies: &[IpNet]) -> Self {
        let ip = address.ip().to_canonical();
        let text = HeaderValue::try_from(ip.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""));
        Self { address, trusted: trusted_proxies.iter().any(|proxy| proxy.contains(&ip)), text }
    }

    /// `X-Forwarded-For` for the app: the peer, behind what a trusted peer said.
    #[must_use]
    pub(super) fn forwarded_for(&self, headers: &HeaderMap) -> HeaderValue {
        let before = self.believed(headers);
        if before.is_empty() {
            return self.text.clone();
        }
        let mut text = String::new();
        for address in before {
            let _ = write!(text, "{address}, ");
        }
        text.push_str(self.text.to_str().unwrap_or_default());
        HeaderValue::try_from(text).unwrap_or_else(|_| self.text.clone())
    }

    /// What a trusted peer said, the nearest last. Proxies append what they see to what the client sent: what stands before something that is no
    /// address is not believed, and what stands behind it is, or a client could hide its address from everybody by a word of its own.
    fn believed(&self, headers: &HeaderMap) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        if !self.trusted {
            return addresses;
        }
        for part in headers.get_all("x-forwarded-for").iter().flat_map(|line| line.as_bytes().split(|&b| b == b',')) {
            match std::str::from_utf8(part).ok().and_then(|part| part.trim().parse().ok()) {
                Some(address) => addresses.push(address),
                None => addresses.clear(),
            }
        }
        addresses
    }

    /// The address of whoever asked, for audit lines: the last one that a trusted proxy named, else the peer's own.
    #[must_use]
    pub fn client(&self, headers: &HeaderMap) -> IpAddr {
        self.believed(headers).last().copied().unwrap_or_else(|| self.address.ip())
    }
}

/// The id of one request: in the answer, the log, audit lines, and the request that the app gets. Unique, not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

thread_local! {
    /// A random start for each thread, and how many ids it has made.
    static NEXT: Cell<(u64, u64)> = Cell::new((random::bytes().map(u64::from_le_bytes).unwrap_or_default(), 0));
}

impl RequestId {
    /// A new id: a random start for each thread and a counter, because randomness for each request would cost more than it gives.
    #[must_use]
    pub fn new() -> Self {
        let (start, number) = NEXT.get();
        NEXT.set((start, number.wrapping_add(1)));
        let mut text = *b"req_0000000000000000000000000000";
        let (ahead, counted) = text.split_at_mut(20);
        write_hex(start, ahead.iter_mut().skip(4).rev());
        write_hex(number, counted.iter_mut().rev());
        Self(HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("req_")))
    }

    /// For the `X-Request-Id` header.
    #[must_use]
    pub const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

/// Digits from the last to the first.
fn write_hex<'a>(mut number: u64, places: impl Iterator<Item = &'a mut u8>) {
    for place in places {
        let digit = u8::try_from(number & 15).unwrap_or_default();
        *place = if digit < 10 { b'0' + digit } else { b'a' - 10 + digit };
        number >>= 4;
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(trusted: bool) -> Peer {
        let address: SocketAddr = "10.0.0.1:5".parse().unwrap();
        Peer::new(address, &[IpNet::from(IpAddr::from([10, 0, 0, if trusted { 1 } else { 2 }]))])
    }

    fn said(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(value))])
    }

    #[test]
    fn every_request_has_an_id_of_its_own_on_every_thread() {
        let some = || (0..1000).map(|_| RequestId::new().to_string()).collect::<Vec<_>>();
        let elsewhere = std::thread::spawn(some).join().unwrap();
        let all: std::collections::BTreeSet<String> = some().into_iter().chain(elsewhere).collect();
        assert_eq!(all.len(), 2000);
        let fits = |id: &String| id.len() == 32 && id.starts_with("req_") && id.bytes().skip(4).all(|b| b.is_ascii_hexdigit());
        assert!(all.iter().all(fits), "{all:?}");
    }

    #[test]
    fn a_network_of_proxies_is_trusted_and_nobody_beside_it() {
        let networks = ["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let trusted = |address: &str| Peer::new(address.parse().unwrap(), &networks).trusted;
        assert!(trusted("10.1.200.3:1") && trusted("[fd00::1]:1") && trusted("[::ffff:10.1.0.9]:1"));
        assert!(!trusted("10.2.0.1:1") && !trusted("[fe80::1]:1") && !trusted("127.0.0.1:1"));
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(peer(false).forwarded_for(&said("1.2.3.4")), "10.0.0.1");
    }

    #[test]
    fn a_trusted_proxy_is_believed_when_it_makes_sense() {
        assert_eq!(peer(true).forwarded_for(&said("1.2.3.4,::1")), "1.2.3.4, ::1, 10.0.0.1");
        assert_eq!(peer(true).forwarded_for(&said("1.2.3.4, <script>")), "10.0.0.1");
        assert_eq!(peer(true).client(&said("9.9.9.9, 1.2.3.4")), IpAddr::from([1, 2, 3, 4]));
    }

    /// Behind a proxy that appends, the app would have been told the proxy's address alone, and so would the audit and the limits.
    #[test]
    fn a_client_cannot_hide_its_address_behind_a_word_of_its_own() {
        for word in ["unknown, 1.2.3.4", ", 1.2.3.4", "9.9.9.9, x, 1.2.3.4"] {
            assert_eq!(peer(true).forwarded_for(&said(word)), "1.2.3.4, 10.0.0.1", "{word}");
            assert_eq!(peer(true).client(&said(word)), IpAddr::from([1, 2, 3, 4]), "{word}");
        }
    }
}
