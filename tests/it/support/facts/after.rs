//! What the store would hold after a decision: a model of the write, for tests of "twice changes nothing".

use usher::core::provision::{Change, Decision, Known, Outcome};
use usher::core::{GroupClaim, Link, LinkId, Member, MemberStatus, Person, PersonId, SeatTier, WantedTier};
use uuid::Uuid;

use super::{Case, member_of};

impl Case {
    /// The same login again, once `decision` is written.
    pub(crate) fn after(&self, decision: &Decision) -> Self {
        let mut next = self.clone();
        for change in &decision.changes {
            next.write(change);
        }
        if let (Outcome::Admit(_), Some(member)) = (&decision.outcome, next.find_member()) {
            member.last_login_at = Some(self.now);
            if matches!(self.identity.groups, GroupClaim::Present(_)) {
                member.last_groups_at = Some(self.now);
            }
        }
        if matches!(self.identity.groups, GroupClaim::Present(_)) {
            next.facts.connection.health.last_present_at = Some(self.now);
        }
        next
    }

    fn write(&mut self, change: &Change) {
        match change {
            Change::CreatePerson { email, name } => {
                let id = PersonId::from_uuid(Uuid::from_u128(50));
                let person = Person { id, email: email.clone(), name: name.clone(), service_account: false };
                self.facts.linked = Some(Known { person, links: Vec::new(), member: None });
            }
            Change::UpdatePerson { email, name, .. } => {
                let person = &mut self.whom().person;
                (person.email, person.name) = (email.clone(), name.clone());
            }
            Change::CreateLink => {
                let link = Link {
                    id: LinkId::from_uuid(Uuid::from_u128(77)),
                    connection: self.identity.connection.clone(),
                    subject: self.identity.subject.clone(),
                };
                self.whom().links.push(link);
            }
            Change::Relink { link } => {
                let subject = self.identity.subject.clone();
                self.whom().links.iter_mut().find(|candidate| candidate.id == *link).unwrap().subject = subject;
            }
            Change::CreateMember { role, seat, primary_owner } => {
                let now = self.now;
                self.take(seat.as_ref());
                let person = self.whom();
                let member = member_of(person, role.as_str(), "");
                person.member =
                    Some(Member { seat: seat.clone(), primary_owner: *primary_owner, joined_at: now, last_groups_at: None, ..member });
            }
            Change::ReaddMember { role, seat, .. } => {
                self.take(seat.as_ref());
                let member = self.member_row();
                (member.status, member.primary_owner, member.seat_unassigned) = (MemberStatus::Active, false, false);
                (member.role, member.seat) = (role.clone(), seat.clone());
            }
            Change::SetRole { to, .. } => self.member_row().role = to.clone(),
            Change::MoveSeat { from, to, .. } => {
                self.release(from.as_ref());
                self.take(to.as_ref());
                let member = self.member_row();
                member.seat.clone_from(to);
                member.seat_unassigned &= to.is_none();
            }
            Change::QueueForTier { tier } => {
                let since = self.now;
                self.member_row().wanted_tier = Some(WantedTier { tier: tier.clone(), since });
            }
            Change::LeaveQueue { .. } => self.member_row().wanted_tier = None,
            Change::ConsumeInvite { held, .. } => {
                self.facts.invite = None;
                self.release(held.as_ref());
            }
            Change::MarkPrimaryOwner { .. } => self.member_row().primary_owner = true,
            Change::SetPin { pin } => self.member_row().pin = Some(pin.clone()),
            Change::DropPin { .. } => self.member_row().pin = None,
            Change::RemoveMember { member, .. } => {
                let everyone = self.facts.linked.iter_mut().chain(&mut self.facts.same_email);
                let removed = everyone.filter_map(|known| known.member.as_mut()).find(|row| row.id == *member).unwrap();
                removed.status = MemberStatus::Removed;
                let freed = removed.seat.take();
                self.release(freed.as_ref());
            }
            Change::RecordAttempt { .. } => {}
        }
    }

    /// The person that the login is about; found by address, they are linked from now on.
    fn whom(&mut self) -> &mut Known {
        if self.facts.linked.is_none() {
            let address = self.identity.email.clone();
            let found = self.facts.same_email.iter().position(|known| known.person.email == address).unwrap();
            self.facts.linked = Some(self.facts.same_email.remove(found));
        }
        self.facts.linked.as_mut().unwrap()
    }

    fn find_member(&mut self) -> Option<&mut Member> {
        self.facts.linked.as_mut()?.member.as_mut()
    }

    fn member_row(&mut self) -> &mut Member {
        self.whom().member.as_mut().unwrap()
    }

    fn take(&mut self, tier: Option<&SeatTier>) {
        if let Some(count) = self.facts.seats.iter_mut().find(|count| Some(&count.tier) == tier) {
            assert!(count.free() > 0, "the gate has no {} seat", count.tier);
            count.used += 1;
        }
    }

    fn release(&mut self, tier: Option<&SeatTier>) {
        if let Some(count) = self.facts.seats.iter_mut().find(|count| Some(&count.tier) == tier) {
            count.used -= 1;
        }
    }
}
