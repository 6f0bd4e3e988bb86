//! A small organization, for the benchmarks.

use usher::core::{
    Connection, ConnectionId, Domain, DomainName, DomainVerification, IdpSource, Mode, Organization, OrganizationId, OwnedSeats, Plan,
    Policy, Protocol, RequestBinding, Role, SamlSettings, SeatTier, Settings,
};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn settings() -> Result<Settings, Error> {
    let domain = DomainName::parse("acme.example")?;
    let saml = SamlSettings {
        idp: IdpSource::MetadataUrl("https://idp.acme.example/metadata".to_owned()),
        sign_requests: true,
        request_binding: RequestBinding::Redirect,
        subject_attribute: None,
        email_attribute: "email".to_owned(),
        name_attribute: "name".to_owned(),
        groups_attribute: "groups".to_owned(),
        cbc: usher::core::Cbc::Never,
        take_unasked: false,
    };
    let connection = Connection {
        id: ConnectionId::parse("okta")?,
        name: "Okta".to_owned(),
        enabled: true,
        domains: [domain.clone()].into(),
        internal: false,
        allow_idp_initiated: false,
        protocol: Protocol::Saml(saml),
    };
    let organization = Organization {
        id: OrganizationId::parse("acme")?,
        name: "Acme".to_owned(),
        plan: Plan::Team,
        roles: ["Owner", "Admin", "User"].map(Role::new).to_vec(),
        administrators: [Role::new("Owner")].into(),
        default_role: Role::new("User"),
        seat_tiers: vec![OwnedSeats { tier: SeatTier::new("Standard"), owned: 1_000_000 }],
        mode: Mode::Jit,
        group_mappings: false,
        role_mappings: Vec::new(),
        seat_tier_mappings: Vec::new(),
        primary_owner: None,
        policy: Policy::default(),
        branding: usher::core::Branding::default(),
    };
    Ok(Settings {
        parent_name: "Acme".to_owned(),
        domains: vec![Domain { name: domain, verified: Some(DomainVerification::Operator) }],
        connections: vec![connection],
        organizations: vec![organization],
    })
}
