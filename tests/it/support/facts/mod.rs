//! One login in a few lines: `Case::mapped().member("User", "Standard").groups(&["app-admins"]).decide()`.
//!
//! The organization has Owner, Admin, User and Custom (Owner and Admin administer), two Premium and ten Standard seats, and the
//! mappings of [`organization`]. The person is Ada; `after` is what the store would hold once a decision is written.

mod after;
pub(crate) mod any;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use usher::core::provision::{Admission, Change, ConnectionState, Decision, Facts, Known, Outcome, Rule, SeatCount, Verdict, decide};
use usher::core::{
    ClaimHealth, ConnectionId, EmailAddress, GroupClaim, Identity, Invite, InviteId, Link, LinkId, MappedGroup, Member, MemberId,
    MemberStatus, Mode, Organization, OrganizationId, OwnedSeats, Person, PersonId, Pin, Plan, Policy, Reason, Role, RoleMapping, SeatTier,
    SeatTierMapping, WantedTier,
};
use uuid::Uuid;

pub(crate) const ADA: &str = "ada@acme.example";

/// One login: facts, who comes, when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) facts: Facts,
    pub(crate) identity: Identity,
    pub(crate) now: Timestamp,
}

pub(crate) fn now() -> Timestamp {
    "2026-03-01T09:00:00Z".parse().unwrap()
}

pub(crate) fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn tier(name: &str) -> Option<SeatTier> {
    (!name.is_empty()).then(|| SeatTier::new(name))
}

fn connection(name: &str) -> ConnectionId {
    ConnectionId::parse(name).unwrap()
}

fn mapped(values: &[&str]) -> Vec<MappedGroup> {
    values.iter().map(|value| MappedGroup { value: (*value).to_owned(), label: None }).collect()
}

/// The role mapping of one role.
pub(crate) fn gives_role(role: &str, groups: &[&str]) -> RoleMapping {
    RoleMapping { role: Role::new(role), groups: mapped(groups) }
}

/// The mapping of one seat tier.
pub(crate) fn gives_tier(tier: &str, groups: &[&str]) -> SeatTierMapping {
    SeatTierMapping { tier: SeatTier::new(tier), groups: mapped(groups) }
}

pub(crate) fn organization(mode: Mode, group_mappings: bool) -> Organization {
    Organization {
        id: OrganizationId::parse("acme").unwrap(),
        name: "Acme".to_owned(),
        plan: Plan::Enterprise,
        roles: ["Owner", "Admin", "User", "Custom"].map(Role::new).to_vec(),
        administrators: BTreeSet::from(["Owner", "Admin"].map(Role::new)),
        default_role: Role::new("User"),
        seat_tiers: vec![
            OwnedSeats { tier: SeatTier::new("Premium"), owned: 2 },
            OwnedSeats { tier: SeatTier::new("Standard"), owned: 10 },
        ],
        mode,
        group_mappings,
        role_mappings: vec![
            gives_role("Owner", &["app-owners"]),
            gives_role("Admin", &["app-admins", "it-platform"]),
            gives_role("User", &["everyone"]),
            gives_role("Custom", &["contractors"]),
        ],
        seat_tier_mappings: vec![gives_tier("Premium", &["design"]), gives_tier("Standard", &["office"])],
        primary_owner: None,
        policy: Policy::default(),
        branding: usher::core::Branding::default(),
    }
}

/// A person with an address, and a link on `okta` for each subject.
pub(crate) fn known(number: u128, address: &str, subjects: &[&str]) -> Known {
    let links = subjects.iter().zip(number * 100..).map(|(subject, id)| Link {
        id: LinkId::from_uuid(Uuid::from_u128(id)),
        connection: connection("okta"),
        subject: (*subject).to_owned(),
    });
    let person = Person {
        id: PersonId::from_uuid(Uuid::from_u128(number)),
        email: Some(email(address)),
        name: Some("Ada Reed".to_owned()),
        service_account: false,
    };
    Known { person, links: links.collect(), member: None }
}

