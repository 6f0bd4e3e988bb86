//! Requests for access: who waits, and yes, no, or never.

use jiff::Timestamp;
use serde::Serialize;

use super::{Actor, Admin, AdminError, Permission};
use crate::core::provision::{Change, Decision, Grant, Outcome, SeatCount, approve};
use crate::core::{ConnectionId, DecisionId, EmailAddress, GroupClaim, Organization, Reason, Role, SeatTier, is_unseen};
use crate::store::{AccessRequest, Answer, Answering, CommitOutcome, FactsQuery, LoginCommit, MemberRow, StoreError};

/// How often a lost race is decided anew.
const MAX_DECISIONS: usize = 6;
/// Characters of a note or of what a person says.
pub const NOTE_MAX: usize = 500;

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestView {
    /// What it is answered by.
    pub id: DecisionId,
    /// The address.
    pub email: Option<EmailAddress>,
    /// The name.
    pub name: Option<String>,
    /// Through which connection they came.
    pub connection: ConnectionId,
    /// Why the rules did not let them in; `no_seats_left` is the waiting list.
    pub reason: Reason,
    /// When they asked; `None`: they wait without having asked.
    pub asked_at: Option<Timestamp>,
    /// What they said.
    pub asked_for: Option<String>,
    /// The first try.
    pub first_at: Timestamp,
    /// The newest try, when the groups were seen.
    pub last_at: Timestamp,
    /// Tries.
    pub count: u32,
    /// The groups that the provider sent at the newest try; `None`: it sent none that could be read.
    pub groups: Option<Vec<String>>,
    /// The role that fits the groups, or else the one of new members.
    pub suggested_role: Role,
    /// A seat that fits and is free; `None`: there is none, or seats are not counted.
    pub suggested_tier: Option<SeatTier>,
}

/// Who waits, and the seats that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestList {
    /// Open requests, oldest first.
    pub requests: Vec<RequestView>,
    /// Seats by tier, highest first; empty where seats are not counted.
    pub seats: Vec<SeatCount>,
}

/// What a yes did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// The new member.
    pub row: MemberRow,
    /// The mappings would have taken it back at the next login: a pin holds it until then. What happens after is for the mappings.
    pub pinned_until: Option<Timestamp>,
}

