//! `[[connection]]`: the identity providers.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::oidc;
use crate::config::code::Code;
use crate::config::section::{Section, Text, Wrong, nearest};
use crate::config::value;
use crate::core::{Cbc, Connection, ConnectionId, Domain, DomainName, IdpSource, Protocol, RequestBinding, SamlSettings};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Saml,
    Oidc,
}

/// What a connection's own checks have to know about its surroundings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust {
    /// `internal = true`: private addresses are meant.
    pub(super) internal: bool,
    /// Keys that come with the source code are acceptable.
    pub(super) development: bool,
}

/// Reads all connections, in their order.
pub(super) fn read_all(root: &mut Section<'_>, known: &[Domain], development: bool) -> Vec<Connection> {
    let mut ids = BTreeSet::new();
    let mut connections = Vec::new();
    for mut section in root.sections("connection") {
        let connection = read(&mut section, known, development);
        if let Some(connection) = connection {
            if !ids.insert(connection.id.clone()) {
                let wrong = Wrong::new(Code::Duplicate, format!("the connection {:?} is here twice", connection.id.as_str()));
                section.wrong("id", wrong.suggest("the id is part of the connection's addresses: give each its own"));
            }
            connections.push(connection);
        }
        section.finish();
    }
    connections
}

fn read(section: &mut Section<'_>, known: &[Domain], development: bool) -> Option<Connection> {
    let id = section.parsed_required("id", "id = \"okta\"", |text| value::short_name(text, ConnectionId::parse));
    let name = section.parsed("name", value::not_blank);
    let enabled = section.boolean("enabled").unwrap_or(true);
    let domains = domains(section, known);
    let internal = section.boolean("internal").unwrap_or(false);
    let kinds = [("saml", Kind::Saml), ("oidc", Kind::Oidc)];
    let kind = section.parsed_required("protocol", "protocol = \"saml\" (or \"oidc\")", |text| value::choice(text, &kinds));
    let trust = Trust { internal, development };
    let strict = kind == Some(Kind::Saml) && section.is_text("allow_idp_initiated", "strict");
    let allow_idp_initiated = strict || section.boolean("allow_idp_initiated").unwrap_or(false);
    let protocol = match kind {
        Some(Kind::Saml) => saml(section, trust, strict).map(Protocol::Saml),
        Some(Kind::Oidc) => oidc::read(section, trust).map(Protocol::Oidc),
        None => {
            // Which keys belong here is not known: ask for both sets, so that none is called unknown.
            section.forgive(&SAML_KEYS);
            section.forgive(&oidc::KEYS);
            None
        }
    };
    let id = id?;
    let name = name.unwrap_or_else(|| id.as_str().to_owned());
    Some(Connection { id, name, enabled, domains, internal, allow_idp_initiated, protocol: protocol? })
}

const SAML_KEYS: [&str; 9] =
    ["idp_metadata", "entity_id", "sso_url", "slo_url", "certificates", "sign_requests", "request_binding", "decrypt_cbc", "attributes"];

fn domains(section: &mut Section<'_>, known: &[Domain]) -> BTreeSet<DomainName> {
    let written = section.texts("domains");
    if !section.has("domains") || written.as_ref().is_some_and(Vec::is_empty) {
        let wrong = Wrong::new(Code::NoDomains, "a connection without domains lets nobody in");
        section.wrong("domains", wrong.suggest("list the domains of the people who sign in here: domains = [\"acme.example\"]"));
    }
    let mut domains = BTreeSet::new();
    for text in written.unwrap_or_default() {
        match value::domain(&text) {
            Ok(name) if known.iter().any(|domain| domain.name == name) => {
                domains.insert(name);
            }
            Ok(name) => {
                let wrong = Wrong::new(Code::UnlistedDomain, format!("{name} is not one of the domains of this file"));
                let near = nearest(name.as_str(), known.iter().map(|domain| domain.name.as_str()));
                let suggestion =
                    near.map_or_else(|| format!("add [[domain]] with name = \"{name}\""), |near| format!("did you mean {near:?}?"));
                section.reader().at(&text, wrong.suggest(suggestion));
            }
            Err(wrong) => section.reader().at(&text, wrong),
        }
    }
    domains
}

fn saml(section: &mut Section<'_>, trust: Trust, take_unasked: bool) -> Option<SamlSettings> {
    let idp = idp_source(section, trust);
    let sign_requests = section.boolean("sign_requests").unwrap_or(true);
    let bindings = [("redirect", RequestBinding::Redirect), ("post", RequestBinding::Post)];
    let request_binding = section.parsed("request_binding", |text| value::choice(text, &bindings)).unwrap_or_default();
    let modes = [("never", Cbc::Never), ("signed_response", Cbc::SignedResponse), ("unsigned_response", Cbc::UnsignedResponse)];
    let cbc = section.parsed("decrypt_cbc", |text| value::choice(text, &modes)).unwrap_or_default();
    let mut attributes = section.section("attributes");
    let mut attribute = |key, default: &str| attributes.parsed(key, value::not_blank).unwrap_or_else(|| default.to_owned());
    let (email_attribute, name_attribute, groups_attribute) =
        (attribute("email", "email"), attribute("name", "displayName"), attribute("groups", "groups"));
    let subject_attribute = attributes.parsed("subject", value::not_blank);
    attributes.finish();
    Some(SamlSettings {
        idp: idp?,
        sign_requests,
        request_binding,
        subject_attribute,
        email_attribute,
        name_attribute,
        groups_attribute,
        cbc,
        take_unasked,
    })
}

