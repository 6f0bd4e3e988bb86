//! The changes of a decision, one statement or two each.

use jiff::Timestamp;

use super::codec::{Columns as _, micros, to_json};
use super::login::LoginWrite;
use super::seats::SeatMoves;
use super::{Connection, PARENT, Stop, removals};
use crate::core::provision::{Change, Known};
use crate::core::{DecisionId, EmailAddress, InviteId, LinkId, MemberId, PersonId, Pin, Reason, Role, SeatTier};
use crate::random;
use crate::store::{REQUEST_LIFE, StoreError};

/// Whom the changes were about, and the seats that are still to be moved.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) person: Option<PersonId>,
    pub(super) member: Option<MemberId>,
    pub(super) moves: SeatMoves,
}

/// Writes the changes in order. The member's revision is taken first: it is the lock and the proof that nobody wrote in between.
pub(super) async fn apply(conn: &mut Connection, write: &LoginWrite, decision: DecisionId) -> Result<Applied, Stop> {
    let known = known_subject(write);
    let member = known.and_then(|known| known.member.as_ref());
    let mut applier = Applier {
        write,
        decision,
        person: known.map(|known| known.person.id),
        member: member.map(|member| member.id),
        seat: member.and_then(|member| member.seat.clone()),
        consumed: Vec::new(),
        moves: SeatMoves::default(),
    };
    if let Some(member) = member
        && !write.decision.changes.is_empty()
    {
        let claimed = sqlx::query("UPDATE member SET revision = revision + 1 WHERE id = $1 AND revision = $2")
            .bind(member.id.to_string())
            .bind(member.revision)
            .execute(&mut *conn)
            .await?;
        exactly_one(claimed.rows_affected())?;
    }
    for change in &write.decision.changes {
        applier.apply(conn, change).await?;
    }
    applier.name_who_used_the_invites(conn).await?;
    Ok(Applied { person: applier.person, member: applier.member, moves: applier.moves })
}

