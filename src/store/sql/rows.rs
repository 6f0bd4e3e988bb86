//! Rows into types.

use super::Row;
use super::codec::{Columns as _, from_json};
use crate::core::{Invite, Link, Member, Person, Role, SeatTier, WantedTier};
use crate::store::{Attempt, AuditLine, DecisionRecord, MemberRow, StoreError};

/// The statement that reads members with their persons, as [`member_row`] takes them; what is given says which.
macro_rules! member_rows {
    ($which:literal) => {
        concat!(
            "SELECT member.*, person.id AS person_id, person.email, person.name, person.service_account
             FROM member JOIN person ON person.id = member.person ",
            $which
        )
    };
}
pub(super) use member_rows;

pub(super) fn person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.parsed("person_id")?,
        email: row.maybe_parsed("email")?,
        name: row.maybe_text("name")?,
        service_account: row.flag("service_account")?,
    })
}

pub(super) fn link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link { id: row.parsed("id")?, connection: row.parsed("connection")?, subject: row.text("subject")? })
}

/// A link that was joined to its person.
pub(super) fn joined_link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link { id: row.parsed("link_id")?, connection: row.parsed("link_connection")?, subject: row.text("link_subject")? })
}

pub(super) fn member(row: &Row) -> Result<Member, StoreError> {
    let wanted = row.maybe_text("wanted_tier")?.zip(row.maybe_time("wanted_since")?);
    Ok(Member {
        id: row.parsed("id")?,
        person: row.parsed("person")?,
        organization: row.parsed("organization")?,
        status: row.word("status")?,
        role: Role::new(row.text("role")?),
        seat: row.maybe_text("seat")?.map(SeatTier::new),
        wanted_tier: wanted.map(|(tier, since)| WantedTier { tier: SeatTier::new(tier), since }),
        seat_unassigned: row.flag("seat_unassigned")?,
        pin: row.maybe_text("pin")?.map(|text| from_json(&text, "a pin")).transpose()?,
        primary_owner: row.flag("primary_owner")?,
        last_login_at: row.maybe_time("last_login_at")?,
        last_groups_at: row.maybe_time("last_groups_at")?,
        joined_at: row.time("joined_at")?,
        revision: row.number("revision")?,
    })
}

/// A member with the person: `member.*`, and the person with its id as `person_id`.
pub(super) fn member_row(row: &Row) -> Result<MemberRow, StoreError> {
    Ok(MemberRow { person: person(row)?, member: member(row)? })
}

pub(super) fn invite(row: &Row) -> Result<Invite, StoreError> {
    Ok(Invite {
        id: row.parsed("id")?,
        organization: row.parsed("organization")?,
        email: row.parsed("email")?,
        role: Role::new(row.text("role")?),
        seat: row.maybe_text("seat")?.map(SeatTier::new),
        expires_at: row.time("expires_at")?,
    })
}

/// A decision joined with its audit line's id as `audit_id`.
pub(super) fn decision(row: &Row) -> Result<DecisionRecord, StoreError> {
    Ok(DecisionRecord {
        id: row.parsed("id")?,
        at: row.time("at")?,
        organization: row.parsed("organization")?,
        connection: row.parsed("connection")?,
        person: row.maybe_parsed("person")?,
        member: row.maybe_parsed("member")?,
        identity: row.json("identity")?,
        decision: row.json("decision")?,
        incident: row.maybe_parsed("incident")?,
        audit: row.parsed("audit_id")?,
    })
}

pub(super) fn attempt(row: &Row) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        organization: row.parsed("organization")?,
        connection: row.parsed("connection")?,
        subject: row.text("subject")?,
        email: row.maybe_parsed("email")?,
        reason: row.word("reason")?,
        first_at: row.time("first_at")?,
        last_at: row.time("last_at")?,
        count: row.count("count")?,
    })
}

pub(super) fn audit_line(row: &Row) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        id: row.parsed("id")?,
        sequence: row.number("sequence")?,
        at: row.time("at")?,
        event: row.text("event")?,
        actor: row.text("actor")?,
        organization: row.maybe_parsed("organization")?,
        target: row.maybe_text("target")?,
        reason: row.maybe_word("reason")?,
        detail: row.json("detail")?,
        origin: row.json("origin")?,
        hash: row.text("hash")?,
    })
}