fn idp_source(section: &mut Section<'_>, trust: Trust) -> Option<IdpSource> {
    let by_hand = [section.has("entity_id"), section.has("sso_url"), section.has("certificates")].contains(&true);
    let logout = section.parsed("slo_url", |text| web_address(text, Trust { internal: true, ..trust }));
    if section.has("idp_metadata") == by_hand {
        let message = if by_hand { "the identity provider is described twice" } else { "nothing says who the identity provider is" };
        let suggestion = "give `idp_metadata` (\"file:okta.xml\" or an https address), or `entity_id`, `sso_url` and `certificates`";
        section.wrong_here(Wrong::new(Code::IdpSource, message).suggest(suggestion));
        section.forgive(&SAML_KEYS);
        return None;
    }
    if !by_hand {
        return section.parsed("idp_metadata", |text| metadata(text, trust));
    }
    let entity_id = section.parsed_required("entity_id", "entity_id = \"https://idp.acme.example/metadata\"", value::not_blank);
    // The browser goes there, not Usher, so any address of the operator's network will do.
    let sso_url = section.parsed_required("sso_url", "sso_url = \"https://idp.acme.example/sso\"", |text| {
        web_address(text, Trust { internal: true, ..trust })
    });
    if !section.has("certificates") {
        section.missing("certificates", "certificates = [\"file:idp.pem\"]");
    }
    let written = section.texts("certificates")?;
    if written.is_empty() {
        let wrong = Wrong::new(Code::Certificate, "without a certificate no response could be believed");
        section.wrong("certificates", wrong.suggest("give the provider's signing certificate: [\"file:idp.pem\"]"));
    }
    let mut certificates = Vec::new();
    for text in written {
        match certificate(&text, trust) {
            Ok(certificate) => certificates.push(certificate),
            Err(wrong) => section.reader().at(&text, wrong),
        }
    }
    Some(IdpSource::Manual { entity_id: entity_id?, sso_url: sso_url?, slo_url: logout, certificates })
}

/// Only a first look: what a document says is the SAML door's to read.
fn metadata(text: &Text, trust: Trust) -> Result<IdpSource, Wrong> {
    if text.value.starts_with("http://") || text.value.starts_with("https://") {
        return web_address(text, trust).map(IdpSource::MetadataUrl);
    }
    let wrong = |why: &str| {
        Wrong::new(Code::Metadata, format!("`{}` {why}", text.path))
            .suggest("write \"file:\" and the path of the provider's metadata XML, or its https address")
    };
    let document = text.value.trim_start_matches('\u{feff}').trim_start();
    if !document.starts_with('<') {
        return Err(wrong("is neither an address nor an XML document"));
    }
    if document.contains("<!DOCTYPE") {
        return Err(wrong("has a document type declaration, which is never accepted"));
    }
    if !document.contains("EntityDescriptor") && !document.contains("EntitiesDescriptor") {
        return Err(wrong("is XML, and not SAML metadata"));
    }
    not_for_development(text, trust)?;
    Ok(IdpSource::Metadata(text.value.clone()))
}

fn certificate(text: &Text, trust: Trust) -> Result<String, Wrong> {
    not_for_development(text, trust)?;
    let bare: String = text.value.chars().filter(|c| !c.is_whitespace()).collect();
    // Every DER certificate is a SEQUENCE: 0x30 first.
    let is_bare = STANDARD.decode(bare).is_ok_and(|der| der.first() == Some(&0x30));
    if is_bare || text.value.contains("-----BEGIN CERTIFICATE-----") {
        return Ok(text.value.clone());
    }
    Err(Wrong::new(Code::Certificate, format!("`{}` is not a certificate", text.path))
        .suggest("write \"file:\" and the path of a PEM file, or the certificate in base64"))
}

fn not_for_development(text: &Text, trust: Trust) -> Result<(), Wrong> {
    if trust.development || !value::is_for_development(text) {
        return Ok(());
    }
    let wrong =
        Wrong::new(Code::DevelopmentKey, format!("`{}` comes with Usher's source code: anyone can sign as this provider", text.path));
    Err(wrong.suggest("use your own provider's metadata; this is accepted only when `public_url` is a loopback address"))
}

/// An https address; http on loopback.
pub(super) fn web_address(text: &Text, trust: Trust) -> Result<String, Wrong> {
    let insecure = |why: &str| {
        Wrong::new(Code::InsecureUrl, format!("{:?} {why}", text.shown))
            .suggest("write the provider's address as it gives it: \"https://…\"")
    };
    let url = Url::parse(&text.value).map_err(|_| insecure("is not an address"))?;
    match url.scheme() {
        "https" => {}
        "http" if value::is_loopback(&url) => {}
        "http" => return Err(insecure("is plain http, which is accepted only on loopback addresses and *.localhost")),
        _ => return Err(insecure("is not an https address")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(insecure("has a user name or password in it"));
    }
    if !trust.internal && value::is_private(&url) {
        let wrong = Wrong::new(Code::PrivateAddress, format!("{:?} is a private address", text.shown));
        return Err(wrong.suggest("if the provider is in your own network, write internal = true in its connection"));
    }
    Ok(text.value.clone())
}
