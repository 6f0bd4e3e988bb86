//! Values that are written as text: durations, sizes, addresses, choices.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::SignedDuration;
use url::{Host, Url};

use super::code::Code;
use super::section::{Text, Wrong, did_you_mean};
use crate::core::{DomainName, EmailAddress, Policy};

/// A duration, zero allowed: `30s`, `8h`, `1h 30m`, `7d` (a day has 24 hours).
pub(super) fn signed_duration(text: &Text) -> Result<SignedDuration, Wrong> {
    parse_duration(&text.value).map_err(|why| {
        Wrong::new(Code::Duration, format!("{:?} {why}", text.shown)).suggest("write a number and a unit: \"30s\", \"15m\", \"8h\", \"7d\"")
    })
}

/// The same of any text.
///
/// # Errors
/// What is wrong with it, to follow the text itself.
pub fn parse_duration(text: &str) -> Result<SignedDuration, &'static str> {
    let span: jiff::Span = text.parse().map_err(|_| "is not a duration")?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| "has a unit without a fixed length")?;
    if duration.is_negative() { Err("is less than nothing") } else { Ok(duration) }
}

/// A limit of sessions.
pub(super) fn session_cap(text: &Text) -> Result<SignedDuration, Wrong> {
    let cap = signed_duration(text)?;
    if cap < Policy::SESSION_MIN {
        return Err(Wrong::new(Code::Duration, format!("{:?} is too short", text.shown)).suggest("write at least \"5m\""));
    }
    Ok(cap)
}

/// A duration of at least a second.
pub(super) fn duration(text: &Text) -> Result<Duration, Wrong> {
    let duration = signed_duration(text)?;
    if duration < SignedDuration::from_secs(1) {
        return Err(Wrong::new(Code::Duration, format!("{:?} is too short", text.shown)).suggest("write at least \"1s\""));
    }
    Ok(duration.unsigned_abs())
}

const UNITS: [(&str, u64); 7] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

/// A size of at least a byte: `512KiB`, `10MiB`, `1GB`, `2000B`.
pub(super) fn size_bytes(text: &Text) -> Result<u64, Wrong> {
    let wrong = || {
        Wrong::new(Code::Size, format!("{:?} is not a size", text.shown)).suggest("write a whole number and a unit: \"512KiB\", \"10MiB\"")
    };
    let value = text.value.trim();
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| value.strip_suffix(name).map(|number| (number, *unit)))
        .or_else(|| value.strip_suffix('B').map(|number| (number, 1)))
        .ok_or_else(wrong)?;
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|&bytes| bytes > 0).ok_or_else(wrong)
}

/// One of a few words.
pub(super) fn choice<T: Clone>(text: &Text, choices: &[(&str, T)]) -> Result<T, Wrong> {
    let found = choices.iter().find(|(word, _)| *word == text.value).map(|(_, choice)| choice.clone());
    found.ok_or_else(|| {
        Wrong::new(Code::Choice, format!("{:?} is not known for `{}`", text.shown, text.path))
            .suggest(did_you_mean(&text.value, choices.iter().map(|(word, _)| *word)))
    })
}

/// Text that is not blank, without outer white space.
pub(super) fn not_blank(text: &Text) -> Result<String, Wrong> {
    let value = text.value.trim();
    if value.is_empty() {
        return Err(Wrong::new(Code::Empty, format!("`{}` is empty", text.path)).suggest("write something, or leave the key out"));
    }
    Ok(value.to_owned())
}

/// A short name: part of addresses, so `a-z`, `0-9` and dashes.
pub(super) fn short_name<T>(text: &Text, parse: impl FnOnce(&str) -> Result<T, crate::core::IdError>) -> Result<T, Wrong> {
    parse(&text.value).map_err(|error| Wrong::new(Code::ShortName, format!("{:?} cannot be an id", text.shown)).suggest(error.to_string()))
}

/// An email address.
pub(super) fn email(text: &Text) -> Result<EmailAddress, Wrong> {
    EmailAddress::parse(&text.value)
        .map_err(|error| Wrong::new(Code::Email, format!("{:?} is not an email address", text.shown)).suggest(error.to_string()))
}

/// Text in PEM, with `marker` in it; only a first look.
pub(super) fn pem(text: &Text, marker: &str) -> Result<String, Wrong> {
    if text.value.contains("-----BEGIN ") && text.value.contains(marker) {
        return Ok(text.value.clone());
    }
    let wrong = Wrong::new(Code::Pem, format!("`{}` is not PEM text (no \"{marker}\" in it)", text.path));
    let named_a_path = text.file.is_none() && text.shown.starts_with(['/', '.']);
    let suggestion = if named_a_path {
        format!("to read a file, write \"file:{}\"", text.shown)
    } else {
        "write \"file:\" and the path of a PEM file".to_owned()
    };
    Err(wrong.suggest(suggestion))
}

