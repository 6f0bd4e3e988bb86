//! What administrators do to members: the rows as they will be, written when they still are what was decided on.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::{AuditEntry, append_audit};
use super::batch::Batch;
use super::codec::{micros, stored_time};
use super::facts::count_administrators;
use super::queries::{find_member, find_member_by_id};
use super::rows::member_rows;
use super::seats::{SeatMoves, count_seats, release_expired_holds};
use super::settings::LoadedSettings;
use super::statement::Statement;
use super::{Backend, Connection, SettingsCache, Stop, invites, members, owner, relink, removals, rows};
use crate::core::hand::invite::InviteSituation;
use crate::core::hand::{Edit, Situation};
use crate::core::{ConnectionId, EmailAddress, InviteId, Member, MemberId, MemberRow, MemberStatus, OrganizationId, RemovalId};
use crate::store::{EditCommit, Edited, InviteCommit, InviteRow, PeopleStore, Relink, Removal, RequestOrigin, StoreError, Written};

/// An [`EditCommit`] that waits for the writer: the same, owned.
#[derive(Debug)]
struct EditWrite {
    situation: Situation,
    edits: Vec<Edit>,
    event: String,
    actor: String,
    acting: Option<MemberId>,
    detail: Value,
    undoes: Option<RemovalId>,
    origin: RequestOrigin,
    now: Timestamp,
}

impl From<EditCommit<'_>> for EditWrite {
    fn from(commit: EditCommit<'_>) -> Self {
        Self {
            situation: commit.situation.clone(),
            edits: commit.edits.to_vec(),
            event: commit.event.to_owned(),
            actor: commit.actor.to_owned(),
            acting: commit.acting,
            detail: commit.detail,
            undoes: commit.undoes,
            origin: commit.origin.clone(),
            now: stored_time(commit.now),
        }
    }
}

/// Who writes by hand, where from, and when, for the audit line.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub(super) actor: String,
    pub(super) origin: RequestOrigin,
    pub(super) now: Timestamp,
}

impl By {
    pub(super) fn new(actor: &str, origin: &RequestOrigin, now: Timestamp) -> Self {
        Self { actor: actor.to_owned(), origin: origin.clone(), now: stored_time(now) }
    }

    pub(super) fn entry(&self, event: &str, organization: &OrganizationId, target: &dyn ToString, detail: Value) -> AuditEntry {
        AuditEntry {
            event: event.to_owned(),
            actor: self.actor.clone(),
            organization: Some(organization.clone()),
            target: Some(target.to_string()),
            reason: None,
            detail,
            origin: self.origin.clone(),
            now: self.now,
        }
    }
}

pub(super) fn written<T>(result: Result<T, Stop>) -> Result<Written<T>, StoreError> {
    match result {
        Ok(done) => Ok(Written::Done(done)),
        Err(Stop::Lost) => Ok(Written::LostRace),
        Err(Stop::Failed(error)) => Err(error),
    }
}

#[async_trait]
impl PeopleStore for Backend {
    async fn find_member_by_id(&self, organization: &OrganizationId, member: MemberId) -> Result<Option<MemberRow>, StoreError> {
        self.within(async { find_member_by_id(&mut *self.reader().await?, organization, member).await }).await
    }

    async fn find_primary_owner(&self, organization: &OrganizationId) -> Result<Option<MemberRow>, StoreError> {
        self.within(async { find_primary_owner(&mut *self.reader().await?, organization).await }).await
    }

    async fn load_situation(&self, organization: &OrganizationId, members: &[MemberId], now: Timestamp) -> Result<Situation, StoreError> {
        self.within(async {
            let mut reader = self.read().await?;
            let settings = self.settings.load(&mut reader, true).await?;
            load_situation(&mut reader, &settings, organization, members, now).await
        })
        .await
    }

