//! `[[connection]]` with `protocol = "oidc"`.

use std::collections::BTreeSet;

use super::connection::{Trust, web_address};
use crate::config::code::Code;
use crate::config::section::{Section, Text, Wrong, did_you_mean};
use crate::config::value;
use crate::core::{ClientAuth, GroupLookup, OidcSettings, Refresh, ResponseMode, Secret};

pub(super) const KEYS: [&str; 24] = [
    "issuer",
    "client_id",
    "client_secret",
    "client_auth",
    "client_key",
    "client_key_id",
    "client_algorithm",
    "client_audience",
    "client_certificate",
    "provider_ca",
    "pushed_requests",
    "response_mode",
    "scopes",
    "algorithms",
    "trusted_audiences",
    "max_age",
    "acr_values",
    "tenants",
    "hosted_domains",
    "userinfo",
    "claims",
    "group_lookup",
    "refresh",
    "refresh_grace",
];

/// Where the tenant goes in an issuer of many tenants.
const HOLE: &str = "{tenantid}";
/// The tenant of all personal Microsoft accounts, which anyone can have.
const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4ff5-b112-36a304b66dad";

pub(super) fn read(section: &mut Section<'_>, trust: Trust) -> Option<OidcSettings> {
    let issuer = section.parsed_required("issuer", "issuer = \"https://idp.acme.example\"", |text| issuer(text, trust));
    let client_id = section.parsed_required("client_id", "client_id = \"usher\"", value::not_blank);
    let usual = OidcSettings::new(issuer.as_deref().unwrap_or_default(), client_id.as_deref().unwrap_or_default());
    let client = client(section, usual);
    let tenants = tenants(section, issuer.as_deref());
    let mut scopes = words(section, "scopes", &["openid", "profile", "email"]);
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    let modes = [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
    let many_tenants = issuer.as_ref().is_some_and(|issuer| issuer.contains(HOLE));
    let settings = OidcSettings {
        pushed_requests: section.boolean("pushed_requests"),
        response_mode: section.parsed("response_mode", |text| value::choice(text, &modes)).unwrap_or_default(),
        scopes,
        algorithms: algorithms(section),
        trusted_audiences: words(section, "trusted_audiences", &[]).into_iter().collect(),
        max_age_seconds: section.parsed("max_age", value::duration).map(|age| u32::try_from(age.as_secs()).unwrap_or(u32::MAX)),
        acr_values: words(section, "acr_values", &[]),
        tenants,
        hosted_domains: hosted_domains(section),
        refresh: refresh(section),
        userinfo: section.boolean("userinfo").unwrap_or(true),
        ..client
    };
    let mut claims = section.section("claims");
    let mut claim = |key, default: &str| claims.parsed(key, value::not_blank).unwrap_or_else(|| default.to_owned());
    // Entra ID's `sub` is another one for each app registration; its `oid` is the person.
    let subject_claim = claim("subject", if many_tenants { "oid" } else { "sub" });
    let (email_claim, name_claim, groups_claim) = (claim("email", "email"), claim("name", "name"), claim("groups", "groups"));
    claims.finish();
    let group_lookup = if section.has("group_lookup") { group_lookup(section.section("group_lookup"), trust) } else { None };
    let settings = OidcSettings { subject_claim, email_claim, name_claim, groups_claim, group_lookup, ..settings };
    issuer.and(client_id).map(|_| settings)
}

/// How the client proves itself, into the settings.
fn client(section: &mut Section<'_>, usual: OidcSettings) -> OidcSettings {
    let client_secret = section.parsed("client_secret", |text| value::not_blank(text).map(Secret::new));
    let ways = [
        ("basic", ClientAuth::Basic),
        ("post", ClientAuth::Post),
        ("private_key_jwt", ClientAuth::PrivateKeyJwt),
        ("tls", ClientAuth::Tls),
    ];
    let client_auth = section.parsed("client_auth", |text| value::choice(text, &ways));
    let client_key = section.parsed("client_key", |text| value::pem(text, "PRIVATE KEY-----").map(Secret::new));
    let client_certificate = section.parsed("client_certificate", |text| value::pem(text, "BEGIN CERTIFICATE-----"));
    let kinds = ["RS256", "PS256", "ES256"].map(|name| (name, name.to_owned()));
    let settings = OidcSettings {
        client_auth,
        client_key_id: section.parsed("client_key_id", value::not_blank),
        client_audience: section.parsed("client_audience", value::not_blank),
        client_algorithm: section.parsed("client_algorithm", |text| value::choice(text, &kinds)),
        provider_ca: section.parsed("provider_ca", |text| value::pem(text, "BEGIN CERTIFICATE-----")),
        client_secret,
        client_key,
        client_certificate,
        ..usual
    };
    check_client(section, client_auth);
    settings
}

/// What is written fits together: a key that is never used, or a secret beside it, is not what somebody meant.
fn check_client(section: &mut Section<'_>, client_auth: Option<ClientAuth>) {
    let with_key = matches!(client_auth, Some(ClientAuth::PrivateKeyJwt | ClientAuth::Tls));
    if with_key && !section.has("client_key") {
        section.missing("client_key", "client_key = \"file:client.key.pem\"");
    }
    if client_auth == Some(ClientAuth::Tls) && !section.has("client_certificate") {
        section.missing("client_certificate", "client_certificate = \"file:client.crt.pem\"");
    }
    if with_key && section.has("client_secret") {
        let wrong = Wrong::new(Code::ClientAuth, "the client proves itself with its key, so `client_secret` is never sent");
        section.wrong("client_secret", wrong.suggest("leave `client_secret` out, or `client_auth`"));
    }
    if !with_key && section.has("client_key") {
        let wrong = Wrong::new(Code::ClientAuth, "nothing says what `client_key` is for");
        section.wrong("client_key", wrong.suggest("write client_auth = \"private_key_jwt\" or \"tls\""));
    }
}

fn issuer(text: &Text, trust: Trust) -> Result<String, Wrong> {
    let issuer = web_address(text, trust)?;
    let anyone = ["/common", "/organizations", "/consumers"].into_iter().find(|tenant| issuer.contains(tenant));
    match anyone {
        Some(tenant) if issuer.contains("microsoftonline") => {
            let wrong = Wrong::new(Code::Tenant, format!("{tenant:?} stands for everybody's tenant, and no token comes from it"));
            Err(wrong.suggest("write the id of your tenant there; or {tenantid}, and the ids of your tenants under `tenants`"))
        }
        _ => Ok(issuer),
    }
}

/// The tenants that may come in: ids, because a name can be given to another tenant.
fn tenants(section: &mut Section<'_>, issuer: Option<&str>) -> BTreeSet<String> {
    let mut tenants = BTreeSet::new();
    for text in section.texts("tenants").unwrap_or_default() {
        let wrong = |why: &str| Wrong::new(Code::Tenant, format!("{:?} {why}", text.shown));
        match uuid::Uuid::parse_str(text.value.trim()).map(|id| id.hyphenated().to_string()) {
            Ok(id) if id == PERSONAL_ACCOUNTS => {
                let wrong = wrong("is the tenant of all personal Microsoft accounts, which anyone can have");
                section.reader().at(&text, wrong.suggest("name the tenants of organizations only"));
            }
            Ok(id) => drop(tenants.insert(id)),
            Err(_) => {
                let suggestion = "write its Directory (tenant) ID, such as \"8f1c0b6e-2a54-4c1b-9f0e-6d1f6a1f2b11\"";
                section.reader().at(&text, wrong("is not the id of a tenant").suggest(suggestion));
            }
        }
    }
    if issuer.is_some_and(|issuer| issuer.contains(HOLE)) && !section.has("tenants") {
        let wrong = Wrong::new(Code::Tenant, "with {tenantid} in the issuer, everybody's tenant could sign people in");
        section.wrong("issuer", wrong.suggest("name those whom you trust: tenants = [\"…\"]"));
    }
    tenants
}

/// At least a minute: each session asks, and a provider that is asked every second refuses everybody.
fn refresh(section: &mut Section<'_>) -> Option<Refresh> {
    let seconds = |time: std::time::Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let every = section.parsed("refresh", |text| {
        let every = value::duration(text)?;
        let wrong = || Wrong::new(Code::Duration, format!("{:?} is too short", text.shown)).suggest("write at least \"1m\"");
        if every >= std::time::Duration::from_mins(1) { Ok(every) } else { Err(wrong()) }
    });
    let grace = section.parsed("refresh_grace", value::signed_duration).map_or(3600, |grace| seconds(grace.unsigned_abs()));
    every.map(|every| Refresh { every_seconds: seconds(every), grace_seconds: grace })
}

#[derive(Clone, Copy, PartialEq)]
enum LookupKind {
    Graph,
    Google,
}

fn group_lookup(mut section: Section<'_>, trust: Trust) -> Option<GroupLookup> {
    let kinds = [("microsoft_graph", LookupKind::Graph), ("google_directory", LookupKind::Google)];
    let kind = section.parsed_required("kind", "kind = \"microsoft_graph\" (or \"google_directory\")", |text| value::choice(text, &kinds));
    let url = section.parsed("url", |text| web_address(text, trust));
    let lookup = match kind {
        Some(LookupKind::Graph) => {
            Some(GroupLookup::MicrosoftGraph { url: url.unwrap_or_else(|| "https://graph.microsoft.com".to_owned()) })
        }
        Some(LookupKind::Google) => google(&mut section, url),
        None => None,
    };
    if kind != Some(LookupKind::Graph) {
        section.forgive(&["service_account", "impersonate"]);
    }
    section.finish();
    lookup
}

fn google(section: &mut Section<'_>, url: Option<String>) -> Option<GroupLookup> {
    let service_account = section.parsed_required("service_account", "service_account = \"file:google.json\"", key_file);
    let impersonate = section.parsed_required("impersonate", "impersonate = \"admin@acme.example\"", value::email);
    let url = url.unwrap_or_else(|| "https://admin.googleapis.com".to_owned());
    Some(GroupLookup::GoogleDirectory { url, service_account: service_account?, impersonate: impersonate?.to_string() })
}

/// Only a first look, which shows nothing of it.
fn key_file(text: &Text) -> Result<Secret, Wrong> {
    let object: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text.value).ok();
    let whole = object.is_some_and(|file| ["client_email", "private_key", "token_uri"].iter().all(|name| file.contains_key(*name)));
    if whole {
        return Ok(Secret::new(text.value.clone()));
    }
    let wrong = Wrong::new(Code::KeyFile, format!("`{}` is not the key file of a service account", text.path));
    Err(wrong.suggest("write \"file:\" and the path of the JSON file that Google gave"))
}

