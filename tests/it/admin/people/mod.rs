//! What administrators do to people, through [`Admin`] on the real store, with whole logins in between: facts, decision, transaction.
//!
//! - `members`: rows 34, 36, 46, 47, 55, 67, vector 21; `removals`: rows 40-45, vectors 14, 15, 25; `invites`: rows 2, 37-39, vectors 12, 13
//! - `gone`: row 65
//! - `seats`: rows 14, 30-32, vectors 9, 10; `owner`: R10, row 52; `relink`: rows 50, 51, vector 19

mod gone;
mod invites;
mod members;
mod owner;
mod relink;
mod removals;
mod seats;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use usher::admin::{Actor, Admin, AdminError, MemberChange, NewPin, PeopleChange, Who};
use usher::config::SessionLimits;
use usher::core::provision::{Outcome, decide};
use usher::core::{
    GroupClaim, MappedGroup, Member, MemberRow, MemberStatus, Mode, Organization, Reason, RoleMapping, SeatTier, SeatTierMapping,
};
use usher::session::Sessions;
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::{CommitOutcome, RequestOrigin};

use crate::store::fixtures::{World, acme, at, email, identity, role, settings, tier};
use crate::support::gateway::TurnedClock;

/// An organization, its administrators, and a clock.
pub(super) struct Desk {
    pub world: World,
    pub admin: Admin,
    pub clock: Arc<TurnedClock>,
}

/// Owner by `owners`, Admin by `admins`, User by `everyone`; Premium by `design`.
pub(super) fn map_groups(organization: &mut Organization) {
    let group = |value: &str| vec![MappedGroup { value: value.to_owned(), label: None }];
    organization.role_mappings = [("Owner", "owners"), ("Admin", "admins"), ("User", "everyone")]
        .map(|(name, value)| RoleMapping { role: role(name), groups: group(value) })
        .to_vec();
    organization.seat_tier_mappings = vec![SeatTierMapping { tier: tier("Premium"), groups: group("design") }];
}

impl Desk {
    /// Two Premium and five Standard seats, the mode with or without mappings, and Olivia, an Owner who has signed in.
    pub(super) async fn new(mode: Mode, mapped: bool) -> Self {
        Self::with(mode, mapped, |_| {}).await
    }

    pub(super) async fn with(mode: Mode, mapped: bool, change: impl FnOnce(&mut Organization)) -> Self {
        let world = World::empty(crate::store::sqlite::open().await);
        let clock = Arc::new(TurnedClock::standing_at(at(100)));
        let mut start = settings(2, 5);
        (start.organizations[0].mode, start.organizations[0].group_mappings) = (Mode::Jit, true);
        map_groups(&mut start.organizations[0]);
        world.store.save_settings(&start, None, "cli", at(0)).await.unwrap();
        let ephemeral = Arc::new(MemoryStore::new(clock.clone()));
        let limits =
            SessionLimits { idle_timeout: Duration::from_hours(8), lifetime: Duration::from_hours(12), outage_grace: Duration::ZERO };
        let sessions = Arc::new(Sessions::new(ephemeral, Arc::clone(&world.store), clock.clone(), limits));
        let admin = Admin { store: Arc::clone(&world.store), sessions, clock: clock.clone(), file: None };
        let desk = Self { world, admin, clock };
        desk.login("olivia", &["owners"]).await.expect("the first Owner");
        desk.settings(|organization| {
            (organization.mode, organization.group_mappings) = (mode, mapped);
            change(organization);
        })
        .await;
        desk
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        use usher::clock::Clock as _;
        self.clock.now()
    }

    pub(super) fn days_pass(&self, days: u64) {
        self.clock.pass(Duration::from_hours(24 * days));
    }

    /// Changes the organization's settings.
    pub(super) async fn settings(&self, change: impl FnOnce(&mut Organization)) {
        let stored = self.world.store.find_settings().await.unwrap().unwrap();
        let mut settings = stored.settings.as_ref().clone();
        change(&mut settings.organizations[0]);
        self.world.store.save_settings(&settings, Some(stored.revision), "cli", self.now()).await.unwrap();
    }