impl Admin {
    /// Who waits, oldest first.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn list_requests(&self, actor: &Actor) -> Result<RequestList, AdminError> {
        actor.need(Permission::MembersRead)?;
        let organization = self.organization_of(actor).await?;
        let now = self.clock.now();
        let seats = self.store.count_seats(&organization.id, now).await?;
        let requests = self.store.list_requests(&organization.id, now).await?;
        Ok(RequestList { requests: requests.into_iter().map(|request| view(request, &organization, &seats)).collect(), seats })
    }

    /// Lets somebody in who asked: a member with this role and seat, through the seat gate.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::NoSuch`] when it is not open any more; [`AdminError::Invalid`] for an unknown role or tier;
    /// [`AdminError::Refused`] `above_your_role`, or the reason code that stands against it (`no_seats_left`, `blocked_by_admin`, …).
    pub async fn approve_request(
        &self,
        actor: &Actor,
        id: DecisionId,
        role: &Role,
        seat: Option<&SeatTier>,
    ) -> Result<Approved, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let organization = self.organization_of(actor).await?;
        if organization.role_rank(role).is_none() {
            return Err(AdminError::invalid("role", format!("there is no role {role}")));
        }
        if let Some(tier) = seat.filter(|tier| organization.tier_rank(tier).is_none()) {
            return Err(AdminError::invalid("seat", format!("there is no seat tier {tier}")));
        }
        actor.need_rank(&organization, role)?;
        let grant = Grant { role: role.clone(), seat: seat.cloned(), by: self.name_of(actor).await? };
        let (row, decision) = self.settle(actor, id, &grant, Answer::Approved).await?;
        let pinned_until = decision.changes.iter().find_map(|change| match change {
            Change::SetPin { pin } => Some(pin.ends_at),
            _ => None,
        });
        Ok(Approved { row, pinned_until })
    }

    /// Says no, with a note that the person sees (at most [`NOTE_MAX`] characters). It stands for 30 days.
    ///
    /// # Errors
    /// As [`Admin::approve_request`]; [`AdminError::Invalid`] for a note that is too long.
    pub async fn decline_request(&self, actor: &Actor, id: DecisionId, note: Option<&str>) -> Result<(), AdminError> {
        actor.need(Permission::MembersWrite)?;
        let note = note.map(str::trim).filter(|note| !note.is_empty());
        if note.is_some_and(|note| note.chars().count() > NOTE_MAX) {
            return Err(AdminError::invalid("note", format!("a note has at most {NOTE_MAX} characters")));
        }
        if note.is_some_and(|note| note.contains(|c| is_unseen(c) && !matches!(c, '\n' | '\r'))) {
            return Err(AdminError::invalid("note", "there are characters in it that nobody sees"));
        }
        let request = self.find_open(actor, id).await?;
        let declined = self.store.decline_request(self.answering(actor, &request, Answer::Declined, note, &actor.name())).await?;
        if declined { Ok(()) } else { Err(AdminError::NoSuch("request")) }
    }

    /// Says never: the person is kept as somebody who is blocked, until an administrator unblocks them.
    ///
    /// # Errors
    /// As [`Admin::approve_request`].
    pub async fn block_request(&self, actor: &Actor, id: DecisionId) -> Result<MemberRow, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let organization = self.organization_of(actor).await?;
        let grant = Grant { role: organization.default_role.clone(), seat: None, by: self.name_of(actor).await? };
        Ok(self.settle(actor, id, &grant, Answer::Blocked).await?.0)
    }

    async fn settle(&self, actor: &Actor, id: DecisionId, grant: &Grant, answer: Answer) -> Result<(MemberRow, Decision), AdminError> {
        for _ in 0..MAX_DECISIONS {
            let request = self.find_open(actor, id).await?;
            let (identity, now) = (&request.identity, self.clock.now());
            let facts = self.store.load_facts(FactsQuery { organization: &actor.organization, identity, now }).await;
            let facts = facts.map_err(|error| match error {
                StoreError::Missing(_) => {
                    AdminError::refused("connection_gone", "the connection that this person came through is not there any more")
                }
                other => other.into(),
            })?;
            let mut decision = approve(&facts, identity, grant, now);
            if let Outcome::Refuse(reason) = decision.outcome {
                return Err(AdminError::refused(reason.code(), reason.for_admin()));
            }
            if answer == Answer::Blocked {
                decision.changes.retain(|change| !matches!(change, Change::SetPin { .. }));
            }
            let commit = LoginCommit { facts: &facts, identity, decision: &decision, origin: &actor.origin, now };
            let name = actor.name();
            let answering = self.answering(actor, &request, answer, None, &name);
            if let CommitOutcome::Committed(committed) = self.store.settle_request(commit, answering).await? {
                let row = committed.member.ok_or_else(|| StoreError::Corrupt("an approved person is no member".to_owned()))?;
                self.sessions.announce_member(&row.member.organization, row.member.person).await;
                return Ok((row, decision));
            }
        }
        Err(AdminError::Stale)
    }

    fn answering<'a>(
        &self,
        actor: &'a Actor,
        request: &'a AccessRequest,
        answer: Answer,
        note: Option<&'a str>,
        name: &'a str,
    ) -> Answering<'a> {
        Answering { request, answer, note, actor: name, origin: &actor.origin, now: self.clock.now() }
    }

    async fn find_open(&self, actor: &Actor, id: DecisionId) -> Result<AccessRequest, AdminError> {
        let found = self.store.find_request(&actor.organization, id).await?;
        found.filter(|request| request.is_open(self.clock.now())).ok_or(AdminError::NoSuch("request"))
    }

    async fn organization_of(&self, actor: &Actor) -> Result<Organization, AdminError> {
        let stored = self.store.find_settings().await?.ok_or(AdminError::NoSuch("organization"))?;
        stored.settings.find_organization(&actor.organization).cloned().ok_or(AdminError::NoSuch("organization"))
    }

    /// What a pin shows as its maker.
    async fn name_of(&self, actor: &Actor) -> Result<String, AdminError> {
        let id = actor.name();
        Ok(self.store.name_people(std::slice::from_ref(&id)).await?.remove(&id).unwrap_or(id))
    }
}

fn view(request: AccessRequest, organization: &Organization, seats: &[SeatCount]) -> RequestView {
    let groups: Option<Vec<String>> = match &request.identity.groups {
        GroupClaim::Present(groups) => Some(groups.iter().cloned().collect()),
        GroupClaim::Empty => Some(Vec::new()),
        GroupClaim::Absent | GroupClaim::Malformed | GroupClaim::Overage => None,
    };
    let is_in = |mapped: &[crate::core::MappedGroup]| {
        let has = |value: &str| groups.iter().flatten().any(|group| group.trim() == value);
        mapped.iter().any(|group| has(&group.value))
    };
    let mapped_role = organization.roles.iter().find(|role| {
        organization.role_mappings.iter().any(|mapping| organization.maps_at_login() && &mapping.role == *role && is_in(&mapping.groups))
    });
    let free = |tier: &SeatTier| seats.iter().any(|count| &count.tier == tier && count.free() > 0);
    let mapped_tier = organization.seat_tiers.iter().map(|owned| &owned.tier).find(|tier| {
        organization
            .seat_tier_mappings
            .iter()
            .any(|mapping| organization.maps_at_login() && &mapping.tier == *tier && is_in(&mapping.groups))
    });
    let first_free = || organization.seat_tiers.iter().map(|owned| &owned.tier).find(|tier| free(tier));
    RequestView {
        id: request.id,
        suggested_role: mapped_role.unwrap_or(&organization.default_role).clone(),
        suggested_tier: mapped_tier.filter(|tier| free(tier)).or_else(first_free).cloned(),
        email: request.identity.email,
        name: request.identity.name,
        connection: request.identity.connection,
        reason: request.reason,
        asked_at: request.asked_at,
        asked_for: request.asked_for,
        first_at: request.first_at,
        last_at: request.last_at,
        count: request.count,
        groups,
    }
}
