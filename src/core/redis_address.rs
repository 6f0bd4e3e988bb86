//! Where Redis is: the four forms of the `redis` address.

use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::Secret;

/// Why an address of Redis was not taken. No text of it is repeated: there may be a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisAddressError {
    /// Another scheme, or none.
    #[error("it starts with none of redis://, rediss://, redis+sentinel:// and redis+cluster://")]
    Scheme,
    /// No host, or something that is none.
    #[error("it names no host, or a host or port that is none")]
    Host,
    /// Several hosts where one is meant.
    #[error("it names several servers: one is redis://, several are redis+sentinel:// or redis+cluster://")]
    SeveralHosts,
    /// A user or password that is not in percent encoding, or a user without a password.
    #[error("its user or password is not valid percent encoding, or it has a user and no password")]
    Credentials,
    /// Not a number of a database, or one where there is none.
    #[error("its path is not the number of a database (Sentinel: the name of the service, then the number; Cluster: nothing)")]
    Path,
    /// Something else behind the question mark than is known there.
    #[error("it has a parameter that Usher does not know, twice, or without its value")]
    Parameter,
}

/// How the servers belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server.
    Single,
    /// The addresses are Sentinels, who know the master of this service.
    Sentinel {
        /// The service's name in the Sentinels' configuration.
        service: String,
        /// User and password at the Sentinels themselves.
        credentials: RedisCredentials,
    },
    /// The addresses are some nodes of a cluster.
    Cluster,
}

/// Who we are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedisCredentials {
    /// The ACL user; `None`: the default one.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
}

/// A certificate of ours and its key, as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisClientFiles {
    /// The certificate, with those that lead up to the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where Redis is, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// How the servers belong together.
    pub topology: RedisTopology,
    /// Hosts and ports; at least one.
    pub hosts: Vec<(String, u16)>,
    /// User and password at the servers.
    pub credentials: RedisCredentials,
    /// The number of the database.
    pub database: i64,
    /// Whether to speak TLS. The server's certificate is always checked.
    pub tls: bool,
    /// Whose certificates are trusted; `None`: whom the system trusts.
    pub ca: Option<PathBuf>,
    /// What is shown to a server that asks for a certificate, as Redis does unless it is told otherwise.
    pub client: Option<RedisClientFiles>,
    /// What every key starts with.
    pub prefix: String,
}

/// Several installations may share a server when each has its own.
const PREFIX: &str = "usher:";

impl RedisAddress {
    /// Reads one of
    /// - `redis://[user:password@]host[:6379][/database]`, and `rediss://` for TLS
    /// - `redis+sentinel://[user:password@]sentinel[:26379],sentinel…/service[/database]`
    /// - `redis+cluster://[user:password@]node[:6379],node…`
    ///
    /// with `?prefix=…`, `?ca=/path/of.pem`, `?cert=/path/of.pem&key=/path/of.key`, and, where the scheme does not say it, `?tls=true`; Sentinels of their
    /// own user: `sentinel_user`, `sentinel_password`.
    ///
    /// # Errors
    /// [`RedisAddressError`], in words that show nothing of the text.
    pub fn parse(text: &str) -> Result<Self, RedisAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedisAddressError::Scheme)?;
        let (is_sentinel, is_cluster, default_port) = match scheme {
            "redis" | "rediss" => (false, false, 6379),
            "redis+sentinel" => (true, false, 26379),
            "redis+cluster" => (false, true, 6379),
            _ => return Err(RedisAddressError::Scheme),
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user_info, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
        let hosts =
            hosts.split(',').map(|host| parse_host(host, default_port)).collect::<Option<Vec<_>>>().ok_or(RedisAddressError::Host)?;
        if hosts.len() > 1 && !is_sentinel && !is_cluster {
            return Err(RedisAddressError::SeveralHosts);
        }
        let tail = Url::parse("redis://host").and_then(|base| base.join(tail)).map_err(|_| RedisAddressError::Path)?;
        let mut parameters = Parameters::parse(&tail)?;
        let mut path = tail.path().split('/').filter(|part| !part.is_empty());
        let topology = if is_sentinel {
            let service = path.next().and_then(decode).filter(|service| !service.is_empty()).ok_or(RedisAddressError::Path)?;
            let credentials = credentials(parameters.take("sentinel_user"), parameters.take("sentinel_password"))?;
            RedisTopology::Sentinel { service, credentials }
        } else if is_cluster {
            RedisTopology::Cluster
        } else {
            RedisTopology::Single
        };
        let database = path.next().map_or(Ok(0), |number| number.parse::<u16>().map(i64::from)).map_err(|_| RedisAddressError::Path)?;
        if path.next().is_some() || (is_cluster && tail.path().len() > 1) {
            return Err(RedisAddressError::Path);
        }
        let tls = match (scheme, parameters.take("tls").as_deref()) {
            ("rediss", None) | ("redis+sentinel" | "redis+cluster", Some("true")) => true,
            (_, None) | ("redis+sentinel" | "redis+cluster", Some("false")) => false,
            _ => return Err(RedisAddressError::Parameter),
        };
        let ca = parameters.take("ca").map(PathBuf::from);
        let client = match (parameters.take("cert"), parameters.take("key")) {
            (Some(certificate), Some(key)) => Some(RedisClientFiles { certificate: certificate.into(), key: key.into() }),
            (None, None) => None,
            _ => return Err(RedisAddressError::Parameter),
        };
        let prefix = parameters.take("prefix").unwrap_or_else(|| PREFIX.to_owned());
        // Braces would put every key of a cluster into one slot.
        let means_tls = ca.is_some() || client.is_some();
        if !parameters.0.is_empty() || (means_tls && !tls) || prefix.contains(['{', '}']) || tail.fragment().is_some() {
            return Err(RedisAddressError::Parameter);
        }
        Ok(Self { topology, hosts, credentials: parse_credentials(user_info)?, database, tls, ca, client, prefix })
    }

    /// Whether what is said to the servers can be read on the way: no TLS, and a server on another machine.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        let is_here = |host: &str| host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        !self.tls && self.hosts.iter().any(|(host, _)| !is_here(host))
    }
}

