//! First logins a second through the store, each durable before it is answered: 64 callers, a file on this disk.
//!
//! `cargo bench --bench store`, or with a directory on the disk that counts: `cargo bench --bench store -- /var/lib/usher`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use usher::core::provision::{Admission, Change, Decision, Outcome, Trace};
use usher::core::{
    Connection, ConnectionId, Domain, DomainName, DomainVerification, EmailAddress, GroupClaim, Identity, IdpSource, Mode, Organization,
    OrganizationId, OwnedSeats, Plan, Policy, Protocol, Reason, RequestBinding, Role, SamlSettings, SeatTier, Settings,
};
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, RequestOrigin, Store};

type Error = Box<dyn std::error::Error + Send + Sync>;

const CALLERS: usize = 64;
const LOGINS: usize = 10_000;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let parent = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(parent)?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&directory.path().join("usher.db")).await?);
    store.save_settings(&settings()?, None, "bench", usher::clock::Clock::now(&usher::clock::SystemClock)).await?;

    for round in ["first login", "returning"] {
        let next = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(call(Arc::clone(&store), Arc::clone(&next)))).collect();
        let mut waits = Vec::new();
        for caller in callers {
            waits.extend(caller.await??);
        }
        let seconds = started.elapsed().as_secs_f64();
        waits.sort_unstable();
        let percentile = |hundredth: usize| waits.get(waits.len() * hundredth / 100).copied().unwrap_or_default();
        #[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a benchmark says its figures, and they are small")]
        {
            let rate = LOGINS as f64 / seconds;
            println!("{round}: {rate:.0}/s with {CALLERS} callers; facts + commit p50 {} us, p99 {} us", percentile(50), percentile(99));
        }
    }
    assert_eq!(store.check_integrity().await?, Vec::<String>::new());
    Ok(())
}

async fn call(store: Arc<dyn Store>, next: Arc<AtomicUsize>) -> Result<Vec<u128>, Error> {
    let organization = OrganizationId::parse("acme")?;
    let mut waits = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= LOGINS {
            return Ok(waits);
        }
        let started = Instant::now();
        let now = usher::clock::Clock::now(&usher::clock::SystemClock);
        let identity = identity(number)?;
        let facts = store.load_facts(FactsQuery { organization: &organization, identity: &identity, now }).await?;
        let decision = if facts.linked.is_some() { admit(Reason::OkExisting, vec![]) } else { newcomer(&identity) };
        let origin = RequestOrigin::default();
        let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
        if store.commit_login(commit).await? == CommitOutcome::LostRace {
            return Err("a login without rivals lost a race".into());
        }
        waits.push(started.elapsed().as_micros());
    }
}

fn newcomer(identity: &Identity) -> Decision {
    let member = Change::CreateMember { role: Role::new("User"), seat: Some(SeatTier::new("Standard")), primary_owner: false };
    let person = Change::CreatePerson { email: identity.email.clone(), name: identity.name.clone() };
    admit(Reason::OkNew, vec![person, Change::CreateLink, member])
}

fn admit(reason: Reason, changes: Vec<Change>) -> Decision {
    let admission = Admission { reason, role: Role::new("User"), seat: Some(SeatTier::new("Standard")), notes: Vec::new() };
    Decision { outcome: Outcome::Admit(admission), changes, trace: Trace::default() }
}

fn identity(number: usize) -> Result<Identity, Error> {
    Ok(Identity {
        connection: ConnectionId::parse("okta")?,
        subject: format!("subject-{number}"),
        email: Some(EmailAddress::parse(&format!("person{number}@acme.example"))?),
        name: Some(format!("Person {number}")),
        groups: GroupClaim::from_values(["everyone", "engineering", "berlin", "design"]),
        idp_initiated: false,
    })
}

fn settings() -> Result<Settings, Error> {
    let domain = DomainName::parse("acme.example")?;
    let saml = SamlSettings {
        idp: IdpSource::MetadataUrl("https://idp.acme.example/metadata".to_owned()),
        sign_requests: true,
        request_binding: RequestBinding::Redirect,
        subject_attribute: None,
        email_attribute: "email".to_owned(),
        name_attribute: "name".to_owned(),
        groups_attribute: "groups".to_owned(),
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
    };
    Ok(Settings {
        parent_name: "Acme".to_owned(),
        domains: vec![Domain { name: domain, verified: Some(DomainVerification::Operator) }],
        connections: vec![connection],
        organizations: vec![organization],
    })
}
