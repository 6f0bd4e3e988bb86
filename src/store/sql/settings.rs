//! The settings: one row an object, put together in their order, and kept parsed for as long as the revision stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;

use super::codec::Columns as _;
use super::statement::Statement;
use super::{Connection, PARENT};
use crate::core::{Organization, OrganizationId, Settings};
use crate::store::{StoreError, StoredSettings};

/// The settings with each organization ready to be handed out.
#[derive(Debug, Clone)]
pub(in crate::store) struct LoadedSettings {
    pub(in crate::store) stored: StoredSettings,
    organizations: Arc<HashMap<OrganizationId, Arc<Organization>>>,
}

impl LoadedSettings {
    fn new(settings: Settings, revision: i64) -> Self {
        let organizations = settings.organizations.iter().map(|found| (found.id.clone(), Arc::new(found.clone()))).collect();
        Self { stored: StoredSettings { settings: Arc::new(settings), revision }, organizations: Arc::new(organizations) }
    }

    pub(in crate::store) fn load_organization(&self, id: &OrganizationId) -> Result<Arc<Organization>, StoreError> {
        self.organizations.get(id).cloned().ok_or_else(|| StoreError::Missing(format!("organization {id}")))
    }
}

/// The last settings that were read, so that a login does not parse them again.
#[derive(Debug, Default)]
pub(in crate::store) struct SettingsCache(Mutex<Option<LoadedSettings>>);

impl SettingsCache {
    /// The settings as this transaction sees them; only what was committed may be kept, so a writer passes `keep: false`.
    pub(in crate::store) async fn load(&self, conn: &mut Connection, keep: bool) -> Result<LoadedSettings, StoreError> {
        let revision = find_revision(conn).await?.ok_or_else(|| StoreError::Missing("the organization's settings".to_owned()))?;
        if let Some(kept) = self.lock().as_ref().filter(|kept| kept.stored.revision == revision) {
            return Ok(kept.clone());
        }
        let loaded = LoadedSettings::new(load_settings(conn).await?, revision);
        if keep {
            *self.lock() = Some(loaded.clone());
        }
        Ok(loaded)
    }

    /// The settings as they were read last; others may be in force by now.
    pub(in crate::store) fn kept(&self) -> Option<LoadedSettings> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<LoadedSettings>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn find_revision(conn: &mut Connection) -> Result<Option<i64>, StoreError> {
    let row = Statement::new("SELECT revision FROM parent WHERE id = $1").bind(PARENT).fetch_optional(conn).await?;
    row.map(|row| row.number("revision")).transpose()
}

pub(in crate::store) async fn find_settings(conn: &mut Connection) -> Result<Option<StoredSettings>, StoreError> {
    let Some(revision) = find_revision(conn).await? else { return Ok(None) };
    Ok(Some(StoredSettings { settings: Arc::new(load_settings(conn).await?), revision }))
}

async fn load_settings(conn: &mut Connection) -> Result<Settings, StoreError> {
    let parent_name = Statement::new("SELECT name FROM parent WHERE id = $1").bind(PARENT).fetch_one(&mut *conn).await?.text("name")?;
    Ok(Settings {
        parent_name,
        domains: load_documents(conn, "SELECT document FROM domain WHERE parent = $1 ORDER BY position").await?,
        connections: load_documents(conn, "SELECT document FROM connection WHERE parent = $1 AND removed_at IS NULL ORDER BY position")
            .await?,
        organizations: load_documents(conn, "SELECT document FROM organization WHERE parent = $1 AND removed_at IS NULL ORDER BY position")
            .await?,
    })
}

async fn load_documents<T: DeserializeOwned>(conn: &mut Connection, statement: &'static str) -> Result<Vec<T>, StoreError> {
    let rows = Statement::new(statement).bind(PARENT).fetch_all(conn).await?;
    rows.iter().map(|row| row.json("document")).collect()
}
