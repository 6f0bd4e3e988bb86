//! The organization, the connections and the configuration of the demo: what an operator would have written in two files.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::idp::Idp;
use super::people::DOMAIN;
use super::{DemoError, Scenario};
use crate::config::{Allow, Config, Database, Limits, Log, LogFormat, Route, Server, SessionLimits, Tls};
use crate::core::{
    Branding, Cbc, Connection, ConnectionId, Domain, DomainName, DomainVerification, EmailAddress, IdpSource, MappedGroup, Mode,
    OidcSettings, Organization, OrganizationId, OwnedSeats, Plan, Policy, Protocol, RequestBinding, Role, RoleMapping, SamlSettings,
    SeatTier, SeatTierMapping, Settings,
};

/// The host of sign-in.
pub const AUTH_HOST: &str = "auth.localhost";
/// The host of the app.
pub const APP_HOST: &str = "app.localhost";
/// The host of the identity provider.
pub const IDP_HOST: &str = "idp.localhost";
/// The organization.
pub const ORGANIZATION: &str = "acme";
/// The connection over SAML.
pub const SAML_CONNECTION: &str = "demo-saml";
/// The connection over OpenID Connect.
pub const OIDC_CONNECTION: &str = "demo-oidc";

/// The origin of one of the demo's hosts, without a slash at the end.
pub(super) fn origin(host: &str, port: u16) -> String {
    format!("http://{host}:{port}")
}

type Boxed = Box<dyn Error + Send + Sync>;

pub(super) fn settings(idp: &Idp, scenario: Scenario) -> Result<Settings, DemoError> {
    build(idp, scenario).map_err(DemoError::Settings)
}

fn build(idp: &Idp, scenario: Scenario) -> Result<Settings, Boxed> {
    let domain = DomainName::parse(DOMAIN)?;
    Ok(Settings {
        parent_name: "Acme".to_owned(),
        domains: vec![Domain { name: domain.clone(), verified: Some(DomainVerification::Operator) }],
        connections: vec![
            connection(SAML_CONNECTION, "Acme over SAML", &domain, saml(idp))?,
            connection(OIDC_CONNECTION, "Acme over OpenID Connect", &domain, oidc(idp))?,
        ],
        organizations: vec![organization(scenario)?],
    })
}

fn connection(id: &str, name: &str, domain: &DomainName, protocol: Protocol) -> Result<Connection, Boxed> {
    Ok(Connection {
        id: ConnectionId::parse(id)?,
        name: name.to_owned(),
        enabled: true,
        domains: BTreeSet::from([domain.clone()]),
        internal: true,
        allow_idp_initiated: false,
        protocol,
    })
}

fn saml(idp: &Idp) -> Protocol {
    Protocol::Saml(SamlSettings {
        idp: IdpSource::Metadata(idp.saml_metadata()),
        sign_requests: true,
        request_binding: RequestBinding::Redirect,
        subject_attribute: None,
        email_attribute: "email".to_owned(),
        name_attribute: "displayName".to_owned(),
        groups_attribute: "groups".to_owned(),
        cbc: Cbc::Never,
        take_unasked: false,
    })
}

fn oidc(idp: &Idp) -> Protocol {
    let party = idp.party();
    Protocol::Oidc(OidcSettings {
        client_secret: Some(party.client_secret.clone()),
        userinfo: false,
        ..OidcSettings::new(idp.issuer(), &party.client_id)
    })
}

fn organization(scenario: Scenario) -> Result<Organization, Boxed> {
    let (premium, standard) = scenario.seats();
    let role = |name: &str, group: &str| RoleMapping { role: Role::new(name), groups: vec![mapped(group)] };
    let seats = |name: &str, owned| OwnedSeats { tier: SeatTier::new(name), owned };
    Ok(Organization {
        id: OrganizationId::parse(ORGANIZATION)?,
        name: "Acme".to_owned(),
        plan: Plan::Enterprise,
        roles: ["Owner", "Admin", "User"].map(Role::new).to_vec(),
        administrators: ["Owner", "Admin"].map(Role::new).into(),
        default_role: Role::new("User"),
        seat_tiers: vec![seats("Premium", premium), seats("Standard", standard)],
        mode: Mode::Jit,
        group_mappings: true,
        role_mappings: vec![role("Owner", "app-owners"), role("Admin", "app-admins"), role("User", "everyone")],
        seat_tier_mappings: vec![SeatTierMapping { tier: SeatTier::new("Premium"), groups: vec![mapped("design")] }],
        primary_owner: Some(EmailAddress::parse("olivia@acme.example")?),
        policy: Policy::default(),
        branding: Branding::default(),
    })
}

fn mapped(group: &str) -> MappedGroup {
    MappedGroup { value: group.to_owned(), label: None }
}

pub(super) fn config(listen: SocketAddr, data_dir: PathBuf, upstream: Url) -> Result<Config, DemoError> {
    const HOUR: Duration = Duration::from_hours(1);
    let port = listen.port();
    let public_url = Url::parse(&origin(AUTH_HOST, port)).map_err(|source| DemoError::Settings(source.into()))?;
    let organization = OrganizationId::parse(ORGANIZATION).map_err(|source| DemoError::Settings(source.into()))?;
    Ok(Config {
        public_url,
        data_dir,
        database: Database::Sqlite,
        redis: None,
        server: Server {
            listen,
            trusted_proxies: Vec::new(),
            max_body_bytes: 10 * 1024 * 1024,
            shutdown_delay: Duration::ZERO,
            shutdown_grace: Duration::from_secs(1),
        },
        tls: Tls::Off,
        ops_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        session: SessionLimits { idle_timeout: 8 * HOUR, lifetime: 12 * HOUR, outage_grace: Duration::from_mins(5) },
        limits: Limits::default(),
        routes: vec![Route {
            host: APP_HOST.to_owned(),
            upstreams: vec![upstream],
            organization,
            allow: Allow::Members,
            public_paths: vec!["/healthz".to_owned()],
            aliases: BTreeMap::new(),
            idle_timeout: Duration::from_mins(1),
        }],
        log: Log { format: LogFormat::Auto, level: "info".to_owned() },
        org_file: None,
    })
}
