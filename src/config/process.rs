//! usher.toml, table by table.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::code::Code;
use super::section::{Section, Text, Wrong};
use super::{Config, Database, Limits, Log, LogFormat, Server, SessionLimits, Tls, route, value};
use crate::core::{RedisAddress, Secret};

/// What could be read, even if the whole is not complete.
#[derive(Debug)]
pub(super) struct Process {
    /// `None` when something is missing that has no default; what is wrong is in the reader.
    pub(super) config: Option<Config>,
    /// org.toml, to be looked at whatever else is wrong.
    pub(super) org_file: Option<PathBuf>,
    /// Whether people sign in on a loopback address.
    pub(super) loopback: bool,
}

/// Reads every key.
pub(super) fn read(root: &mut Section<'_>) -> Process {
    let public_url = root.parsed_required("public_url", "public_url = \"https://auth.acme.example\"", public_url);
    let data_dir = root.parsed_required("data_dir", "data_dir = \"/var/lib/usher\"", value::not_blank);
    let data_dir = data_dir.map(|path| root.reader().beside(&path));
    let database = root.parsed("database", database).unwrap_or(Database::Sqlite);
    let redis = root.parsed("redis", redis).flatten();
    let server = server(root.section("server"));
    let tls = tls(root.section("tls"), public_url.as_ref());
    let ops_listen = ops(root.section("ops"));
    let session = session(root.section("session"));
    let limits = limits(root.section("limits"));
    let routes = route::read_all(root, public_url.as_ref());
    let log = log(root.section("log"));
    let org_file = org(root.section("org"));
    let loopback = public_url.as_ref().is_some_and(value::is_loopback);
    let named = org_file.clone();
    let config = match (public_url, data_dir, tls) {
        (Some(public_url), Some(data_dir), Some(tls)) => {
            Some(Config { public_url, data_dir, database, redis, server, tls, ops_listen, session, limits, routes, log, org_file })
        }
        _ => None,
    };
    Process { config, org_file: named, loopback }
}

fn public_url(text: &Text) -> Result<Url, Wrong> {
    let wrong = |why: &str| {
        Wrong::new(Code::PublicUrl, format!("{:?} {why}", text.shown)).suggest("write scheme and host only: \"https://auth.acme.example\"")
    };
    let url = Url::parse(text.value.trim()).map_err(|_| wrong("is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is not an http address"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has more than a scheme and a host"));
    }
    if url.scheme() == "http" && !value::is_loopback(&url) {
        let message = format!("{:?} is plain http: anyone on the way could take over a session", text.shown);
        let mut https = url.clone();
        let suggestion = match https.set_scheme("https") {
            Ok(()) => {
                format!("write {:?}; http is accepted only on loopback addresses and *.localhost", https.as_str().trim_end_matches('/'))
            }
            Err(()) => "write an https address".to_owned(),
        };
        return Err(Wrong::new(Code::PlainHttp, message).suggest(suggestion));
    }
    Ok(url)
}

fn database(text: &Text) -> Result<Database, Wrong> {
    database_of(&text.value)
}

/// What `database` may say.
pub(super) fn database_of(text: &str) -> Result<Database, Wrong> {
    if text == "sqlite" {
        return Ok(Database::Sqlite);
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return match postgres_fault(text) {
            None => Ok(Database::Postgres(Secret::new(text))),
            Some(why) => Err(Wrong::new(Code::StoreAddress, format!("`database` is not an address of PostgreSQL: {why}"))
                .suggest("write \"postgres://user:password@host/database\", or where to find it: \"env:USHER_DATABASE\"")),
        };
    }
    Err(Wrong::new(Code::Choice, "`database` is not a database that Usher knows")
        .suggest("write \"sqlite\", or \"postgres://user:password@host/database\""))
}

/// What is wrong, without repeating the text: there may be a password in it.
fn postgres_fault(text: &str) -> Option<Cow<'static, str>> {
    // What the driver reads. Anything else it would pass over, and write to the log with its value: a `sslrootcret`, or a `pasword`.
    const PARAMETERS: [&str; 18] = [
        "sslmode",
        "ssl-mode",
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "statement-cache-capacity",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
    ];
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    let Ok(url) = Url::parse(text) else {
        return Some("it cannot be read; in a password, signs like @ and / are written as %40 and %2F".into());
    };
    if url.host_str().is_none_or(str::is_empty) && !url.query_pairs().any(|(name, _)| name == "host") {
        return Some("it names no host".into());
    }
    if url.path().trim_matches('/').is_empty() {
        return Some("it names no database".into());
    }
    let is_known = |name: &str| PARAMETERS.contains(&name) || (name.starts_with("options[") && name.ends_with(']'));
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| !is_known(name)) {
        // What looks like a name may be the rest of a password that was not percent-encoded.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let is_after_password =
            url.query().is_some_and(|query| query.contains('@')) || url.query_pairs().any(|(name, _)| name == "password");
        let named = if is_name && !is_after_password { format!(", `{name}`") } else { String::new() };
        return Some(format!("it has a parameter that Usher does not know{named}").into());
    }
    let mut modes = url.query_pairs().filter(|(name, _)| name == "sslmode" || name == "ssl-mode");
    modes.any(|(_, mode)| !MODES.contains(&mode.as_ref())).then_some("its sslmode is none that PostgreSQL knows".into())
}