    /// A whole login: the member, or why not.
    pub(super) async fn login(&self, name: &str, groups: &[&str]) -> Result<MemberRow, Reason> {
        let mut identity = identity(name);
        identity.groups = GroupClaim::from_values(groups);
        for _ in 0..6 {
            let facts = self.world.facts(&identity, self.now()).await;
            let decision = decide(&facts, &identity, self.now());
            if let CommitOutcome::Committed(committed) = self.world.try_commit(&facts, &identity, &decision, self.now()).await.unwrap() {
                self.world.assert_sound().await;
                return match decision.outcome {
                    Outcome::Admit(_) => Ok(committed.member.unwrap()),
                    Outcome::Refuse(reason) => Err(reason),
                };
            }
        }
        panic!("nobody else was there");
    }

    /// Becomes a member by mapped groups whatever the mode is now, and gets this role and seat.
    pub(super) async fn join(&self, name: &str, as_role: &str, seat: Option<&str>) -> MemberRow {
        self.world.join(name, as_role, seat, self.now()).await
    }

    pub(super) async fn find(&self, name: &str) -> MemberRow {
        let found = self.world.store.find_members_by_email(&acme(), &email(&format!("{name}@acme.example"))).await.unwrap();
        found.into_iter().next().unwrap_or_else(|| panic!("{name} is unknown"))
    }

    pub(super) async fn member(&self, name: &str) -> Member {
        self.find(name).await.member
    }

    /// The actor that the console would make of a member now.
    pub(super) async fn by(&self, name: &str) -> Actor {
        let row = self.find(name).await;
        let who = Who::Person {
            person: row.person.id,
            member: row.member.id,
            role: row.member.role.clone(),
            primary_owner: row.member.primary_owner,
            fresh: true,
        };
        Actor { who, organization: acme(), origin: RequestOrigin::default() }
    }

    pub(super) async fn change(&self, by: &str, name: &str, change: MemberChange) -> Result<PeopleChange, AdminError> {
        let done = self.admin.change_member(&self.by(by).await, self.member(name).await.id, change).await;
        self.world.assert_sound().await;
        done
    }

    pub(super) async fn remove(&self, by: &str, names: &[&str], block: bool) -> Result<PeopleChange, AdminError> {
        let mut members = Vec::new();
        for name in names {
            members.push(self.member(name).await.id);
        }
        let done = self.admin.remove_members(&self.by(by).await, &members, block).await;
        self.world.assert_sound().await;
        done
    }

    pub(super) async fn pin(&self, by: &str, name: &str, pin: NewPin) -> Result<PeopleChange, AdminError> {
        let done = self.admin.pin_member(&self.by(by).await, self.member(name).await.id, pin).await;
        self.world.assert_sound().await;
        done
    }

    /// The newest audit line.
    pub(super) async fn last_line(&self) -> usher::store::AuditLine {
        self.world.store.list_audit(0, 1000).await.unwrap().pop().unwrap()
    }
}

pub(super) fn to_role(name: &str) -> MemberChange {
    MemberChange { role: Some(role(name)), ..MemberChange::default() }
}

/// An empty name is "no seat assigned".
pub(super) fn to_seat(name: &str) -> MemberChange {
    MemberChange { seat: Some(some_tier(name)), ..MemberChange::default() }
}

pub(super) fn some_tier(name: &str) -> Option<SeatTier> {
    (!name.is_empty()).then(|| tier(name))
}

pub(super) fn pinned(desk: &Desk, as_role: Option<&str>, seat: Option<&str>, days: i64) -> NewPin {
    NewPin {
        role: as_role.map(role),
        seat: seat.map(some_tier),
        reason: "on call".to_owned(),
        ends_at: desk.now() + SignedDuration::from_hours(24 * days),
        expected: None,
    }
}

/// The code of a refusal, with its sentence at hand when the test fails.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, AdminError>) -> (&'static str, String) {
    match result {
        Err(AdminError::Refused { code, sentence }) => (code, sentence),
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) fn role_and_seat(member: &Member) -> (&str, &str) {
    (member.role.as_str(), member.seat.as_ref().map_or("", SeatTier::as_str))
}

pub(super) fn is_active(member: &Member) -> bool {
    member.status == MemberStatus::Active
}