    async fn commit_edits(&self, commit: EditCommit<'_>) -> Result<Written<Edited>, StoreError> {
        let (write, settings) = (EditWrite::from(commit), Arc::clone(&self.settings));
        written(self.write(move |conn| Box::pin(async move { commit_edits(conn, &settings, &write).await })).await)
    }

    async fn find_removal(&self, organization: &OrganizationId, removal: RemovalId) -> Result<Option<Removal>, StoreError> {
        self.within(async { removals::find_removal(&mut *self.reader().await?, organization, removal).await }).await
    }

    async fn list_removals(&self, organization: &OrganizationId, since: Timestamp, limit: u32) -> Result<Vec<Removal>, StoreError> {
        self.within(async { removals::list_removals(&mut *self.read().await?, organization, since, limit).await }).await
    }

    async fn mark_service_account(
        &self,
        organization: &OrganizationId,
        member: MemberId,
        service_account: bool,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<Written<MemberRow>, StoreError> {
        let (organization, by, settings) = (organization.clone(), By::new(actor, origin, now), Arc::clone(&self.settings));
        written(
            self.write(move |conn| {
                Box::pin(async move {
                    let settings = settings.load(conn, false).await?;
                    mark_service_account(conn, &settings, &organization, member, service_account, &by).await
                })
            })
            .await,
        )
    }

    async fn load_invite_situation(
        &self,
        organization: &OrganizationId,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Result<InviteSituation, StoreError> {
        self.within(async {
            let mut reader = self.read().await?;
            let settings = self.settings.load(&mut reader, true).await?;
            invites::load_situation(&mut reader, &settings, organization, email, now).await
        })
        .await
    }

    async fn create_invite(&self, commit: InviteCommit<'_>) -> Result<Written<InviteRow>, StoreError> {
        let (write, settings) = (invites::InviteWrite::from(commit), Arc::clone(&self.settings));
        written(self.write(move |conn| Box::pin(async move { invites::create(conn, &settings, &write).await })).await)
    }

    async fn list_invites(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<InviteRow>, StoreError> {
        self.within(async { invites::list(&mut *self.reader().await?, organization, now).await }).await
    }

    async fn renew_invite(
        &self,
        organization: &OrganizationId,
        invite: InviteId,
        ends_at: Timestamp,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<Written<InviteRow>, StoreError> {
        let (organization, by) = (organization.clone(), By::new(actor, origin, now));
        written(self.write(move |conn| Box::pin(async move { invites::renew(conn, &organization, invite, ends_at, &by).await })).await)
    }

    async fn revoke_invite(
        &self,
        organization: &OrganizationId,
        invite: InviteId,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<Written<InviteRow>, StoreError> {
        let (organization, by) = (organization.clone(), By::new(actor, origin, now));
        written(self.write(move |conn| Box::pin(async move { invites::revoke(conn, &organization, invite, &by).await })).await)
    }

    async fn list_queue(&self, organization: &OrganizationId) -> Result<Vec<MemberRow>, StoreError> {
        self.within(async { list_queue(&mut *self.reader().await?, organization).await }).await
    }

    async fn list_stale(&self, organization: &OrganizationId, before: Timestamp, limit: u32) -> Result<Vec<MemberRow>, StoreError> {
        self.within(async { list_stale(&mut *self.reader().await?, organization, before, limit).await }).await
    }

    async fn relink(&self, organization: &OrganizationId, wish: Relink<'_>) -> Result<Written<MemberRow>, StoreError> {
        let by = By::new(wish.actor, wish.origin, wish.now);
        let (organization, member) = (organization.clone(), wish.member);
        let (connection, subject) = (wish.connection.clone(), wish.subject.to_owned());
        written(
            self.write(move |conn| {
                Box::pin(async move {
                    let row = find_member_by_id(conn, &organization, member).await?.ok_or(Stop::Lost)?;
                    let before = relink::relink(conn, row.person.id, &connection, &subject, by.now).await?;
                    let detail = json!({
                        "connection": connection,
                        "before": {"subject": before},
                        "after": {"subject": subject},
                    });
                    append_audit(conn, by.entry("member.relinked", &organization, &row.person.id, detail)).await?;
                    Ok(row)
                })
            })
            .await,
        )
    }

    async fn close_relink_window(
        &self,
        connection: &ConnectionId,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (connection, by) = (connection.clone(), By::new(actor, origin, now));
        let closed = self.write(move |conn| Box::pin(async move { relink::close_window(conn, &connection, &by).await })).await;
        written(closed).map(drop)
    }

    async fn list_linked(
        &self,
        organization: &OrganizationId,
        from: &ConnectionId,
        to: &ConnectionId,
    ) -> Result<Vec<(MemberRow, bool)>, StoreError> {
        // As long as it takes: it reads everyone.
        relink::list_linked(&mut *self.reader().await?, organization, from, to).await
    }
}

async fn list_queue(conn: &mut Connection, organization: &OrganizationId) -> Result<Vec<MemberRow>, StoreError> {
    let found = Statement::new(member_rows!(
        "WHERE member.organization = $1 AND member.wanted_tier IS NOT NULL AND member.status = 'active'
         ORDER BY member.wanted_since, member.id"
    ))
    .bind(organization.as_str())
    .fetch_all(conn)
    .await?;
    found.iter().map(rows::member_row).collect()
}

async fn list_stale(
    conn: &mut Connection,
    organization: &OrganizationId,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<MemberRow>, StoreError> {
    let found = Statement::new(member_rows!(
        "WHERE member.organization = $1 AND member.status = 'active' AND member.seat IS NOT NULL AND person.service_account = 0
           AND COALESCE(member.last_login_at, member.joined_at) < $2
         ORDER BY COALESCE(member.last_login_at, member.joined_at), member.id LIMIT $3"
    ))
    .bind(organization.as_str())
    .bind(micros(before))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    found.iter().map(rows::member_row).collect()
}

async fn find_primary_owner(conn: &mut Connection, organization: &OrganizationId) -> Result<Option<MemberRow>, StoreError> {
    let row = Statement::new(member_rows!("WHERE member.organization = $1 AND member.primary_owner = 1 AND member.status = 'active'"))
        .bind(organization.as_str())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(rows::member_row).transpose()
}

async fn load_situation(
    conn: &mut Connection,
    settings: &LoadedSettings,
    organization: &OrganizationId,
    members: &[MemberId],
    now: Timestamp,
) -> Result<Situation, StoreError> {
    let organization = settings.load_organization(organization)?;
    let mut people = Vec::new();
    for member in members {
        people.extend(find_member_by_id(conn, &organization.id, *member).await?);
    }
    let is_guest = |row: &&MemberRow| settings.stored.settings.is_guest(&organization, row.person.email.as_ref());
    Ok(Situation {
        guests: people.iter().filter(is_guest).map(|row| row.member.id).collect(),
        seats: count_seats(conn, &organization.id, now).await?,
        administrators: count_administrators(conn, &organization, &[]).await?,
        people,
        organization,
    })
}

async fn commit_edits(conn: &mut Connection, settings: &SettingsCache, write: &EditWrite) -> Result<Edited, Stop> {
    let organization = &write.situation.organization;
    if settings.load(conn, false).await?.load_organization(&organization.id)? != *organization {
        return Err(Stop::Lost);
    }
    if let Some(acting) = write.acting {
        let row = find_member_by_id(conn, &organization.id, acting).await?;
        let may = |row: MemberRow| row.member.status == MemberStatus::Active && organization.is_administrator(&row.member.role);
        if !row.is_some_and(may) {
            return Err(Stop::Lost);
        }
    }
    release_expired_holds(conn, &organization.id, write.now).await?;
    let administrators = count_administrators(conn, organization, &[]).await?;
    let mut moves = SeatMoves::default();
    // There is one Primary Owner at most, at any moment.
    let (owner_last, others): (Vec<&Edit>, Vec<&Edit>) = write.edits.iter().partition(|edit| edit.after.primary_owner);
    for edit in others.into_iter().chain(owner_last) {
        let after = Member { revision: edit.before.revision + 1, ..edit.after.clone() };
        let mut batch = Batch::default();
        members::update_by_hand(&mut batch, &edit.before, &after)?;
        batch.write(conn).await?;
        if edit.before.seat != edit.after.seat {
            moves.give_back(edit.before.seat.as_ref());
            moves.want(edit.after.seat.as_ref());
        }
        if edit.after.primary_owner && !edit.before.primary_owner {
            owner::close_holds(conn, &organization.id, write.now).await?;
        }
    }
    if administrators > 0 && count_administrators(conn, organization, &[]).await? == 0 {
        return Err(Stop::Lost);
    }
    let mut batch = Batch::default();
    let removed: Vec<&Member> = write.edits.iter().filter(|edit| is_removed(edit)).map(|edit| &edit.before).collect();
    let removal = removals::note(&mut batch, &removed, &write.actor, write.now)?;
    moves.settle(&mut batch, &organization.id);
    batch.write(conn).await?;
    if let Some(removal) = write.undoes {
        removals::note_undone(conn, &organization.id, removal, write.now).await?;
    }
    let mut members = Vec::new();
    for edit in &write.edits {
        let row = find_member(conn, &organization.id, edit.after.person).await?.ok_or(Stop::Lost)?;
        append_audit(conn, audit_entry(write, edit, &row, removal)).await?;
        members.push(row);
    }
    Ok(Edited { members, removal })
}

fn is_removed(edit: &Edit) -> bool {
    edit.before.status == MemberStatus::Active && edit.after.status != MemberStatus::Active
}

fn audit_entry(write: &EditWrite, edit: &Edit, after: &MemberRow, removal: Option<RemovalId>) -> AuditEntry {
    let by = By { actor: write.actor.clone(), origin: write.origin.clone(), now: write.now };
    let before = json!({"person": after.person, "member": edit.before});
    let mut detail = json!({"before": before, "after": after});
    if let (Some(detail), Some(more)) = (detail.as_object_mut(), write.detail.as_object()) {
        detail.extend(more.clone());
        detail.extend(edit.note.as_ref().map(|note| ("note".to_owned(), json!(note))));
        detail.extend(removal.map(|removal| ("removal".to_owned(), json!(removal))));
        detail.extend(write.undoes.map(|removal| ("undoes".to_owned(), json!(removal))));
    }
    by.entry(&write.event, &write.situation.organization.id, &after.person.id, detail)
}

async fn mark_service_account(
    conn: &mut Connection,
    settings: &LoadedSettings,
    organization: &OrganizationId,
    member: MemberId,
    service_account: bool,
    by: &By,
) -> Result<MemberRow, Stop> {
    let before = find_member_by_id(conn, organization, member).await?.ok_or(Stop::Lost)?;
    if before.person.service_account == service_account {
        return Ok(before);
    }
    let organization = settings.load_organization(organization)?;
    let administrators = count_administrators(conn, &organization, &[]).await?;
    Statement::new("UPDATE person SET service_account = $2 WHERE id = $1")
        .bind(before.person.id.to_string())
        .bind(i64::from(service_account))
        .execute(&mut *conn)
        .await?;
    if administrators > 0 && count_administrators(conn, &organization, &[]).await? == 0 {
        return Err(Stop::Lost);
    }
    let after = find_member_by_id(conn, &organization.id, member).await?.ok_or(Stop::Lost)?;
    let detail = json!({"before": {"person": before.person}, "after": {"person": after.person}});
    append_audit(conn, by.entry("member.service_account_marked", &organization.id, &after.person.id, detail)).await?;
    Ok(after)
}