pub(crate) fn member_of(known: &Known, role: &str, seat: &str) -> Member {
    Member {
        id: MemberId::parse(&known.person.id.to_string().replace(PersonId::PREFIX, MemberId::PREFIX)).unwrap(),
        person: known.person.id,
        organization: OrganizationId::parse("acme").unwrap(),
        status: MemberStatus::Active,
        role: Role::new(role),
        seat: tier(seat),
        wanted_tier: None,
        seat_unassigned: false,
        pin: None,
        primary_owner: false,
        last_login_at: Some(now() - days(1)),
        last_groups_at: Some(now() - days(1)),
        joined_at: now() - days(90),
        revision: 1,
    }
}

impl Case {
    /// Nobody knows Ada, she brings no groups, two other administrators are about, the claim is healthy.
    pub(crate) fn new(mode: Mode, group_mappings: bool) -> Self {
        let organization = Arc::new(organization(mode, group_mappings));
        let seats = organization.seat_tiers.iter().map(|tier| SeatCount { tier: tier.tier.clone(), owned: tier.owned, used: 0 }).collect();
        let connection_state = ConnectionState {
            id: connection("okta"),
            enabled: true,
            domain_verified: true,
            guest_domain: false,
            allow_idp_initiated: false,
            relink_open_until: None,
            health: ClaimHealth { last_present_at: Some(now() - SignedDuration::from_hours(1)) },
        };
        let identity = Identity {
            connection: connection("okta"),
            subject: "sub-ada".to_owned(),
            email: Some(email(ADA)),
            name: Some("Ada Reed".to_owned()),
            groups: GroupClaim::Empty,
            idp_initiated: false,
        };
        let facts = Facts {
            organization,
            connection: connection_state,
            linked: None,
            same_email: Vec::new(),
            invite: None,
            seats,
            other_admins: 2,
            other_primary_owner: false,
        };
        Self { facts, identity, now: now() }
    }

    pub(crate) fn manual() -> Self {
        Self::new(Mode::Manual, false)
    }

    pub(crate) fn jit() -> Self {
        Self::new(Mode::Jit, false)
    }

    pub(crate) fn mapped() -> Self {
        Self::new(Mode::Jit, true)
    }

    pub(crate) fn scim() -> Self {
        Self::new(Mode::Scim, true)
    }

    /// Ada is linked and an active member; an empty tier is no seat. Her seat counts as used.
    pub(crate) fn member(mut self, role: &str, seat: &str) -> Self {
        let mut ada = known(1, ADA, &["sub-ada"]);
        ada.member = Some(member_of(&ada, role, seat));
        self.facts.linked = Some(ada);
        self.use_seat(seat);
        self
    }

    /// Ada is linked, was a member with this role, and was removed.
    pub(crate) fn former(self, role: &str) -> Self {
        self.member(role, "").with_member(|member| member.status = MemberStatus::Removed)
    }

    pub(crate) fn with_member(mut self, change: impl FnOnce(&mut Member)) -> Self {
        change(self.facts.linked.as_mut().unwrap().member.as_mut().unwrap());
        self
    }

    pub(crate) fn with_organization(mut self, change: impl FnOnce(&mut Organization)) -> Self {
        change(Arc::make_mut(&mut self.facts.organization));
        self
    }

    pub(crate) fn with_policy(self, change: impl FnOnce(&mut Policy)) -> Self {
        self.with_organization(|organization| change(&mut organization.policy))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(&mut self.facts);
        self
    }

    pub(crate) fn with_identity(mut self, change: impl FnOnce(&mut Identity)) -> Self {
        change(&mut self.identity);
        self
    }

    pub(crate) fn groups(self, groups: &[&str]) -> Self {
        self.claim(GroupClaim::from_values(groups))
    }

    pub(crate) fn claim(mut self, claim: GroupClaim) -> Self {
        self.identity.groups = claim;
        self
    }

