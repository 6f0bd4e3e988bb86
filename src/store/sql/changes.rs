//! The changes of a decision: first the person and the member as they will be, then one statement for each row.

use jiff::Timestamp;

use super::batch::Batch;
use super::codec::{Columns as _, micros};
use super::login::LoginWrite;
use super::seats::SeatMoves;
use super::statement::Statement;
use super::{Connection, PARENT, Stop, members, removals};
use crate::core::provision::{Change, Facts, Known};
use crate::core::{
    DecisionId, EmailAddress, InviteId, LinkId, Member, MemberId, MemberStatus, Person, PersonId, Pin, Reason, Role, SeatTier, WantedTier,
};
use crate::random;
use crate::store::{MemberRow, REQUEST_LIFE, StoreError};

/// Whom the changes are about, as they will be, and what is still to be written.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) person: Option<Person>,
    pub(super) member: Option<Member>,
    pub(super) moves: SeatMoves,
    pub(super) batch: Batch,
    /// Whom the changes are about, before them; `None` for a new person.
    pub(super) known: Option<Known>,
    consumed: Vec<InviteId>,
}

/// Works out what the changes make, in order, of what is there in this transaction.
pub(super) async fn apply(conn: &mut Connection, write: &LoginWrite, current: &Facts, decision: DecisionId) -> Result<Applied, Stop> {
    let changes = &write.decision.changes;
    let known = known_subject(current, changes).cloned();
    let mut applied = Applied {
        person: known.as_ref().map(|known| known.person.clone()),
        member: known.as_ref().and_then(|known| known.member.clone()),
        moves: SeatMoves::default(),
        batch: Batch::default(),
        known,
        consumed: Vec::new(),
    };
    if let Some(member) = applied.member.as_mut().filter(|_| !changes.is_empty()) {
        member.revision += 1;
    }
    for change in changes {
        Applier { write, decision, applied: &mut applied }.apply(conn, change).await?;
    }
    Ok(applied)
}

impl Applied {
    /// The member with the person, as they will be.
    pub(super) fn row(&self) -> Option<MemberRow> {
        Some(MemberRow { person: self.person.clone()?, member: self.member.clone()? })
    }

    /// Adds the rows of the member and of the invites that were used, which name the member.
    pub(super) fn finish(&mut self, now: Timestamp) -> Result<(), StoreError> {
        match (self.known.as_ref().and_then(|known| known.member.as_ref()), &self.member) {
            (None, Some(member)) => members::insert(&mut self.batch, member)?,
            (Some(before), Some(member)) => members::update(&mut self.batch, before, member)?,
            (_, None) => {}
        }
        for invite in &self.consumed {
            self.batch.one(
                Statement::new("UPDATE invite SET closed_at = $2, held = NULL, used_by = $3 WHERE id = $1 AND closed_at IS NULL")
                    .bind(invite.to_string())
                    .bind(micros(now))
                    .bind(self.member.as_ref().map(|member| member.id.to_string())),
            );
        }
        Ok(())
    }
}

/// The known person whom the decision is about: the owner of a relinked link, whoever is linked, or else the only one with the address.
fn known_subject<'a>(facts: &'a Facts, changes: &[Change]) -> Option<&'a Known> {
    for change in changes {
        match change {
            Change::CreatePerson { .. } => return None,
            Change::Relink { link } => {
                return facts.same_email.iter().chain(&facts.linked).find(|known| known.links.iter().any(|found| found.id == *link));
            }
            _ => {}
        }
    }
    match (&facts.linked, facts.same_email.as_slice()) {
        (Some(known), _) | (None, [known]) => Some(known),
        _ => None,
    }
}

/// A decision that does not fit the facts it came with: a fault of ours, and a denial.
pub(super) fn unfit(what: &str) -> StoreError {
    StoreError::Corrupt(format!("the decision does not fit its facts: {what}"))
}

/// What a list searches in: name and address, folded.
pub(super) fn search_text(name: Option<&str>, email: Option<&EmailAddress>) -> String {
    format!("{}\n{}", name.unwrap_or_default().to_lowercase(), email.map_or("", EmailAddress::folded))
}

struct Applier<'a> {
    write: &'a LoginWrite,
    decision: DecisionId,
    applied: &'a mut Applied,
}

