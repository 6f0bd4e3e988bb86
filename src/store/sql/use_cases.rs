//! The methods of [`Store`], each one transaction around the statements.
//!
//! What [`Backend`] gives them: `reader` for one statement, `lookup` for one that finds a few rows and is asked all the time, `read` for several that must see the same, `write` for a change that runs alone, `write_beside`
//! for a login, which runs beside others, locks what it rests on, changes nothing else that a decision may rest on, and can be done again; `within` bounds
//! how long a read may take.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;

use super::statement::Statement;
use super::{Backend, LoginWrite, RelinkWindow, SettingsWrite, Stop, TOUCH, tokens};
use crate::core::provision::SeatCount;
use crate::core::{AuditId, ConnectionId, EmailAddress, IncidentId, OrganizationId, PersonId, Settings, TokenId};
use crate::store::portable::{Part, Portable, TableSum};
use crate::store::{
    Attempt, AuditLine, CommitOutcome, DecisionRecord, FactsQuery, LoginCommit, MemberQuery, MemberRow, NewAuditLine, NewToken, Reading,
    RequestOrigin, Store, StoreError, StoredSettings, TokenAct, TokenHash, TokenQuery, TokenRow, TokenStore,
};

/// Only a login can lose a race; for any other write a row that exists already is a fault.
pub(super) fn never_lost(stop: Stop) -> StoreError {
    match stop {
        Stop::Failed(error) => error,
        Stop::Lost => StoreError::Refused("another change was faster; try again".to_owned()),
    }
}

#[async_trait]
impl Store for Backend {
    async fn ping(&self) -> Result<(), StoreError> {
        self.within(async { Ok(Statement::new("SELECT 1").fetch_all(&mut *self.lookup().await?).await.map(drop)?) }).await?;
        // A transaction without a change would be well on a full disk.
        let touched = self.write_beside(Vec::new(), |conn| Box::pin(async { Ok(Statement::new(TOUCH).fetch_all(conn).await.map(drop)?) }));
        touched.await.map_err(never_lost)
    }

    async fn find_settings(&self) -> Result<Option<StoredSettings>, StoreError> {
        self.within(async { super::find_settings(&mut *self.read().await?).await }).await
    }

    async fn save_settings(
        &self,
        settings: &Settings,
        expected: Option<i64>,
        actor: &str,
        now: Timestamp,
    ) -> Result<StoredSettings, StoreError> {
        let (actor, origin) = (actor.to_owned(), RequestOrigin::default());
        let write = SettingsWrite { settings: settings.clone(), expected, actor, origin, note: Value::Null, now };
        self.write(|conn| Box::pin(async { Ok(super::save_settings(conn, write).await?) })).await.map_err(never_lost)
    }

    async fn open_relink_window(&self, connection: &ConnectionId, until: Timestamp, actor: &str, now: Timestamp) -> Result<(), StoreError> {
        let window = RelinkWindow { connection: connection.clone(), until, actor: actor.to_owned(), now };
        self.write(|conn| Box::pin(async { Ok(super::open_relink_window(conn, window).await?) })).await.map_err(never_lost)
    }

    async fn load_facts(&self, query: FactsQuery<'_>) -> Result<Reading, StoreError> {
        self.within(async {
            // Before the look, so that what is committed meanwhile counts as later.
            let commits = self.commits();
            if let Some(settings) = self.settings.kept()
                && let Some(found) = super::find_facts(&mut *self.lookup().await?, &settings, &query).await?
            {
                return Ok(found.into_reading(commits, &query));
            }
            let mut reader = self.read().await?;
            let settings = self.settings.load(&mut reader, true).await?;
            Ok(super::load_found(&mut reader, &settings, &query).await?.into_reading(commits, &query))
        })
        .await
    }