    /// Nobody had the claim on this connection for two days.
    pub(crate) fn unhealthy(self) -> Self {
        self.with(|facts| facts.connection.health.last_present_at = Some(now() - days(2)))
    }

    /// Free seats of both tiers; everything else is used.
    pub(crate) fn free(mut self, premium: u32, standard: u32) -> Self {
        for (count, free) in self.facts.seats.iter_mut().zip([premium, standard]) {
            count.used = count.owned - free;
        }
        self
    }

    /// Ada is invited until three weeks from now; the seat that the invite holds counts as used.
    pub(crate) fn invite(self, role: &str, seat: &str) -> Self {
        self.invite_for(ADA, role, seat)
    }

    /// Ada is invited, and the seat that the invite holds is among those counted as used already.
    pub(crate) fn invite_over(mut self, seat: &str) -> Self {
        let seats = self.facts.seats.clone();
        self = self.invite("User", seat);
        self.facts.seats = seats;
        self
    }

    pub(crate) fn invite_for(mut self, address: &str, role: &str, seat: &str) -> Self {
        self.facts.invite = Some(Invite {
            id: InviteId::from_uuid(Uuid::from_u128(9)),
            organization: OrganizationId::parse("acme").unwrap(),
            email: email(address),
            role: Role::new(role),
            seat: tier(seat),
            expires_at: now() + days(21),
        });
        self.use_seat(seat);
        self
    }

    pub(crate) fn pin(self, role: Option<&str>, seat: Option<&str>, ends_at: Timestamp) -> Self {
        self.with_member(|member| {
            member.pin = Some(Pin {
                role: role.map(Role::new),
                seat: seat.map(tier),
                reason: "on call".to_owned(),
                by: "Olivia".to_owned(),
                ends_at,
            });
        })
    }

    pub(crate) fn waiting_for(self, tier: &str) -> Self {
        self.with_member(|member| member.wanted_tier = Some(WantedTier { tier: SeatTier::new(tier), since: now() - days(3) }))
    }

    /// Ada has the address of the Primary Owner.
    pub(crate) fn owned_by_ada(self) -> Self {
        self.with_organization(|organization| organization.primary_owner = Some(email(ADA)))
    }

    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    pub(crate) fn decide(&self) -> Decision {
        decide(&self.facts, &self.identity, self.now)
    }

    fn use_seat(&mut self, name: &str) {
        if let Some(count) = self.facts.seats.iter_mut().find(|count| count.tier.as_str() == name) {
            count.used += 1;
        }
    }
}

/// What a test asks a decision.
pub(crate) trait Answers {
    fn admission(&self) -> &Admission;
    fn refusal(&self) -> Reason;
    fn role_and_seat(&self) -> (&str, &str);
    fn notes(&self) -> &[Reason];
    fn has(&self, wanted: impl Fn(&Change) -> bool) -> bool;
    fn traced(&self, rule: Rule, verdict: Verdict) -> Vec<&str>;
}

impl Answers for Decision {
    fn admission(&self) -> &Admission {
        match &self.outcome {
            Outcome::Admit(admission) => admission,
            Outcome::Refuse(_) => panic!("refused: {self:#?}"),
        }
    }

    fn refusal(&self) -> Reason {
        match &self.outcome {
            Outcome::Refuse(reason) => *reason,
            Outcome::Admit(_) => panic!("let in: {self:#?}"),
        }
    }

    fn role_and_seat(&self) -> (&str, &str) {
        let admission = self.admission();
        (admission.role.as_str(), admission.seat.as_ref().map_or("", SeatTier::as_str))
    }

    fn notes(&self) -> &[Reason] {
        &self.admission().notes
    }

    fn has(&self, wanted: impl Fn(&Change) -> bool) -> bool {
        self.changes.iter().any(wanted)
    }

    fn traced(&self, rule: Rule, verdict: Verdict) -> Vec<&str> {
        let steps = self.trace.steps.iter().filter(|step| step.rule == rule && step.verdict == verdict);
        steps.map(|step| step.detail.as_str()).collect()
    }
}