impl Applier<'_> {
    async fn apply(&mut self, conn: &mut Connection, change: &Change) -> Result<(), Stop> {
        match change {
            Change::CreatePerson { email, name } => self.create_person(email.as_ref(), name.as_deref())?,
            Change::UpdatePerson { person, email, name } => self.update_person(*person, email.as_ref(), name.as_deref())?,
            Change::CreateLink => self.create_link()?,
            Change::Relink { link } => self.relink(*link)?,
            Change::CreateMember { role, seat, primary_owner } => {
                self.create_member(role, seat.as_ref())?;
                if *primary_owner {
                    self.mark_primary_owner(conn).await?;
                }
            }
            Change::ReaddMember { member, role, seat } => self.readd_member(*member, role, seat.as_ref())?,
            Change::SetRole { member, from, to } => self.set_role(*member, from, to)?,
            Change::MoveSeat { member, from, to } => self.move_seat(*member, from.as_ref(), to.as_ref())?,
            Change::QueueForTier { tier } => self.queue_for_tier(tier)?,
            Change::LeaveQueue { member } => self.member(Some(*member))?.wanted_tier = None,
            Change::ConsumeInvite { invite, held } => self.consume_invite(conn, *invite, held.as_ref()).await?,
            Change::MarkPrimaryOwner { member } => {
                self.member(Some(*member))?;
                self.mark_primary_owner(conn).await?;
            }
            Change::SetPin { pin } => self.set_pin(pin)?,
            Change::DropPin { member } => self.member(Some(*member))?.pin = None,
            Change::RemoveMember { member, reason: _ } => self.remove_member(*member)?,
            Change::RecordAttempt { reason } => self.record_attempt(*reason),
        }
        Ok(())
    }

    fn create_person(&mut self, email: Option<&EmailAddress>, name: Option<&str>) -> Result<(), StoreError> {
        let id = PersonId::from_uuid(random::uuid(self.write.now)?);
        self.applied.batch.any(
            Statement::new(
                "INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
            )
            .bind(id.to_string())
            .bind(PARENT)
            .bind(email.map(EmailAddress::as_str))
            .bind(email.map(EmailAddress::folded))
            .bind(name)
            .bind(search_text(name, email))
            .bind(micros(self.write.now)),
        );
        self.applied.person = Some(Person { id, email: email.cloned(), name: name.map(ToOwned::to_owned), service_account: false });
        Ok(())
    }

    fn update_person(&mut self, person: PersonId, email: Option<&EmailAddress>, name: Option<&str>) -> Result<(), StoreError> {
        let known = self.applied.person.as_mut().filter(|known| known.id == person).ok_or_else(|| unfit("it updates someone else"))?;
        (known.email, known.name) = (email.cloned(), name.map(ToOwned::to_owned));
        self.applied.batch.one(
            Statement::new("UPDATE person SET email = $2, email_folded = $3, name = $4, search = $5 WHERE id = $1")
                .bind(person.to_string())
                .bind(email.map(EmailAddress::as_str))
                .bind(email.map(EmailAddress::folded))
                .bind(name)
                .bind(search_text(name, email)),
        );
        Ok(())
    }

    fn create_link(&mut self) -> Result<(), StoreError> {
        let (id, person) = (LinkId::from_uuid(random::uuid(self.write.now)?), self.person()?);
        self.applied.batch.any(
            Statement::new("INSERT INTO link (id, person, connection, subject, created_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(id.to_string())
                .bind(person.to_string())
                .bind(self.write.identity.connection.as_str())
                .bind(self.write.identity.subject.as_str())
                .bind(micros(self.write.now)),
        );
        Ok(())
    }

    fn relink(&mut self, link: LinkId) -> Result<(), StoreError> {
        let person = self.person()?;
        self.applied.batch.one(
            Statement::new("UPDATE link SET subject = $4 WHERE id = $1 AND person = $2 AND connection = $3")
                .bind(link.to_string())
                .bind(person.to_string())
                .bind(self.write.identity.connection.as_str())
                .bind(self.write.identity.subject.as_str()),
        );
        Ok(())
    }

    fn create_member(&mut self, role: &Role, seat: Option<&SeatTier>) -> Result<(), StoreError> {
        if self.applied.member.is_some() {
            return Err(unfit("it makes somebody a member who has been one"));
        }
        self.applied.member = Some(Member {
            id: MemberId::from_uuid(random::uuid(self.write.now)?),
            person: self.person()?,
            organization: self.write.facts.organization.id.clone(),
            status: MemberStatus::Active,
            role: role.clone(),
            seat: seat.cloned(),
            wanted_tier: None,
            seat_unassigned: false,
            pin: None,
            primary_owner: false,
            last_login_at: None,
            last_groups_at: None,
            joined_at: self.write.now,
            revision: 1,
        });
        self.applied.moves.want(seat);
        Ok(())
    }

    fn readd_member(&mut self, member: MemberId, role: &Role, seat: Option<&SeatTier>) -> Result<(), Stop> {
        let readded = self.member(Some(member))?;
        if readded.status != MemberStatus::Removed {
            return Err(Stop::Lost);
        }
        readded.status = MemberStatus::Active;
        readded.role = role.clone();
        readded.seat = seat.cloned();
        (readded.seat_unassigned, readded.primary_owner) = (false, false);
        self.applied.moves.want(seat);
        Ok(())
    }

    fn set_role(&mut self, member: MemberId, from: &Role, to: &Role) -> Result<(), Stop> {
        let member = self.member(Some(member))?;
        if member.role != *from {
            return Err(Stop::Lost);
        }
        member.role = to.clone();
        Ok(())
    }

    fn move_seat(&mut self, member: MemberId, from: Option<&SeatTier>, to: Option<&SeatTier>) -> Result<(), Stop> {
        let moved = self.member(Some(member))?;
        if moved.seat.as_ref() != from {
            return Err(unfit("it moves a seat that the member does not have").into());
        }
        if moved.status != MemberStatus::Active {
            return Err(Stop::Lost);
        }
        moved.seat = to.cloned();
        moved.seat_unassigned = false;
        self.applied.moves.give_back(from);
        self.applied.moves.want(to);
        Ok(())
    }

    fn queue_for_tier(&mut self, tier: &SeatTier) -> Result<(), StoreError> {
        let now = self.write.now;
        let member = self.member(None)?;
        if member.wanted_tier.as_ref().is_none_or(|wanted| wanted.tier != *tier) {
            member.wanted_tier = Some(WantedTier { tier: tier.clone(), since: now });
        }
        Ok(())
    }

    async fn consume_invite(&mut self, conn: &mut Connection, invite: InviteId, held: Option<&SeatTier>) -> Result<(), Stop> {
        let row = Statement::new("SELECT held FROM invite WHERE id = $1 AND organization = $2 AND closed_at IS NULL AND expires_at > $3")
            .bind(invite.to_string())
            .bind(self.write.facts.organization.id.as_str())
            .bind(micros(self.write.now))
            .fetch_optional(conn)
            .await?
            .ok_or(Stop::Lost)?;
        if row.maybe_text("held")?.map(SeatTier::new).as_ref() != held {
            return Err(unfit("the invite holds another seat").into());
        }
        self.applied.moves.give_back(held);
        self.applied.consumed.push(invite);
        Ok(())
    }

    /// There is one at most, so the one before gives way; at once, because two may not be marked at any moment.
    async fn mark_primary_owner(&mut self, conn: &mut Connection) -> Result<(), Stop> {
        let member = self.member(None)?;
        member.primary_owner = true;
        Statement::new(
            "UPDATE member SET primary_owner = 0, revision = revision + 1 WHERE organization = $1 AND primary_owner = 1 AND id <> $2",
        )
        .bind(member.organization.as_str().to_owned())
        .bind(member.id.to_string())
        .execute(conn)
        .await?;
        Ok(())
    }

    /// A pin goes too: someone who comes back must not find an old exception in force.
    fn remove_member(&mut self, member: MemberId) -> Result<(), Stop> {
        let now = self.write.now;
        let removed = self.member(Some(member))?;
        if removed.status != MemberStatus::Active {
            return Err(Stop::Lost);
        }
        removed.status = MemberStatus::Removed;
        let seat = removed.seat.take();
        (removed.wanted_tier, removed.pin) = (None, None);
        (removed.seat_unassigned, removed.primary_owner) = (false, false);
        self.applied.moves.give_back(seat.as_ref());
        let Applied { batch, known, .. } = &mut *self.applied;
        let before = known.as_ref().and_then(|known| known.member.as_ref());
        removals::note(batch, before.as_slice(), "system", now)?;
        Ok(())
    }

    fn record_attempt(&mut self, reason: Reason) {
        let identity = &self.write.identity;
        self.applied.batch.any(
            Statement::new(
                "INSERT INTO attempt (organization, connection, subject, reason, email, first_at, last_at, count, decision)
                 VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7)
                 ON CONFLICT (organization, connection, subject, reason)
                 DO UPDATE SET email = excluded.email, last_at = excluded.last_at, count = attempt.count + 1, decision = excluded.decision,
                     closed_at = CASE WHEN attempt.closed_at > $8 THEN attempt.closed_at END,
                     closed_as = CASE WHEN attempt.closed_at > $8 THEN attempt.closed_as END",
            )
            .bind(self.write.facts.organization.id.as_str())
            .bind(identity.connection.as_str())
            .bind(identity.subject.as_str())
            .bind(reason.code())
            .bind(identity.email.as_ref().map(EmailAddress::as_str))
            .bind(micros(self.write.now))
            .bind(self.decision.to_string())
            // An answer stands for as long as a request waits; after that the person waits anew.
            .bind(micros(self.write.now.checked_sub(REQUEST_LIFE).unwrap_or(Timestamp::MIN))),
        );
    }

    fn set_pin(&mut self, pin: &Pin) -> Result<(), Stop> {
        let member = self.member(None)?;
        if member.status != MemberStatus::Active {
            return Err(Stop::Lost);
        }
        member.pin = Some(pin.clone());
        Ok(())
    }

    /// The member whom the decision is about, who has this id if one is given.
    fn member(&mut self, id: Option<MemberId>) -> Result<&mut Member, StoreError> {
        let member = self.applied.member.as_mut().ok_or_else(|| unfit("nobody is there to be changed"))?;
        if id.is_none_or(|id| id == member.id) { Ok(member) } else { Err(unfit("it changes someone else's membership")) }
    }

    fn person(&self) -> Result<PersonId, StoreError> {
        self.applied.person.as_ref().map(|person| person.id).ok_or_else(|| unfit("nobody is there to be linked or to become a member"))
    }
}