    async fn commit_login(&self, commit: LoginCommit<'_>) -> Result<CommitOutcome, StoreError> {
        let (write, settings) = (Arc::new(LoginWrite::try_from(commit)?.without(&self.noted)), Arc::clone(&self.settings));
        let written = Arc::clone(&write);
        let committed = self.write_beside(write.rests_on(), move |conn| {
            let (write, settings) = (Arc::clone(&write), Arc::clone(&settings));
            Box::pin(async move { super::commit_login(conn, &settings, &write).await })
        });
        match committed.await {
            Ok(committed) => {
                written.note(&self.noted);
                Ok(CommitOutcome::Committed(committed))
            }
            Err(Stop::Lost) => Ok(CommitOutcome::LostRace),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    async fn find_member(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<MemberRow>, StoreError> {
        self.within(async { super::find_member(&mut *self.lookup().await?, organization, person).await }).await
    }

    async fn find_members_by_email(&self, organization: &OrganizationId, email: &EmailAddress) -> Result<Vec<MemberRow>, StoreError> {
        self.within(async { super::find_members_by_email(&mut *self.reader().await?, organization, email).await }).await
    }

    async fn list_members(&self, query: MemberQuery<'_>) -> Result<Vec<MemberRow>, StoreError> {
        self.within(async {
            super::list_members(&mut *self.read().await?, query.organization, query.search, query.after, query.limit).await
        })
        .await
    }

    async fn find_last_decision(&self, organization: &OrganizationId, person: PersonId) -> Result<Option<DecisionRecord>, StoreError> {
        self.within(async { super::find_last_decision(&mut *self.reader().await?, organization, person).await }).await
    }

    async fn find_decision_by_incident(&self, incident: IncidentId) -> Result<Option<DecisionRecord>, StoreError> {
        self.within(async { super::find_decision_by_incident(&mut *self.reader().await?, incident).await }).await
    }

    async fn count_seats(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<SeatCount>, StoreError> {
        self.within(async {
            let mut reader = self.read().await?;
            self.settings.load(&mut reader, true).await?.load_organization(organization)?;
            super::count_seats(&mut reader, organization, now).await
        })
        .await
    }

    async fn list_attempts(&self, organization: &OrganizationId) -> Result<Vec<Attempt>, StoreError> {
        self.within(async { super::list_attempts(&mut *self.reader().await?, organization).await }).await
    }

    async fn record(&self, event: NewAuditLine<'_>) -> Result<AuditId, StoreError> {
        let entry = super::AuditEntry::from(event);
        let recorded = self.write_beside(Vec::new(), move |conn| {
            let entry = entry.clone();
            Box::pin(async move { Ok(super::append_audit(conn, entry).await?) })
        });
        recorded.await.map_err(never_lost)
    }

    async fn list_audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        self.within(async { super::list_audit(&mut *self.reader().await?, after, limit).await }).await
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        // As long as it takes: it reads everything.
        let mut reader = self.read().await?;
        let mut faults = super::super::check_files(&mut reader).await?;
        faults.extend(super::check_integrity(&mut reader).await?);
        Ok(faults)
    }
}

#[async_trait]
impl TokenStore for Backend {
    async fn create_token(&self, new: NewToken, act: TokenAct) -> Result<TokenRow, StoreError> {
        self.write(|conn| Box::pin(async { Ok(tokens::create_token(conn, new, act).await?) })).await.map_err(never_lost)
    }

    async fn find_token(&self, hash: TokenHash) -> Result<Option<TokenRow>, StoreError> {
        self.within(async { tokens::find_token(&mut *self.lookup().await?, hash).await }).await
    }

    async fn find_token_by_id(&self, organization: &OrganizationId, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.within(async { tokens::find_token_by_id(&mut *self.reader().await?, organization, id).await }).await
    }

    async fn list_tokens(&self, query: TokenQuery<'_>) -> Result<Vec<TokenRow>, StoreError> {
        self.within(async { tokens::list_tokens(&mut *self.reader().await?, &query).await }).await
    }

    async fn list_tokens_of(&self, organization: &OrganizationId, owner: PersonId) -> Result<Vec<TokenRow>, StoreError> {
        self.within(async { tokens::list_tokens_of(&mut *self.reader().await?, organization, owner).await }).await
    }

    async fn rotate_token(
        &self,
        organization: &OrganizationId,
        id: TokenId,
        hash: TokenHash,
        expires_at: Timestamp,
        act: TokenAct,
    ) -> Result<Option<TokenRow>, StoreError> {
        let which = (organization.clone(), id);
        self.write(move |conn| Box::pin(async move { Ok(tokens::rotate_token(conn, which, hash, expires_at, act).await?) }))
            .await
            .map_err(never_lost)
    }

    async fn revoke_token(&self, organization: &OrganizationId, id: TokenId, act: TokenAct) -> Result<Option<TokenRow>, StoreError> {
        let organization = organization.clone();
        self.write(move |conn| Box::pin(async move { Ok(tokens::revoke_token(conn, &organization, id, act).await?) }))
            .await
            .map_err(never_lost)
    }

    async fn note_token_use(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        self.write_beside(Vec::new(), move |conn| Box::pin(async move { Ok(tokens::note_token_use(conn, id, now).await?) }))
            .await
            .map_err(never_lost)
    }
}

#[async_trait]
impl Portable for Backend {
    async fn count_rows(&self) -> Result<u64, StoreError> {
        super::portable::count_rows(&mut *self.read().await?).await
    }

    async fn export(&self, into: mpsc::Sender<Part>) -> Result<(), StoreError> {
        super::portable::export(&mut *self.read().await?, &into).await
    }

    async fn import(&self, from: mpsc::Receiver<Part>) -> Result<Vec<TableSum>, StoreError> {
        self.write_at_leisure(|conn| Box::pin(async { super::portable::import(conn, from).await })).await.map_err(never_lost)
    }
}
