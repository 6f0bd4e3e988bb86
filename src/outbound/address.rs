//! Which addresses may be reached, and how names become addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How far a connection may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the public internet only.
    Public,
    /// Private and loopback addresses as well: the operator has set `internal`. Link-local and metadata addresses stay closed.
    Internal,
}

impl Reach {
    /// The reach of a connection.
    #[must_use]
    pub const fn of(connection: &crate::core::Connection) -> Self {
        if connection.internal { Self::Internal } else { Self::Public }
    }

    /// Whether an address is within reach.
    #[must_use]
    pub fn allows(self, ip: IpAddr) -> bool {
        match (self, kind(ip)) {
            (_, Kind::Public) | (Self::Internal, Kind::Private) => true,
            (Self::Public, Kind::Private) | (_, Kind::Closed) => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    /// RFC 1918, RFC 6598, RFC 4193, loopback.
    Private,
    /// Nobody's identity provider: link-local, cloud metadata, multicast, reserved and documentation ranges, tunnels.
    Closed,
}

/// Metadata services of clouds that do not live in the link-local range: Azure, Alibaba.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200)];
/// The metadata service of AWS on IPv6, inside the private range `fd00::/8`.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(ip) => kind_v4(ip),
        IpAddr::V6(ip) => kind_v6(ip),
    }
}

/// After the registry of special-purpose addresses at IANA (RFC 6890).
fn kind_v4(ip: Ipv4Addr) -> Kind {
    if METADATA_V4.contains(&ip) {
        return Kind::Closed;
    }
    match ip.octets() {
        [10 | 127, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Kind::Private,
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Kind::Closed,
        _ => Kind::Public,
    }
}

/// As for IPv4; whatever is outside of `2000::/3` is closed unless named here.
fn kind_v6(ip: Ipv6Addr) -> Kind {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return kind_v4(mapped);
    }
    let octets = ip.octets();
    match ip.segments() {
        _ if ip == METADATA_V6 => Kind::Closed,
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] => Kind::Private,
        // RFC 6052: DNS64 writes IPv4 addresses so.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => octets.last_chunk::<4>().map_or(Kind::Closed, |inner| kind_v4(Ipv4Addr::from(*inner))),
        // Teredo and its neighbours, documentation, 6to4 (which carries any IPv4 address inside).
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Closed,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Closed,
    }
}

/// `localhost` and all names below it (RFC 6761 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The addresses of a name. Names below `localhost` are 127.0.0.1 without asking: glibc knows only some of them.
pub(super) async fn look_up(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    if is_localhost(name) {
        return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]);
    }
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(reach: Reach, addresses: &[&str]) -> Vec<bool> {
        addresses.iter().map(|text| reach.allows(text.parse().unwrap())).collect()
    }

    const PRIVATE: [&str; 10] = [
        "10.0.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fd12::1",
        "::ffff:10.0.0.1",
    ];
    const CLOSED: [&str; 19] = [
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "fe80::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001::1",
        "::7f00:1",
        "192.0.2.1",
        "198.18.0.1",
    ];
    const PUBLIC: [&str; 6] = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"];

    #[test]
    fn private_and_loopback_addresses_need_an_internal_connection() {
        assert_eq!(allowed(Reach::Public, &PRIVATE), [false; 10]);
        assert_eq!(allowed(Reach::Internal, &PRIVATE), [true; 10]);
    }

    #[test]
    fn metadata_link_local_and_reserved_addresses_are_closed_to_everyone() {
        assert_eq!(allowed(Reach::Public, &CLOSED), [false; 19]);
        assert_eq!(allowed(Reach::Internal, &CLOSED), [false; 19]);
    }

    #[test]
    fn public_addresses_are_open() {
        assert_eq!(allowed(Reach::Public, &PUBLIC), [true; 6]);
        assert_eq!(allowed(Reach::Internal, &PUBLIC), [true; 6]);
    }

    #[tokio::test]
    async fn names_below_localhost_are_loopback_without_asking_anyone() {
        for name in ["idp.localhost", "LOCALHOST", "a.b.localhost."] {
            assert_eq!(look_up(name).await.unwrap(), [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], "{name}");
        }
    }
}
