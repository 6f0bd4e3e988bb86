//! What is true when nothing is said.

use std::time::Duration;

use usher::config::{Allow, Database, LogFormat, Tls};
use usher::core::{
    IdpSource, Mode, NoRoleMatch, NoSeatMatch, OidcSettings, OnTierFull, Plan, Policy, Protocol, RequestBinding, Role, SamlSettings,
    Settings,
};

use super::{Folder, ORG, SMALLEST};

#[test]
fn the_smallest_file_has_the_defaults_of_the_interface() {
    let config = Folder::new().with("usher.toml", SMALLEST).load().unwrap();
    assert_eq!(config.public_url.as_str(), "https://auth.acme.example/");
    assert_eq!(config.data_dir.to_str(), Some("/var/lib/usher"));
    assert_eq!(config.database, Database::Sqlite);
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:443");
    assert!(config.server.trusted_proxies.is_empty());
    assert_eq!(config.server.max_body_bytes, 10 * 1024 * 1024);
    assert_eq!(config.server.shutdown_delay, Duration::ZERO);
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(30));
    assert!(matches!(config.tls, Tls::Off));
    assert_eq!(config.ops_listen.to_string(), "127.0.0.1:9464");
    assert_eq!(config.session.idle_timeout, Duration::from_hours(8));
    assert_eq!(config.session.lifetime, Duration::from_hours(12));
    assert_eq!((config.limits.sign_in_per_minute, config.limits.api_per_minute), (600, 1200));
    assert_eq!(config.log.format, LogFormat::Auto);
    assert_eq!(config.log.level, "info");
    assert_eq!(config.org_file, None);
    let route = &config.routes[0];
    assert_eq!(route.host, "app.acme.example");
    assert_eq!(route.upstreams[0].as_str(), "http://127.0.0.1:3000/");
    assert_eq!(route.organization.as_str(), "acme");
    assert_eq!(route.allow, Allow::Members);
    assert!(route.public_paths.is_empty() && route.aliases.is_empty());
    assert_eq!(route.idle_timeout, Duration::from_mins(1));
}

