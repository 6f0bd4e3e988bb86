//! The `[[route]]` tables: which host goes to which app, and who may pass.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::time::Duration;

use http::HeaderName;
use strum::IntoEnumIterator as _;
use url::Url;

use super::code::Code;
use super::section::{Section, Text, Wrong, did_you_mean};
use super::{Alias, Allow, Route, value};
use crate::core::{DomainName, OrganizationId, Role, SeatTier};

const EXAMPLE: &str = "[[route]] with host, upstream and organization";

/// Reads all routes; hosts are unique and differ from the auth host.
pub(super) fn read_all(root: &mut Section<'_>, public_url: Option<&Url>) -> Vec<Route> {
    if !root.has("route") {
        root.missing("route", EXAMPLE);
    }
    let mut hosts = BTreeSet::new();
    let mut routes = Vec::new();
    for mut section in root.sections("route") {
        let route = read(&mut section);
        if let Some(route) = route {
            if public_url.and_then(Url::host_str) == Some(route.host.as_str()) {
                let wrong =
                    Wrong::new(Code::HostTaken, format!("{:?} is the host of `public_url`, and an app may not share it", route.host));
                section.wrong("host", wrong.suggest("give the app a host of its own: its scripts must not reach sign-in or console"));
            } else if !hosts.insert(route.host.clone()) {
                let wrong = Wrong::new(Code::HostTaken, format!("{:?} has a route already", route.host));
                section.wrong("host", wrong.suggest("one host is one route; several upstreams can stand in its list"));
            }
            routes.push(route);
        }
        section.finish();
    }
    routes
}

fn read(section: &mut Section<'_>) -> Option<Route> {
    let host = section.parsed_required("host", "host = \"app.acme.example\"", host);
    let upstreams = upstreams(section);
    let organization =
        section.parsed_required("organization", "organization = \"acme\"", |text| value::short_name(text, OrganizationId::parse));
    let allow = section.parsed("allow", allow).unwrap_or(Allow::Members);
    let mut public_paths = Vec::new();
    for text in section.texts("public_paths").unwrap_or_default() {
        match public_path(&text) {
            Ok(path) => public_paths.push(path),
            Err(wrong) => section.reader().at(&text, wrong),
        }
    }
    let aliases = aliases(&section.section("aliases"));
    let idle_timeout = section.parsed("idle_timeout", value::duration).unwrap_or(Duration::from_mins(1));
    Some(Route { host: host?, upstreams, organization: organization?, allow, public_paths, aliases, idle_timeout })
}

fn host(text: &Text) -> Result<String, Wrong> {
    let wrong =
        |why: &str| Wrong::new(Code::RouteHost, format!("{:?} {why}", text.shown)).suggest("write the bare name: \"app.acme.example\"");
    if text.value.contains('*') {
        return Err(wrong("has a wildcard: a route is for one host"));
    }
    if text.value.contains([':', '/']) {
        return Err(wrong("is more than a host"));
    }
    DomainName::parse(&text.value).map(|name| name.as_str().to_owned()).map_err(|_| wrong("is not a host name"))
}

fn upstreams(section: &mut Section<'_>) -> Vec<Url> {
    if !section.has("upstream") {
        section.missing("upstream", "upstream = \"http://127.0.0.1:3000\"");
    }
    let Some(texts) = section.text_or_texts("upstream") else { return Vec::new() };
    let mut upstreams = Vec::new();
    for text in &texts {
        match upstream(text) {
            Ok(url) => upstreams.push(url),
            Err(wrong) => section.reader().at(text, wrong),
        }
    }
    if texts.is_empty() {
        section.wrong("upstream", Wrong::new(Code::Empty, "a route needs an upstream").suggest("write \"http://127.0.0.1:3000\""));
    }
    upstreams
}

fn upstream(text: &Text) -> Result<Url, Wrong> {
    let wrong = |why: &str| {
        Wrong::new(Code::Upstream, format!("{:?} {why}", text.shown)).suggest("write scheme, host and port only: \"http://127.0.0.1:3000\"")
    };
    let url = Url::parse(text.value.trim()).map_err(|_| wrong("is not an address"))?;
    if url.scheme() == "https" {
        let wrong = Wrong::new(Code::NotYet, format!("{:?}: upstreams over https are not in this version yet", text.shown));
        return Err(wrong.suggest("use http on a network that you trust: the same machine, or a tunnel"));
    }
    if url.scheme() != "http" || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is not an http address"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a path: the app gets the path that the browser asked for"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a user name or password in it"));
    }
    if value::is_metadata_service(&url) {
        let wrong =
            Wrong::new(Code::MetadataAddress, format!("{:?} is a cloud's metadata service, which hands out credentials", text.shown));
        return Err(wrong.suggest("write the address of the app"));
    }
    Ok(url)
}

