//! How an act on members is done: situation, decision, write; a lost race is decided once more. What every act needs stands here once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Actor, Admin, AdminError, Permission};
use crate::core::hand::{self, Act, Edit, Hand, Situation};
use crate::core::{MemberId, MemberRow, MemberStatus, RemovalId};
use crate::session::{Cause, Selector};
use crate::store::{EditCommit, Edited, Written};

/// How often a lost race is decided anew.
pub(super) const MAX_DECISIONS: usize = 6;
/// The most members that one act is about.
pub(super) const MAX_MEMBERS: usize = 500;

/// What an act changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleChange {
    /// The members who changed, as they are now.
    pub members: Vec<MemberRow>,
    /// What the actor should know, in sentences.
    pub notes: Vec<String>,
    /// What undoes it, when members were removed.
    pub removal: Option<RemovalId>,
}

/// An act on members, before it is decided.
#[derive(Debug)]
pub(super) struct Deed<'a> {
    pub(super) members: &'a [MemberId],
    /// The revision of the one member that the actor saw, if they saw one.
    pub(super) expected: Option<i64>,
    pub(super) act: Act,
    pub(super) event: &'static str,
    pub(super) detail: Value,
    pub(super) undoes: Option<RemovalId>,
}

impl<'a> Deed<'a> {
    pub(super) const fn new(members: &'a [MemberId], act: Act, event: &'static str) -> Self {
        Self { members, expected: None, act, event, detail: Value::Null, undoes: None }
    }
}

impl Admin {
    /// Does it: nobody above the actor's own rank, before or after; the guards; one transaction; then sessions.
    pub(super) async fn perform(&self, actor: &Actor, deed: Deed<'_>) -> Result<PeopleChange, AdminError> {
        if deed.members.is_empty() || deed.members.len() > MAX_MEMBERS {
            return Err(AdminError::invalid("members", format!("name 1 to {MAX_MEMBERS} members")));
        }
        for _ in 0..MAX_DECISIONS {
            let now = self.clock.now();
            self.still_acts(actor).await?;
            let situation = self.store.load_situation(&actor.organization, deed.members, now).await?;
            let edits = decide(actor, &situation, &deed, Hand { member: actor.member(), now })?;
            let name = actor.name();
            let commit = EditCommit {
                situation: &situation,
                edits: &edits,
                event: deed.event,
                actor: &name,
                acting: actor.member(),
                detail: deed.detail.clone(),
                undoes: deed.undoes,
                origin: &actor.origin,
                now,
            };
            if let Written::Done(edited) = self.store.commit_edits(commit).await? {
                return Ok(self.follow(edits, edited).await);
            }
        }
        Err(AdminError::Stale)
    }

    /// An administrator who was demoted or removed since the request began acts no more.
    pub(super) async fn still_acts(&self, actor: &Actor) -> Result<(), AdminError> {
        let Some(own) = actor.member() else { return Ok(()) };
        let row = self.store.find_member_by_id(&actor.organization, own).await?;
        let settings = self.store.find_settings().await?;
        let organization = settings.as_ref().and_then(|stored| stored.settings.find_organization(&actor.organization));
        let may = row.zip(organization).is_some_and(|(row, organization)| {
            row.member.status == MemberStatus::Active && organization.is_administrator(&row.member.role)
        });
        if may { Ok(()) } else { Err(AdminError::NotAllowed(Permission::MembersWrite)) }
    }

    /// One member of the organization.
    pub(super) async fn load_row(&self, actor: &Actor, member: MemberId) -> Result<MemberRow, AdminError> {
        self.store.find_member_by_id(&actor.organization, member).await?.ok_or(AdminError::NoSuch("member"))
    }

    /// What was written is in force at the next request; open sessions of who lost access or seat end here.
    async fn follow(&self, edits: Vec<Edit>, edited: Edited) -> PeopleChange {
        for (edit, row) in edits.iter().zip(&edited.members) {
            let member = &row.member;
            self.sessions.announce_member(&member.organization, member.person).await;
            let cause = if member.status != MemberStatus::Active {
                Cause::Removed
            } else if edit.before.seat.is_some() && member.seat.is_none() {
                Cause::Admin
            } else {
                continue;
            };
            if let Err(error) = self.sessions.end_sessions(Selector::Member(member.id), cause).await {
                // Every request asks the member, so nobody gets in by a session that could not be deleted.
                tracing::warn!(member.id = %member.id, error = &error as &dyn std::error::Error, "sessions could not be ended");
            }
        }
        PeopleChange { members: edited.members, notes: edits.into_iter().filter_map(|edit| edit.note).collect(), removal: edited.removal }
    }
}

fn decide(actor: &Actor, situation: &Situation, deed: &Deed<'_>, hand: Hand) -> Result<Vec<Edit>, AdminError> {
    if situation.people.len() != deed.members.len() {
        return Err(AdminError::NoSuch("member"));
    }
    if let (Some(expected), [only]) = (deed.expected, situation.people.as_slice())
        && only.member.revision != expected
    {
        return Err(AdminError::Stale);
    }
    for row in &situation.people {
        actor.need_rank(&situation.organization, &row.member.role)?;
    }
    let edits = hand::decide(situation, &deed.act, hand)?;
    for edit in &edits {
        actor.need_rank(&situation.organization, &edit.after.role)?;
    }
    Ok(edits)
}