#[test]
fn the_full_file_of_the_interface_loads() {
    let folder = Folder::new().with("cert.pem", CERTIFICATE).with("key.pem", KEY).with("org.toml", ORG).with(
        "usher.toml",
        r#"
public_url = "https://auth.acme.example"
data_dir   = "data"
database   = "sqlite"
redis      = ""
[server]
listen = "0.0.0.0:443"
trusted_proxies = ["10.0.0.5", "::1"]
max_body = "10MiB"
shutdown_delay = "5s"
shutdown_grace = "30s"
[tls]
cert = "file:cert.pem"
key  = "file:key.pem"
[ops]
listen = "127.0.0.1:9464"
[session]
idle_timeout = "8h"
lifetime     = "12h"
[limits]
sign_in = 600
api     = 1200
[[route]]
host         = "App.acme.example"
upstream     = ["http://127.0.0.1:3000", "http://127.0.0.1:3001"]
organization = "acme"
allow        = "role:Admin"
public_paths = ["/healthz", "/assets/"]
aliases      = { email = "X-Forwarded-Email", seat_tier = "X-Tier" }
idle_timeout = "60s"
[[route]]
host         = "open.acme.example"
upstream     = "http://127.0.0.1:3002"
organization = "acme"
allow        = "tier:Premium"
[log]
format = "json"
level  = "info,usher::saml=debug"
[org]
file = "org.toml"
"#,
    );
    let loaded = folder.load_with_org().unwrap();
    let config = loaded.config;
    assert_eq!(config.data_dir, folder.path("data"));
    assert!(
        matches!(&config.tls, Tls::Pem { certificate, key } if certificate == CERTIFICATE.trim_end() && key.reveal() == KEY.trim_end())
    );
    assert_eq!(config.routes[0].host, "app.acme.example");
    assert_eq!(config.routes[0].upstreams.len(), 2);
    assert_eq!(config.routes[0].allow, Allow::Role(Role::new("Admin")));
    assert_eq!(config.routes[0].public_paths, ["/healthz", "/assets"]);
    assert_eq!(config.routes[0].aliases.len(), 2);
    assert_eq!(loaded.settings.unwrap().organizations[0].id.as_str(), "acme");
    assert!(loaded.warnings.is_empty());
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

fn load_org(text: &str) -> Settings {
    Folder::new().with("org.toml", text).load_org().unwrap().0
}

fn connection_of(fields: &str) -> Protocol {
    let text = format!(
        "[[domain]]\nname = \"acme.example\"\nverified = \"operator\"\n[[organization]]\nid = \"acme\"\nplan = \"console\"\n\
         [[connection]]\nid = \"idp\"\ndomains = [\"acme.example\"]\n{fields}"
    );
    let connection = load_org(&text).connections.remove(0);
    assert_eq!(connection.name, "idp");
    assert!(connection.enabled && !connection.internal && !connection.allow_idp_initiated);
    connection.protocol
}

#[test]
fn a_saml_connection_needs_only_its_metadata() {
    let Protocol::Saml(saml) = connection_of("protocol = \"saml\"\nidp_metadata = \"https://idp.acme.example/metadata\"") else { panic!() };
    let expected = SamlSettings {
        idp: IdpSource::MetadataUrl("https://idp.acme.example/metadata".to_owned()),
        sign_requests: true,
        request_binding: RequestBinding::Redirect,
        subject_attribute: None,
        email_attribute: "email".to_owned(),
        name_attribute: "displayName".to_owned(),
        groups_attribute: "groups".to_owned(),
        cbc: usher::core::Cbc::Never,
        take_unasked: false,
    };
    assert_eq!(saml, expected);
}

#[test]
fn an_oidc_connection_needs_only_issuer_and_client() {
    let Protocol::Oidc(oidc) = connection_of("protocol = \"oidc\"\nissuer = \"https://idp.acme.example\"\nclient_id = \"usher\"") else {
        panic!()
    };
    assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
    assert_eq!(oidc.algorithms, ["RS256"]);
    assert_eq!(oidc, OidcSettings::new("https://idp.acme.example", "usher"));
}

#[test]
fn a_plan_brings_roles_and_administrators() {
    let rows = [
        (Plan::Team, vec!["Owner", "Admin", "User"], vec!["Admin", "Owner"]),
        (Plan::Enterprise, vec!["Owner", "Admin", "User", "Custom"], vec!["Admin", "Owner"]),
        (Plan::Console, vec!["Admin", "Developer", "Limited Developer", "Billing", "Claude Code User", "User"], vec!["Admin"]),
    ];
    for (plan, roles, administrators) in rows {
        let settings = load_org(&format!("[[organization]]\nid = \"acme\"\nplan = \"{plan}\""));
        let organization = &settings.organizations[0];
        assert_eq!(organization.roles.iter().map(Role::as_str).collect::<Vec<_>>(), roles, "{plan}");
        assert_eq!(organization.administrators.iter().map(Role::as_str).collect::<Vec<_>>(), administrators, "{plan}");
        assert_eq!(organization.default_role.as_str(), "User", "{plan}");
    }
}

#[test]
fn an_organization_starts_closed() {
    let settings = load_org("[[organization]]\nid = \"acme\"\nplan = \"team\"");
    assert_eq!(settings.parent_name, "acme");
    let organization = &settings.organizations[0];
    assert_eq!((organization.name.as_str(), organization.mode, organization.group_mappings), ("acme", Mode::Manual, false));
    assert!(organization.seat_tiers.is_empty() && organization.role_mappings.is_empty() && organization.primary_owner.is_none());
    assert_eq!(organization.policy, Policy::default());
    assert_eq!(organization.policy.no_role_match, NoRoleMatch::Remove);
    assert_eq!(organization.policy.no_seat_match, NoSeatMatch::HighestAvailable);
    assert_eq!(organization.policy.on_tier_full, OnTierFull::NextLower);
    assert_eq!(organization.policy.groups_absent_grace.as_hours(), 7 * 24);
}

#[test]
fn the_first_role_always_administers() {
    let settings = load_org(
        "[[organization]]\nid = \"acme\"\nplan = \"custom\"\nroles = [\"Boss\", \"Deputy\", \"Staff\"]\nadministrators = [\"Deputy\"]",
    );
    let organization = &settings.organizations[0];
    assert_eq!(organization.administrators.iter().map(Role::as_str).collect::<Vec<_>>(), ["Boss", "Deputy"]);
    assert_eq!(organization.default_role.as_str(), "Staff");
}