fn redis(text: &Text) -> Result<Option<RedisAddress>, Wrong> {
    if text.value.is_empty() {
        return Ok(None);
    }
    RedisAddress::parse(&text.value).map(Some).map_err(|error| {
        Wrong::new(Code::StoreAddress, format!("`redis` is not an address of Redis: {error}")).suggest(
            "write \"redis://host\", or where to find it: \"env:USHER_REDIS\"; without Redis leave it out, and sessions are kept in memory",
        )
    })
}

fn socket_address(text: &Text) -> Result<SocketAddr, Wrong> {
    text.value.parse().map_err(|_| {
        Wrong::new(Code::Address, format!("{:?} is not an address to listen on", text.shown))
            .suggest("write an IP address and a port: \"0.0.0.0:443\", \"127.0.0.1:8080\", \"[::]:443\"")
    })
}

/// An address alone, or a network.
fn network(text: &Text) -> Result<IpNet, Wrong> {
    let network = text.value.parse().or_else(|_| text.value.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        Wrong::new(Code::Address, format!("{:?} is neither an IP address nor a network", text.shown))
            .suggest("write an address without a port, or a network: \"10.0.0.5\", \"10.1.0.0/16\"")
    })
}

fn server(mut section: Section<'_>) -> Server {
    let listen = section.parsed("listen", socket_address).unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 443)));
    let mut trusted_proxies = Vec::new();
    for text in section.texts("trusted_proxies").unwrap_or_default() {
        match network(&text) {
            Ok(network) => trusted_proxies.push(network),
            Err(wrong) => section.reader().at(&text, wrong),
        }
    }
    let max_body_bytes = section.parsed("max_body", value::size_bytes).unwrap_or(10 << 20);
    let shutdown_delay = section.parsed("shutdown_delay", value::duration).unwrap_or(Duration::ZERO);
    let shutdown_grace = section.parsed("shutdown_grace", value::duration).unwrap_or(Duration::from_secs(30));
    section.finish();
    Server { listen, trusted_proxies, max_body_bytes, shutdown_delay, shutdown_grace }
}

fn tls(mut section: Section<'_>, public_url: Option<&Url>) -> Option<Tls> {
    let certificate = section.parsed("cert", |text| pem(text, "CERTIFICATE-----", public_url));
    let key = section.parsed("key", |text| pem(text, "PRIVATE KEY-----", public_url));
    let off = section.boolean("off").unwrap_or(false);
    let (has_certificate, has_key, has_acme) = (section.has("cert"), section.has("key"), section.has("acme"));
    if has_acme {
        let wrong = Wrong::new(Code::NotYet, "fetching certificates by ACME is not in this version yet");
        section.wrong("acme", wrong.suggest("give `cert` and `key`, or `off = true` behind a TLS proxy"));
    }
    let https = public_url.is_none_or(|url| url.scheme() == "https");
    let tls = match (has_certificate, has_key) {
        (true, true) if off || !https => {
            let (key, why) = if off { ("off", "and a certificate is given") } else { ("cert", "and `public_url` is plain http") };
            let wrong = Wrong::new(Code::TlsContradiction, format!("`tls.{key}` is set, {why}"));
            section.wrong(key, wrong.suggest("keep one of the two"));
            None
        }
        (true, true) => certificate.zip(key).map(|(certificate, key)| Tls::Pem { certificate, key: Secret::new(key) }),
        (true, false) => {
            section.missing("key", "key = \"file:/etc/usher/tls/key.pem\"");
            None
        }
        (false, true) => {
            section.missing("cert", "cert = \"file:/etc/usher/tls/cert.pem\"");
            None
        }
        (false, false) if https && !off && !has_acme => {
            let wrong = Wrong::new(Code::TlsMissing, "`public_url` is https, and nothing says how Usher speaks TLS");
            section.wrong_here(wrong.suggest("give `cert` and `key` in [tls], or `off = true` when a proxy in front does it"));
            None
        }
        (false, false) => Some(Tls::Off),
    };
    section.finish();
    tls
}