fn allow(text: &Text) -> Result<Allow, Wrong> {
    let named = |name: &str| (!name.trim().is_empty()).then(|| name.trim().to_owned());
    if let Some(role) = text.value.strip_prefix("role:").and_then(named) {
        return Ok(Allow::Role(Role::new(role)));
    }
    if let Some(tier) = text.value.strip_prefix("tier:").and_then(named) {
        return Ok(Allow::Tier(SeatTier::new(tier)));
    }
    match text.value.as_str() {
        "members" => Ok(Allow::Members),
        "signed-in" => Ok(Allow::SignedIn),
        "public" => Ok(Allow::Public),
        other => Err(Wrong::new(Code::Choice, format!("{:?} is not known for `{}`", text.shown, text.path))
            .suggest(did_you_mean(other, ["members", "role:NAME", "tier:NAME", "signed-in", "public"]))),
    }
}

fn public_path(text: &Text) -> Result<String, Wrong> {
    let path = &text.value;
    let wrong = |why: &str, suggestion: &str| Err(Wrong::new(Code::PublicPath, format!("{:?} {why}", text.shown)).suggest(suggestion));
    if !path.starts_with('/') {
        return wrong("does not start with a slash", "write it as the browser asks for it: \"/healthz\"");
    }
    if path == "/" {
        return wrong("is every path", "to open the whole app, write allow = \"public\"");
    }
    // What the proxy compares is a canonical path: these would never match, or mean more than they seem to.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "?#%*\\;".contains(c);
    if path.contains(odd) || path.contains("//") || path.split('/').any(|part| part == "." || part == "..") {
        return wrong("is not a plain path", "write a path prefix without wildcards, escapes or dots: \"/assets\"");
    }
    if path == "/.usher" || path.starts_with("/.usher/") {
        return wrong("belongs to Usher", "leave it out: it works without");
    }
    Ok(path.trim_end_matches('/').to_owned())
}

/// Headers that mean something else to Usher, to proxies or to the app, so that no identity may be put there.
fn is_reserved(header: &HeaderName) -> bool {
    const RESERVED: [&str; 17] = [
        "authorization",
        "connection",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    ];
    let name = header.as_str();
    RESERVED.contains(&name)
        || ["x-usher-", "content-", "sec-", "accept", "if-"].iter().any(|start| name.starts_with(start))
        || ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].contains(&name)
}

fn aliases(section: &Section<'_>) -> BTreeMap<Alias, HeaderName> {
    let reader = section.reader();
    let mut aliases = BTreeMap::new();
    for (key, node) in section.entries() {
        let Ok(alias) = Alias::from_str(&key.value) else {
            let known: Vec<String> = Alias::iter().map(|alias| alias.to_string()).collect();
            let wrong = Wrong::new(Code::UnknownKey, format!("there is no key {:?} in `aliases`", key.value));
            reader.at(&key, wrong.suggest(did_you_mean(&key.value, known.iter().map(String::as_str))));
            continue;
        };
        let Some(text) = section.entry_text(&key, node) else { continue };
        let wrong = |why: &str| {
            Wrong::new(Code::Alias, format!("{:?} {why}", text.shown))
                .suggest("write a header such as \"X-Forwarded-Email\" or \"Remote-User\"")
        };
        match HeaderName::from_bytes(text.value.as_bytes()) {
            Err(_) => reader.at(&text, wrong("is not the name of a header")),
            // Many servers read `X_A` and `X-A` as one header, so a spelling with `_` could not be kept clean.
            Ok(header) if header.as_str().contains('_') => reader.at(&text, wrong("has an underscore, which servers confuse with a dash")),
            Ok(header) if is_reserved(&header) => reader.at(&text, wrong("means something else already")),
            Ok(header) if aliases.values().any(|taken| *taken == header) => reader.at(&text, wrong("carries another value already")),
            Ok(header) => {
                aliases.insert(alias, header);
            }
        }
    }
    aliases
}
