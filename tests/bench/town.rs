//! An organization with as many members as a benchmark wants, made by their logins: every one is decided and committed as a real one is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use usher::core::provision::decide;
use usher::core::{
    ConnectionId, EmailAddress, GroupClaim, Identity, IdpSource, MappedGroup, Mode, OrganizationId, OwnedSeats, Protocol, Role,
    RoleMapping, SeatTier, SeatTierMapping, Settings,
};
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, MemberRow, RequestOrigin, Store};

use crate::acme::{Error, settings};

const CALLERS: usize = 64;
/// Each of these has some of the people.
const TEAMS: usize = 500;

/// Acme with groups that decide: everyone is a User, one in a hundred an Admin, one in ten has a Premium seat; one in fifty is in no group that
/// counts and was refused.
pub(crate) fn organization() -> Result<Settings, Error> {
    let mut settings = settings()?;
    let groups = |values: &[&str]| values.iter().map(|value| MappedGroup { value: (*value).to_owned(), label: None }).collect::<Vec<_>>();
    for acme in &mut settings.organizations {
        acme.mode = Mode::Jit;
        acme.group_mappings = true;
        acme.administrators = ["Owner", "Admin"].map(Role::new).into();
        acme.seat_tiers = vec![
            OwnedSeats { tier: SeatTier::new("Premium"), owned: 12_000 },
            OwnedSeats { tier: SeatTier::new("Standard"), owned: 200_000 },
        ];
        let mapped = [("Owner", "app-owners"), ("Admin", "app-admins"), ("User", "everyone")];
        acme.role_mappings = mapped.map(|(role, group)| RoleMapping { role: Role::new(role), groups: groups(&[group]) }).to_vec();
        acme.seat_tier_mappings = vec![
            SeatTierMapping { tier: SeatTier::new("Premium"), groups: groups(&["design"]) },
            SeatTierMapping { tier: SeatTier::new("Standard"), groups: groups(&["everyone"]) },
        ];
    }
    for connection in &mut settings.connections {
        if let Protocol::Saml(saml) = &mut connection.protocol {
            saml.idp = IdpSource::Manual {
                entity_id: "https://idp.acme.example/metadata".to_owned(),
                sso_url: "https://idp.acme.example/sso".to_owned(),
                slo_url: None,
                certificates: vec![include_str!("../fixtures/saml/idp.crt.pem").to_owned()],
            };
        }
    }
    Ok(settings)
}

/// Number 0 is an Owner.
pub(crate) fn resident(number: usize) -> Result<Identity, Error> {
    let mut groups = vec![format!("team-{}", number % TEAMS), format!("floor-{}", number % 17), "all-staff".to_owned()];
    let has = [
        ("app-owners", number == 0),
        ("app-admins", number.is_multiple_of(100)),
        ("design", number.is_multiple_of(10)),
        ("everyone", !is_stranger(number)),
    ];
    groups.extend(has.into_iter().filter(|(_, has)| *has).map(|(group, _)| group.to_owned()));
    Ok(Identity {
        connection: ConnectionId::parse("okta")?,
        subject: format!("00u{number:017}"),
        email: Some(EmailAddress::parse(&format!("person.{number}@acme.example"))?),
        name: Some(format!("{} {} {number}", one_of(&FIRST, number), one_of(&LAST, number / 7))),
        groups: GroupClaim::from_values(groups.iter().map(String::as_str)),
        idp_initiated: false,
    })
}

fn one_of(names: &[&'static str], number: usize) -> &'static str {
    names.get(number % names.len()).copied().unwrap_or_default()
}

/// Which resident a member is.
pub(crate) fn number_of(row: &MemberRow) -> Result<usize, Error> {
    let email = row.person.email.as_ref().ok_or("nobody has no address here")?;
    let number = email.as_str().strip_prefix("person.").and_then(|rest| rest.split('@').next()).ok_or("not a resident")?;
    Ok(number.parse()?)
}

const fn is_stranger(number: usize) -> bool {
    number % 50 == 49
}

const FIRST: [&str; 12] = ["Ada", "Noah", "Mia", "Jo", "Olivia", "Zoë", "Ibrahim", "Yuki", "Lars", "Chidi", "Inés", "Wei"];
const LAST: [&str; 11] = ["Lovelace", "Owens", "Müller", "Okafor", "García", "Tanaka", "Haddad", "Novák", "Singh", "Larsen", "Li"];

/// Lets people come until there are this many members; each login stands for itself, so they come side by side.
pub(crate) async fn settle(store: &Arc<dyn Store>, members: usize, until: Timestamp) -> Result<(), Error> {
    let next = Arc::new(AtomicUsize::new(0));
    // One in fifty is refused.
    let people = members + members / 49 + 1;
    // The Owner first: nobody else is an administrator without one.
    come(store.as_ref(), 0, until).await?;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, next) = (Arc::clone(store), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) + 1;
                    if number >= people {
                        return Ok::<_, Error>(());
                    }
                    // Within the last day, evenly: as after the switch of a whole company.
                    let back = SignedDuration::from_secs(i64::try_from((people - number) * 72_000 / people)?);
                    come(store.as_ref(), number, until - back).await?;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}

async fn come(store: &dyn Store, number: usize, now: Timestamp) -> Result<(), Error> {
    let (organization, identity) = (OrganizationId::parse("acme")?, resident(number)?);
    let origin = RequestOrigin {
        request: Some(format!("{number:032x}")),
        incident: None,
        address: Some(format!("198.51.{}.{}", number / 256 % 256, number % 256)),
    };
    loop {
        let facts = store.load_facts(FactsQuery { organization: &organization, identity: &identity, now }).await?;
        let decision = decide(&facts, &identity, now);
        let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
        if store.commit_login(commit).await? != CommitOutcome::LostRace {
            return Ok(());
        }
    }
}