/// What stands behind the question mark, each once.
struct Parameters(std::collections::BTreeMap<String, String>);

impl Parameters {
    fn parse(url: &Url) -> Result<Self, RedisAddressError> {
        let mut found = std::collections::BTreeMap::new();
        // Not as a form is read: a plus is a plus, in a password here as in one before the host.
        for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(RedisAddressError::Parameter)?;
            let (name, value) = decode(name).zip(decode(value)).ok_or(RedisAddressError::Parameter)?;
            if value.is_empty() || found.insert(name, value).is_some() {
                return Err(RedisAddressError::Parameter);
            }
        }
        Ok(Self(found))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }
}

fn parse_host(text: &str, default_port: u16) -> Option<(String, u16)> {
    // A scheme that is not special has no default port of its own, and an empty host.
    let url = Url::parse(&format!("redis://{text}")).ok().filter(|url| url.path().is_empty() && url.query().is_none())?;
    let host = match url.host()? {
        Host::Domain("") => return None,
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    Some((host, url.port().unwrap_or(default_port)))
}

fn parse_credentials(user_info: Option<&str>) -> Result<RedisCredentials, RedisAddressError> {
    let Some(user_info) = user_info else { return Ok(RedisCredentials::default()) };
    let (user, password) = user_info.split_once(':').map_or((user_info, None), |(user, password)| (user, Some(password)));
    let decoded = |text: &str| decode(text).ok_or(RedisAddressError::Credentials);
    let user = Some(decoded(user)?).filter(|user| !user.is_empty());
    credentials(user, password.map(decoded).transpose()?.filter(|password| !password.is_empty()))
}

fn credentials(user: Option<String>, password: Option<String>) -> Result<RedisCredentials, RedisAddressError> {
    if user.is_some() && password.is_none() {
        return Err(RedisAddressError::Credentials);
    }
    Ok(RedisCredentials { user, password: password.map(Secret::new) })
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RedisAddress {
        RedisAddress::parse(text).unwrap()
    }

    #[test]
    fn one_server_is_a_host_with_defaults() {
        let address = parse("redis://cache.example");
        assert_eq!(address.hosts, [("cache.example".to_owned(), 6379)]);
        assert_eq!((address.topology, address.tls, address.database), (RedisTopology::Single, false, 0));
        assert_eq!((address.prefix.as_str(), address.credentials), ("usher:", RedisCredentials::default()));
    }

    #[test]
    fn user_password_database_and_certificate_are_read() {
        let address = parse("rediss://gate:p%40ss%2Fword@[::1]:7000/3?prefix=acme:&ca=/etc/redis/ca.pem");
        assert_eq!(address.hosts, [("::1".to_owned(), 7000)]);
        assert_eq!(address.credentials, RedisCredentials { user: Some("gate".to_owned()), password: Some(Secret::new("p@ss/word")) });
        assert_eq!((address.database, address.tls, address.prefix.as_str()), (3, true, "acme:"));
        assert_eq!(address.ca, Some(PathBuf::from("/etc/redis/ca.pem")));
        assert_eq!(parse("redis://:secret@h").credentials.password, Some(Secret::new("secret")));
    }

    #[test]
    fn sentinels_name_a_service() {
        let address = parse("redis+sentinel://:pw@a,b:5000/mymaster/2?tls=true&sentinel_password=other");
        assert_eq!(address.hosts, [("a".to_owned(), 26379), ("b".to_owned(), 5000)]);
        let credentials = RedisCredentials { user: None, password: Some(Secret::new("other")) };
        assert_eq!(address.topology, RedisTopology::Sentinel { service: "mymaster".to_owned(), credentials });
        assert_eq!((address.database, address.tls), (2, true));
    }

    #[test]
    fn a_password_is_read_the_same_in_front_of_the_hosts_and_behind_them() {
        let address = parse("redis+sentinel://:a+b%2Bc%20%26%C3%A9@h/service?sentinel_password=a+b%2Bc%20%26%C3%A9");
        let RedisTopology::Sentinel { credentials, .. } = address.topology else { panic!() };
        assert_eq!(credentials, address.credentials);
        assert_eq!(credentials.password, Some(Secret::new("a+b+c &é")));
    }

    #[test]
    fn a_certificate_of_ours_is_two_files() {
        let address = parse("redis+cluster://h?tls=true&cert=/etc/usher/redis.pem&key=/etc/usher/redis.key");
        let files = RedisClientFiles { certificate: "/etc/usher/redis.pem".into(), key: "/etc/usher/redis.key".into() };
        assert_eq!((address.client, address.ca), (Some(files), None));
    }

    #[test]
    fn a_cluster_is_some_of_its_nodes() {
        let address = parse("redis+cluster://a:1,b:2,c:3/");
        assert_eq!((address.topology, address.hosts.len()), (RedisTopology::Cluster, 3));
    }

    #[test]
    fn what_is_no_address_is_refused_for_its_reason() {
        use RedisAddressError::{Credentials, Host, Parameter, Path, Scheme, SeveralHosts};
        for (text, error) in [
            ("cache.example", Scheme),
            ("http://cache.example", Scheme),
            ("redis://", Host),
            ("redis://:6379", Host),
            ("redis://a:port", Host),
            ("redis://a,b", SeveralHosts),
            ("redis+cluster://a,,b", Host),
            ("redis://user@h", Credentials),
            ("redis://:%ff@h", Credentials),
            ("redis://h/one", Path),
            ("redis://h/-1", Path),
            ("redis://h/1/2", Path),
            ("redis+cluster://h/1", Path),
            ("redis+sentinel://h", Path),
            ("redis+sentinel://h/", Path),
            ("redis://h?tls=true", Parameter),
            ("redis+cluster://h?tls=yes", Parameter),
            ("redis://h?insecure=true", Parameter),
            ("redis://h?prefix=", Parameter),
            ("redis://h?prefix=a&prefix=b", Parameter),
            ("redis://h?prefix={a}", Parameter),
            ("redis://h?ca=/x", Parameter),
            ("rediss://h?cert=/x", Parameter),
            ("rediss://h?key=/x", Parameter),
            ("redis://h?cert=/x&key=/y", Parameter),
            ("rediss://h?ca=%ff", Parameter),
            ("rediss://h?ca", Parameter),
            ("redis+sentinel://h/s?sentinel_user=u", Credentials),
            ("redis://h#insecure", Parameter),
        ] {
            assert_eq!(RedisAddress::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn whether_others_can_read_along_is_known() {
        assert!(parse("redis://10.0.0.1").is_open_to_others());
        assert!(parse("redis+cluster://127.0.0.1,10.0.0.1").is_open_to_others());
        assert!(!parse("redis://127.0.0.1").is_open_to_others());
        assert!(!parse("rediss://10.0.0.1").is_open_to_others());
    }
}