fn pem(text: &Text, marker: &str, public_url: Option<&Url>) -> Result<String, Wrong> {
    let pem = value::pem(text, marker)?;
    if value::is_for_development(text) && !public_url.is_some_and(value::is_loopback) {
        let wrong = Wrong::new(Code::DevelopmentKey, format!("`{}` comes with Usher's source code, so everyone has it", text.path));
        return Err(wrong.suggest("use your own key and certificate; these are accepted only when `public_url` is a loopback address"));
    }
    Ok(pem)
}

fn ops(mut section: Section<'_>) -> SocketAddr {
    let listen = section.parsed("listen", socket_address).unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)));
    section.finish();
    listen
}

fn session(mut section: Section<'_>) -> SessionLimits {
    let lifetime = section.parsed("lifetime", value::duration).unwrap_or(Duration::from_hours(12));
    let idle_timeout = section.parsed("idle_timeout", value::duration).unwrap_or(Duration::from_hours(8));
    if idle_timeout > lifetime {
        // Named where the operator wrote something: a short lifetime alone runs into the default of the other.
        let key = if section.has("idle_timeout") { "idle_timeout" } else { "lifetime" };
        let message = format!("`idle_timeout` ({idle_timeout:?}) is longer than `lifetime` ({lifetime:?}), so it would never count");
        section.wrong(key, Wrong::new(Code::SessionLimits, message).suggest("make `idle_timeout` at most as long as `lifetime`"));
    }
    let outage_grace = section.parsed("outage_grace", value::duration).unwrap_or(Duration::from_mins(5));
    section.finish();
    SessionLimits { idle_timeout, lifetime, outage_grace }
}

fn limits(mut section: Section<'_>) -> Limits {
    let mut per_minute = |key: &'static str, otherwise: u32| {
        if !section.has(key) {
            return otherwise;
        }
        let number = section.number(key, "sign_in = 600");
        match number.map(u32::try_from) {
            Some(Ok(limit)) if limit > 0 => limit,
            None => otherwise,
            Some(_) => {
                let wrong = Wrong::new(Code::Limit, format!("`limits.{key}` is not a number of requests a minute"));
                section.wrong(key, wrong.suggest(format!("write 1 or more; {otherwise} is what counts without the line")));
                otherwise
            }
        }
    };
    let Limits { sign_in_per_minute, api_per_minute } = Limits::default();
    let limits =
        Limits { sign_in_per_minute: per_minute("sign_in", sign_in_per_minute), api_per_minute: per_minute("api", api_per_minute) };
    section.finish();
    limits
}

fn log(mut section: Section<'_>) -> Log {
    let forms = [("auto", LogFormat::Auto), ("pretty", LogFormat::Pretty), ("json", LogFormat::Json)];
    let format = section.parsed("format", |text| value::choice(text, &forms)).unwrap_or(LogFormat::Auto);
    let level = section.parsed("level", log_level).unwrap_or_else(|| "info".to_owned());
    section.finish();
    Log { format, level }
}

/// tracing reads an unknown word as the name of a module to log in full, so `inof` would log everything of nothing.
fn log_level(text: &Text) -> Result<String, Wrong> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let known = |directive: &str| LEVELS.contains(&directive.rsplit('=').next().unwrap_or(directive).trim());
    match text.value.split(',').find(|directive| !known(directive)) {
        Some(unknown) => {
            let wrong = Wrong::new(Code::LogLevel, format!("{:?} is not a log level", text.shown));
            Err(wrong.suggest(super::section::did_you_mean(unknown.rsplit('=').next().unwrap_or(unknown), LEVELS)))
        }
        None => Ok(text.value.clone()),
    }
}

fn org(mut section: Section<'_>) -> Option<PathBuf> {
    let reader = section.reader();
    // `file:` is understood too, as the path that it is.
    let path = |text: &Text| text.file.clone().map_or_else(|| value::not_blank(text).map(|path| reader.beside(&path)), Ok);
    let file = section.parsed("file", path);
    section.finish();
    file
}