/// The known person whom the decision is about: the owner of a relinked link, whoever is linked, or else the only one with the address.
pub(super) fn known_subject(write: &LoginWrite) -> Option<&Known> {
    let facts = &write.facts;
    for change in &write.decision.changes {
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

fn exactly_one(rows: u64) -> Result<(), Stop> {
    if rows == 1 { Ok(()) } else { Err(Stop::Lost) }
}

/// What a list searches in: name and address, folded.
pub(super) fn search_text(name: Option<&str>, email: Option<&EmailAddress>) -> String {
    format!("{}\n{}", name.unwrap_or_default().to_lowercase(), email.map_or("", EmailAddress::folded))
}

struct Applier<'a> {
    write: &'a LoginWrite,
    decision: DecisionId,
    person: Option<PersonId>,
    member: Option<MemberId>,
    /// The seat after the changes so far.
    seat: Option<SeatTier>,
    consumed: Vec<InviteId>,
    moves: SeatMoves,
}

impl Applier<'_> {
    async fn apply(&mut self, conn: &mut Connection, change: &Change) -> Result<(), Stop> {
        match change {
            Change::CreatePerson { email, name } => self.create_person(conn, email.as_ref(), name.as_deref()).await,
            Change::UpdatePerson { person, email, name } => self.update_person(conn, *person, email.as_ref(), name.as_deref()).await,
            Change::CreateLink => self.create_link(conn).await,
            Change::Relink { link } => self.relink(conn, *link).await,
            Change::CreateMember { role, seat, primary_owner } => self.create_member(conn, role, seat.as_ref(), *primary_owner).await,
            Change::ReaddMember { member, role, seat } => self.readd_member(conn, *member, role, seat.as_ref()).await,
            Change::SetRole { member, from, to } => self.set_role(conn, *member, from, to).await,
            Change::MoveSeat { member, from, to } => self.move_seat(conn, *member, from.as_ref(), to.as_ref()).await,
            Change::QueueForTier { tier } => self.queue_for_tier(conn, tier).await,
            Change::LeaveQueue { member } => {
                self.update_member(conn, *member, "UPDATE member SET wanted_tier = NULL, wanted_since = NULL WHERE id = $1").await
            }
            Change::ConsumeInvite { invite, held } => self.consume_invite(conn, *invite, held.as_ref()).await,
            Change::MarkPrimaryOwner { member } => {
                self.unmark_primary_owner(conn).await?;
                self.update_member(conn, *member, "UPDATE member SET primary_owner = 1 WHERE id = $1").await
            }
            Change::SetPin { pin } => self.set_pin(conn, pin).await,
            Change::DropPin { member } => self.update_member(conn, *member, "UPDATE member SET pin = NULL WHERE id = $1").await,
            Change::RemoveMember { member, reason: _ } => self.remove_member(conn, *member).await,
            Change::RecordAttempt { reason } => self.record_attempt(conn, *reason).await,
        }
    }

    async fn create_person(&mut self, conn: &mut Connection, email: Option<&EmailAddress>, name: Option<&str>) -> Result<(), Stop> {
        let id = PersonId::from_uuid(random::uuid(self.write.now)?);
        sqlx::query(
            "INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
        )
        .bind(id.to_string())
        .bind(PARENT)
        .bind(email.map(EmailAddress::as_str))
        .bind(email.map(EmailAddress::folded))
        .bind(name)
        .bind(search_text(name, email))
        .bind(micros(self.write.now))
        .execute(conn)
        .await?;
        self.person = Some(id);
        Ok(())
    }

    async fn update_person(
        &self,
        conn: &mut Connection,
        person: PersonId,
        email: Option<&EmailAddress>,
        name: Option<&str>,
    ) -> Result<(), Stop> {
        if self.person != Some(person) {
            return Err(unfit("it updates someone else").into());
        }
        let updated = sqlx::query("UPDATE person SET email = $2, email_folded = $3, name = $4, search = $5 WHERE id = $1")
            .bind(person.to_string())
            .bind(email.map(EmailAddress::as_str))
            .bind(email.map(EmailAddress::folded))
            .bind(name)
            .bind(search_text(name, email))
            .execute(conn)
            .await?;
        exactly_one(updated.rows_affected())
    }

    async fn create_link(&self, conn: &mut Connection) -> Result<(), Stop> {
        sqlx::query("INSERT INTO link (id, person, connection, subject, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(LinkId::from_uuid(random::uuid(self.write.now)?).to_string())
            .bind(self.subject()?.to_string())
            .bind(self.write.identity.connection.as_str())
            .bind(&self.write.identity.subject)
            .bind(micros(self.write.now))
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn relink(&self, conn: &mut Connection, link: LinkId) -> Result<(), Stop> {
        let relinked = sqlx::query("UPDATE link SET subject = $4 WHERE id = $1 AND person = $2 AND connection = $3")
            .bind(link.to_string())
            .bind(self.subject()?.to_string())
            .bind(self.write.identity.connection.as_str())
            .bind(&self.write.identity.subject)
            .execute(conn)
            .await?;
        exactly_one(relinked.rows_affected())
    }

    async fn create_member(
        &mut self,
        conn: &mut Connection,
        role: &Role,
        seat: Option<&SeatTier>,
        primary_owner: bool,
    ) -> Result<(), Stop> {
        if primary_owner {
            self.unmark_primary_owner(conn).await?;
        }
        let id = MemberId::from_uuid(random::uuid(self.write.now)?);
        sqlx::query(
            "INSERT INTO member (id, person, organization, status, role, seat, seat_unassigned, primary_owner, joined_at, revision)
             VALUES ($1, $2, $3, 'active', $4, $5, 0, $6, $7, 1)",
        )
        .bind(id.to_string())
        .bind(self.subject()?.to_string())
        .bind(self.write.facts.organization.id.as_str())
        .bind(role.as_str())
        .bind(seat.map(SeatTier::as_str))
        .bind(i64::from(primary_owner))
        .bind(micros(self.write.now))
        .execute(conn)
        .await?;
        self.moves.want(seat);
        (self.member, self.seat) = (Some(id), seat.cloned());
        Ok(())
    }

    async fn readd_member(&mut self, conn: &mut Connection, member: MemberId, role: &Role, seat: Option<&SeatTier>) -> Result<(), Stop> {
        self.check_member(member)?;
        let readded = sqlx::query(
            "UPDATE member SET status = 'active', role = $2, seat = $3, seat_unassigned = 0, primary_owner = 0
             WHERE id = $1 AND status = 'removed'",
        )
        .bind(member.to_string())
        .bind(role.as_str())
        .bind(seat.map(SeatTier::as_str))
        .execute(conn)
        .await?;
        exactly_one(readded.rows_affected())?;
        self.moves.want(seat);
        self.seat = seat.cloned();
        Ok(())
    }

    async fn set_role(&self, conn: &mut Connection, member: MemberId, from: &Role, to: &Role) -> Result<(), Stop> {
        self.check_member(member)?;
        let set = sqlx::query("UPDATE member SET role = $3 WHERE id = $1 AND role = $2")
            .bind(member.to_string())
            .bind(from.as_str())
            .bind(to.as_str())
            .execute(conn)
            .await?;
        exactly_one(set.rows_affected())
    }

    async fn move_seat(
        &mut self,
        conn: &mut Connection,
        member: MemberId,
        from: Option<&SeatTier>,
        to: Option<&SeatTier>,
    ) -> Result<(), Stop> {
        self.check_member(member)?;
        if self.seat.as_ref() != from {
            return Err(unfit("it moves a seat that the member does not have").into());
        }
        let moved = sqlx::query("UPDATE member SET seat = $2, seat_unassigned = 0 WHERE id = $1 AND status = 'active'")
            .bind(member.to_string())
            .bind(to.map(SeatTier::as_str))
            .execute(conn)
            .await?;
        exactly_one(moved.rows_affected())?;
        self.moves.give_back(from);
        self.moves.want(to);
        self.seat = to.cloned();
        Ok(())
    }

    async fn queue_for_tier(&self, conn: &mut Connection, tier: &SeatTier) -> Result<(), Stop> {
        let member = self.member.ok_or_else(|| unfit("nobody is there to wait for a tier"))?;
        let queued = sqlx::query(
            "UPDATE member SET wanted_since = CASE WHEN wanted_tier = $2 THEN wanted_since ELSE $3 END, wanted_tier = $2 WHERE id = $1",
        )
        .bind(member.to_string())
        .bind(tier.as_str())
        .bind(micros(self.write.now))
        .execute(conn)
        .await?;
        exactly_one(queued.rows_affected())
    }

    async fn consume_invite(&mut self, conn: &mut Connection, invite: InviteId, held: Option<&SeatTier>) -> Result<(), Stop> {
        let row = sqlx::query("SELECT held FROM invite WHERE id = $1 AND organization = $2 AND closed_at IS NULL AND expires_at > $3")
            .bind(invite.to_string())
            .bind(self.write.facts.organization.id.as_str())
            .bind(micros(self.write.now))
            .fetch_optional(&mut *conn)
            .await?
            .ok_or(Stop::Lost)?;
        if row.maybe_text("held")?.map(SeatTier::new).as_ref() != held {
            return Err(unfit("the invite holds another seat").into());
        }
        let closed = sqlx::query("UPDATE invite SET closed_at = $2, held = NULL WHERE id = $1 AND closed_at IS NULL")
            .bind(invite.to_string())
            .bind(micros(self.write.now))
            .execute(conn)
            .await?;
        exactly_one(closed.rows_affected())?;
        self.moves.give_back(held);
        self.consumed.push(invite);
        Ok(())
    }

    /// Comes after all changes: the invite may stand before the member that it makes.
    async fn name_who_used_the_invites(&self, conn: &mut Connection) -> Result<(), Stop> {
        for invite in &self.consumed {
            sqlx::query("UPDATE invite SET used_by = $2 WHERE id = $1")
                .bind(invite.to_string())
                .bind(self.member.map(|member| member.to_string()))
                .execute(&mut *conn)
                .await?;
        }
        Ok(())
    }

    /// There is one at most, so the one before gives way.
    async fn unmark_primary_owner(&self, conn: &mut Connection) -> Result<(), Stop> {
        sqlx::query("UPDATE member SET primary_owner = 0, revision = revision + 1 WHERE organization = $1 AND primary_owner = 1")
            .bind(self.write.facts.organization.id.as_str())
            .execute(conn)
            .await?;
        Ok(())
    }

    /// A pin goes too: someone who comes back must not find an old exception in force.
    async fn remove_member(&mut self, conn: &mut Connection, member: MemberId) -> Result<(), Stop> {
        self.check_member(member)?;
        let removed = sqlx::query(
            "UPDATE member SET status = 'removed', seat = NULL, seat_unassigned = 0, wanted_tier = NULL, wanted_since = NULL,
                 pin = NULL, primary_owner = 0
             WHERE id = $1 AND status = 'active'",
        )
        .bind(member.to_string())
        .execute(&mut *conn)
        .await?;
        exactly_one(removed.rows_affected())?;
        self.moves.give_back(self.seat.take().as_ref());
        let before = known_subject(self.write).and_then(|known| known.member.as_ref());
        removals::note(conn, before.as_slice(), "system", self.write.now).await?;
        Ok(())
    }

    async fn record_attempt(&self, conn: &mut Connection, reason: Reason) -> Result<(), Stop> {
        let identity = &self.write.identity;
        sqlx::query(
            "INSERT INTO attempt (organization, connection, subject, reason, email, first_at, last_at, count, decision)
             VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7)
             ON CONFLICT (organization, connection, subject, reason)
             DO UPDATE SET email = excluded.email, last_at = excluded.last_at, count = attempt.count + 1, decision = excluded.decision,
                 closed_at = CASE WHEN attempt.closed_at > $8 THEN attempt.closed_at END,
                 closed_as = CASE WHEN attempt.closed_at > $8 THEN attempt.closed_as END",
        )
        .bind(self.write.facts.organization.id.as_str())
        .bind(identity.connection.as_str())
        .bind(&identity.subject)
        .bind(reason.code())
        .bind(identity.email.as_ref().map(EmailAddress::as_str))
        .bind(micros(self.write.now))
        .bind(self.decision.to_string())
        // An answer stands for as long as a request waits; after that the person waits anew.
        .bind(micros(self.write.now.checked_sub(REQUEST_LIFE).unwrap_or(Timestamp::MIN)))
        .execute(conn)
        .await?;
        Ok(())
    }

    async fn set_pin(&self, conn: &mut Connection, pin: &Pin) -> Result<(), Stop> {
        let member = self.member.ok_or_else(|| unfit("nobody is there to be pinned"))?;
        let set = sqlx::query("UPDATE member SET pin = $2 WHERE id = $1 AND status = 'active'")
            .bind(member.to_string())
            .bind(to_json(pin)?)
            .execute(conn)
            .await?;
        exactly_one(set.rows_affected())
    }

    async fn update_member(&self, conn: &mut Connection, member: MemberId, statement: &'static str) -> Result<(), Stop> {
        self.check_member(member)?;
        let updated = sqlx::query(statement).bind(member.to_string()).execute(conn).await?;
        exactly_one(updated.rows_affected())
    }

    fn check_member(&self, member: MemberId) -> Result<(), StoreError> {
        if self.member == Some(member) { Ok(()) } else { Err(unfit("it changes someone else's membership")) }
    }

    fn subject(&self) -> Result<PersonId, StoreError> {
        self.person.ok_or_else(|| unfit("nobody is there to be linked or to become a member"))
    }
}