fn hosted_domains(section: &mut Section<'_>) -> BTreeSet<String> {
    let mut domains = BTreeSet::new();
    for text in section.texts("hosted_domains").unwrap_or_default() {
        match value::domain(&text) {
            Ok(domain) => drop(domains.insert(domain.to_string())),
            Err(wrong) => section.reader().at(&text, wrong),
        }
    }
    domains
}

fn words(section: &mut Section<'_>, key: &'static str, default: &[&str]) -> Vec<String> {
    let Some(texts) = section.texts(key) else { return default.iter().map(|&word| word.to_owned()).collect() };
    let mut words = Vec::new();
    for text in texts {
        match value::not_blank(&text) {
            Ok(word) => words.push(word),
            Err(wrong) => section.reader().at(&text, wrong),
        }
    }
    words
}

/// Asymmetric signatures only (RFC 8725 3.1): whoever can check a shared-key signature can also make one.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

fn algorithms(section: &mut Section<'_>) -> Vec<String> {
    let Some(texts) = section.texts("algorithms") else { return vec!["RS256".to_owned()] };
    if texts.is_empty() {
        let wrong = Wrong::new(Code::Algorithm, "without an algorithm no ID token could be believed");
        section.wrong("algorithms", wrong.suggest("write [\"RS256\"], or leave the key out"));
    }
    let mut algorithms = Vec::new();
    for text in texts {
        let why = match text.value.as_str() {
            known if ALGORITHMS.contains(&known) => {
                algorithms.push(text.value);
                continue;
            }
            "none" => "\"none\" means no signature at all, and is never accepted".to_owned(),
            "HS256" | "HS384" | "HS512" => {
                format!("{} signs with the client secret, which too many parties know, and is not accepted", text.shown)
            }
            _ => format!("{:?} is not an algorithm that Usher accepts", text.shown),
        };
        let shared_key = text.value.starts_with("HS") || text.value == "none";
        let suggestion = if shared_key { "let the provider sign with RS256".to_owned() } else { did_you_mean(&text.value, ALGORITHMS) };
        section.reader().at(&text, Wrong::new(Code::Algorithm, why).suggest(suggestion));
    }
    algorithms
}