/// A domain name.
pub(super) fn domain(text: &Text) -> Result<DomainName, Wrong> {
    DomainName::parse(&text.value).map_err(|_| {
        Wrong::new(Code::Domain, format!("{:?} is not a domain name", text.shown))
            .suggest("write it without https:// and without @, for example \"acme.example\"")
    })
}

/// Whether plain http is as good as https: the request never leaves the machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the address says by itself that it is not on the public Internet.
pub(super) fn is_private(url: &Url) -> bool {
    let private_v4 =
        |address: Ipv4Addr| address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified();
    is_loopback(url)
        || match url.host() {
            Some(Host::Ipv4(address)) => private_v4(address),
            Some(Host::Ipv6(address)) => match address.to_ipv4_mapped() {
                Some(mapped) => private_v4(mapped),
                None => address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified(),
            },
            _ => false,
        }
}

/// Whether the address is where clouds hand out credentials to any process that asks (SSRF's favourite).
pub(super) fn is_metadata_service(url: &Url) -> bool {
    let metadata = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4.is_link_local() || [[100, 100, 100, 200], [192, 0, 0, 192]].contains(&v4.octets()),
        IpAddr::V6(v6) => v6.segments() == [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] || v6.is_unicast_link_local(),
    };
    match url.host() {
        Some(Host::Domain(name)) => ["metadata.google.internal", "metadata", "instance-data"].contains(&name.trim_end_matches('.')),
        Some(Host::Ipv4(address)) => metadata(address.into()),
        Some(Host::Ipv6(address)) => metadata(address.to_canonical()),
        None => false,
    }
}

/// What comes with the source code; known also as a copy under another name.
const DEVELOPMENT_FILES: [&str; 3] = [
    include_str!("../../certs-example/development-sp.key.pem"),
    include_str!("../../certs-example/development-sp.crt.pem"),
    include_str!("../../certs-example/sample-idp-metadata.xml"),
];

/// Whether the key or document is one that comes with the source code, so that everyone has it.
pub(super) fn is_for_development(text: &Text) -> bool {
    text.file.as_ref().is_some_and(|path| path.components().any(|part| part.as_os_str() == "certs-example"))
        || DEVELOPMENT_FILES.iter().any(|file| text.value.contains(file.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::Origin;

    fn text(value: &str) -> Text {
        Text { value: value.to_owned(), shown: value.to_owned(), file: None, path: "x".to_owned(), origin: Origin::Nowhere }
    }

    #[test]
    fn durations_are_read_with_their_units() {
        for (written, seconds) in [("30s", 30), ("8h", 28_800), ("1h 30m", 5_400), ("1h30m", 5_400), ("7d", 604_800), ("90 min", 5_400)] {
            assert_eq!(duration(&text(written)).map(|d| d.as_secs()).ok(), Some(seconds), "{written}");
        }
        for bad in ["", "8", "-8h", "8h ago", "soon", "1 month", "0s", "10ms", "99999999999999999h"] {
            assert!(duration(&text(bad)).is_err(), "{bad}");
        }
        assert_eq!(signed_duration(&text("0s")).ok(), Some(SignedDuration::ZERO));
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        for (written, bytes) in [("10MiB", 10 << 20), ("512 KiB", 512 << 10), ("2000B", 2000), ("1GB", 1_000_000_000)] {
            assert_eq!(size_bytes(&text(written)).ok(), Some(bytes), "{written}");
        }
        for bad in ["", "10", "MiB", "-1MiB", "0B", "1.5MiB", "99999999999999999GiB"] {
            assert!(size_bytes(&text(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_spelling_of_a_metadata_service_is_known() {
        for bad in [
            "http://169.254.169.254/",
            "http://2852039166/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://metadata.google.internal./",
            "http://100.100.100.200/",
        ] {
            assert!(is_metadata_service(&Url::parse(bad).unwrap()), "{bad}");
        }
        assert!(!is_metadata_service(&Url::parse("http://127.0.0.1:3000").unwrap()));
    }

    #[test]
    fn loopback_is_the_machine_itself_and_not_a_name_like_it() {
        for good in ["http://localhost", "http://auth.localhost:8080", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]"] {
            assert!(is_loopback(&Url::parse(good).unwrap()), "{good}");
        }
        for bad in ["http://localhost.evil.example", "http://evillocalhost", "http://10.0.0.1", "http://0.0.0.0"] {
            assert!(!is_loopback(&Url::parse(bad).unwrap()), "{bad}");
        }
    }
}
