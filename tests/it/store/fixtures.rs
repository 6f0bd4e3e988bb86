//! A small organization, identities, decisions made by hand, and a backend under test.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use usher::core::provision::{Admission, Change, Decision, Outcome, Trace};
use usher::core::{
    Connection, ConnectionId, Domain, DomainName, DomainVerification, EmailAddress, GroupClaim, Identity, IdpSource, Invite, Link, Member,
    Mode, OidcSettings, Organization, OrganizationId, OwnedSeats, Plan, Policy, Protocol, Reason, RequestBinding, Role, SamlSettings,
    SeatTier, Secret, Settings,
};
use usher::store::{CommitOutcome, Committed, FactsQuery, LoginCommit, MemberRow, Reading, RequestOrigin, Store, StoreError};

/// A backend under test.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    fn store(&self) -> Arc<dyn Store>;

    /// Runs a statement that both databases understand, for rows that no use case writes yet.
    async fn execute(&self, statement: String);
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn acme() -> OrganizationId {
    OrganizationId::parse("acme").unwrap()
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn role(name: &str) -> Role {
    Role::new(name)
}

pub(crate) fn tier(name: &str) -> SeatTier {
    SeatTier::new(name)
}

pub(crate) fn organization(premium: u32, standard: u32) -> Organization {
    Organization {
        id: acme(),
        name: "Acme".to_owned(),
        plan: Plan::Enterprise,
        roles: ["Owner", "Admin", "User"].map(Role::new).to_vec(),
        administrators: ["Owner", "Admin"].map(Role::new).into(),
        default_role: role("User"),
        seat_tiers: vec![OwnedSeats { tier: tier("Premium"), owned: premium }, OwnedSeats { tier: tier("Standard"), owned: standard }],
        mode: Mode::Jit,
        group_mappings: false,
        role_mappings: Vec::new(),
        seat_tier_mappings: Vec::new(),
        primary_owner: None,
        policy: Policy::default(),
        branding: usher::core::Branding::default(),
    }
}

pub(crate) fn settings(premium: u32, standard: u32) -> Settings {
    let domain = DomainName::parse("acme.example").unwrap();
    let connection = |id: &str, protocol: Protocol| Connection {
        id: ConnectionId::parse(id).unwrap(),
        name: id.to_owned(),
        enabled: true,
        domains: [domain.clone()].into(),
        internal: false,
        allow_idp_initiated: false,
        protocol,
    };
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
    let oidc = OidcSettings {
        client_secret: Some(Secret::new("correct-horse")),
        scopes: vec!["openid".to_owned()],
        userinfo: false,
        ..OidcSettings::new("https://op.acme.example", "usher")
    };
    Settings {
        parent_name: "Acme".to_owned(),
        domains: vec![Domain { name: domain.clone(), verified: Some(DomainVerification::Operator) }],
        connections: vec![connection("okta", Protocol::Saml(saml)), connection("entra", Protocol::Oidc(oidc))],
        organizations: vec![organization(premium, standard)],
    }
}

pub(crate) fn with_owner(mut settings: Settings, address: &str) -> Settings {
    settings.organizations[0].primary_owner = Some(email(address));
    settings
}

/// `ada` over okta: subject `okta-ada`, address `ada@acme.example`, in one group.
pub(crate) fn identity(name: &str) -> Identity {
    Identity {
        connection: ConnectionId::parse("okta").unwrap(),
        subject: format!("okta-{name}"),
        email: Some(email(&format!("{name}@acme.example"))),
        name: Some(name.to_owned()),
        groups: GroupClaim::from_values(["everyone"]),
        idp_initiated: false,
    }
}

pub(crate) fn admit(reason: Reason, as_role: &str, seat: Option<&str>, changes: Vec<Change>) -> Decision {
    let admission = Admission { reason, role: role(as_role), seat: seat.map(tier), notes: Vec::new() };
    Decision { outcome: Outcome::Admit(admission), changes, trace: Trace::default() }
}

pub(crate) fn refuse(reason: Reason, changes: Vec<Change>) -> Decision {
    Decision { outcome: Outcome::Refuse(reason), changes, trace: Trace::default() }
}

pub(crate) fn create_person(identity: &Identity) -> Change {
    Change::CreatePerson { email: identity.email.clone(), name: identity.name.clone() }
}

pub(crate) fn create_member(as_role: &str, seat: Option<&str>) -> Change {
    Change::CreateMember { role: role(as_role), seat: seat.map(tier), primary_owner: false }
}

/// The first login of someone unknown.
pub(crate) fn newcomer(identity: &Identity, as_role: &str, seat: Option<&str>) -> Decision {
    admit(Reason::OkNew, as_role, seat, vec![create_person(identity), Change::CreateLink, create_member(as_role, seat)])
}

/// A login that finds everything as it was, after `changes`.
pub(crate) fn returning(member: &Member, changes: Vec<Change>) -> Decision {
    admit(Reason::OkExisting, member.role.as_str(), member.seat.as_ref().map(SeatTier::as_str), changes)
}

/// A store with settings, and shorthand for a login on it.
pub(crate) struct World {
    pub backend: Box<dyn Backend>,
    pub store: Arc<dyn Store>,
}

impl World {
    /// An organization with these seats and no members.
    pub(crate) async fn new(backend: Box<dyn Backend>, premium: u32, standard: u32) -> Self {
        let world = Self::empty(backend);
        world.store.save_settings(&settings(premium, standard), None, "cli", at(0)).await.unwrap();
        world
    }

    pub(crate) fn empty(backend: Box<dyn Backend>) -> Self {
        Self { store: backend.store(), backend }
    }

    pub(crate) async fn facts(&self, identity: &Identity, now: Timestamp) -> Reading {
        self.store.load_facts(FactsQuery { organization: &acme(), identity, now }).await.unwrap()
    }

    pub(crate) async fn try_commit(
        &self,
        facts: &Reading,
        identity: &Identity,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<CommitOutcome, StoreError> {
        commit(&self.store, facts, identity, decision, now).await
    }

    /// Loads the facts and writes the decision; it must be written.
    pub(crate) async fn login(&self, identity: &Identity, decision: &Decision, now: Timestamp) -> Committed {
        let facts = self.facts(identity, now).await;
        match self.try_commit(&facts, identity, decision, now).await.unwrap() {
            CommitOutcome::Committed(committed) => committed,
            CommitOutcome::LostRace => panic!("nobody else was there"),
        }
    }

    /// Makes `name` a member by a first login.
    pub(crate) async fn join(&self, name: &str, as_role: &str, seat: Option<&str>, now: Timestamp) -> MemberRow {
        let identity = identity(name);
        self.login(&identity, &newcomer(&identity, as_role, seat), now).await.member.unwrap()
    }

    /// The member of `name` after these changes at a login.
    pub(crate) async fn change(&self, name: &str, as_role: &str, seat: Option<&str>, changes: Vec<Change>, now: Timestamp) -> Member {
        let committed = self.login(&identity(name), &admit(Reason::OkExisting, as_role, seat, changes), now).await;
        committed.member.unwrap().member
    }

    pub(crate) async fn remove(&self, row: &MemberRow, name: &str, now: Timestamp) -> Member {
        let change = Change::RemoveMember { member: row.member.id, reason: Reason::NoRoleGroup };
        self.login(&identity(name), &refuse(Reason::NoRoleGroup, vec![change]), now).await.member.unwrap().member
    }

    /// Seats in use: Premium, Standard.
    pub(crate) async fn used(&self, now: Timestamp) -> Vec<u32> {
        self.store.count_seats(&acme(), now).await.unwrap().iter().map(|count| count.used).collect()
    }

    pub(crate) async fn links(&self, identity: &Identity, now: Timestamp) -> Vec<Link> {
        self.facts(identity, now).await.into_facts().linked.map(|known| known.links).unwrap_or_default()
    }

    /// An invite that holds a seat, as a later use case will write it.
    pub(crate) async fn invite(&self, invite: &Invite) {
        let seat = invite.seat.as_ref().map_or("NULL".to_owned(), |seat| format!("'{seat}'"));
        self.backend
            .execute(format!(
                "INSERT INTO invite (id, organization, email, email_folded, role, seat, held, primary_owner, created_at, expires_at)
                 VALUES ('{}', 'acme', '{}', '{}', '{}', {seat}, {seat}, 0, 0, {})",
                invite.id,
                invite.email,
                invite.email.folded(),
                invite.role,
                invite.expires_at.as_microsecond()
            ))
            .await;
        self.backend.execute(format!("UPDATE seat SET used = used + 1 WHERE organization = 'acme' AND tier = {seat}")).await;
    }

    pub(crate) async fn assert_sound(&self) {
        assert_eq!(self.store.check_integrity().await.unwrap(), Vec::<String>::new());
    }
}

pub(crate) async fn commit(
    store: &Arc<dyn Store>,
    facts: &Reading,
    identity: &Identity,
    decision: &Decision,
    now: Timestamp,
) -> Result<CommitOutcome, StoreError> {
    store.commit_login(LoginCommit { facts, identity, decision, origin: &RequestOrigin::default(), now }).await
}
