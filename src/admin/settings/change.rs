//! What is to be different.

use serde::{Deserialize, Serialize};

use super::super::AdminError;
use crate::core::{ConnectionId, Organization, Settings};
use crate::store::Store;

/// A change of settings. An object that is given replaces the one with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change", content = "to")]
pub enum SettingsChange {
    /// Everything, as a file says it.
    All(Box<Settings>),
    /// One organization: mode, mappings, roles and their rank, administrators, seats, policy, name.
    Organization(Box<Organization>),
    /// Turns a connection on or off.
    Switch {
        /// Which.
        connection: ConnectionId,
        /// On.
        enabled: bool,
    },
    /// Takes back what the save that made this revision changed. Refused when any of it was changed again since.
    Undo {
        /// The revision.
        revision: i64,
    },
}

impl SettingsChange {
    /// The settings that the change asks for, made from those in force.
    pub(super) async fn apply(&self, store: &dyn Store, before: Option<&Settings>) -> Result<Settings, AdminError> {
        if let Self::All(settings) = self {
            return Ok(with_branding_of(settings.as_ref().clone(), before));
        }
        let mut settings = before.cloned().ok_or(AdminError::NoSuch("organization"))?;
        match self {
            Self::All(_) => {}
            Self::Organization(organization) => {
                let place = settings.organizations.iter_mut().find(|known| known.id == organization.id);
                organization.as_ref().clone_into(place.ok_or(AdminError::NoSuch("organization"))?);
            }
            Self::Switch { connection, enabled } => {
                let place = settings.connections.iter_mut().find(|known| &known.id == connection);
                place.ok_or(AdminError::NoSuch("connection"))?.enabled = *enabled;
            }
            Self::Undo { revision } => settings = undone(store, settings, *revision).await?,
        }
        Ok(settings)
    }
}

/// A file says nothing about how pages look: what was chosen in the console stays.
fn with_branding_of(mut settings: Settings, before: Option<&Settings>) -> Settings {
    for organization in &mut settings.organizations {
        if let Some(known) = before.and_then(|before| before.find_organization(&organization.id)) {
            organization.branding.clone_from(&known.branding);
        }
    }
    settings
}

/// The settings without what one save changed, object by object.
async fn undone(store: &dyn Store, now: Settings, revision: i64) -> Result<Settings, AdminError> {
    let before = store.find_replaced_settings(revision).await?.ok_or(AdminError::NoSuch("save that can still be undone"))?.settings;
    // What the next save replaced is what this one made.
    let made = match store.find_replaced_settings(revision.saturating_add(1)).await? {
        Some(next) => next.settings,
        None => now.clone(),
    };
    let mut settings = now;
    if before.parent_name != made.parent_name {
        need_untouched(settings.parent_name == made.parent_name, "the parent's name")?;
        settings.parent_name.clone_from(&before.parent_name);
    }
    undo_list(&mut settings.domains, &before.domains, &made.domains, |domain| domain.name.to_string())?;
    undo_list(&mut settings.connections, &before.connections, &made.connections, |connection| connection.id.to_string())?;
    undo_list(&mut settings.organizations, &before.organizations, &made.organizations, |organization| organization.id.to_string())?;
    Ok(settings)
}

fn undo_list<T: Clone + PartialEq>(now: &mut Vec<T>, before: &[T], made: &[T], id: impl Fn(&T) -> String) -> Result<(), AdminError> {
    let find = |list: &[T], wanted: &str| list.iter().find(|item| id(item) == wanted).cloned();
    let mut ids: Vec<String> = before.iter().chain(made).map(&id).collect();
    ids.sort_unstable();
    ids.dedup();
    for wanted in ids {
        let (was, became) = (find(before, &wanted), find(made, &wanted));
        if was == became {
            continue;
        }
        need_untouched(find(now, &wanted) == became, &wanted)?;
        let place = now.iter().position(|item| id(item) == wanted);
        match (was, place) {
            (Some(was), Some(place)) => now.iter_mut().skip(place).take(1).for_each(|item| item.clone_from(&was)),
            (Some(was), None) => now.push(was),
            (None, Some(place)) => drop(now.remove(place)),
            (None, None) => {}
        }
    }
    // An order that was changed goes back when nothing else stands in the list.
    let order = |list: &[T]| list.iter().map(&id).collect::<Vec<_>>();
    let mut sorted = (order(now), order(before));
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    if sorted.0 == sorted.1 && order(before) != order(made) {
        let places = order(before);
        now.sort_by_key(|item| places.iter().position(|place| *place == id(item)));
    }
    Ok(())
}

fn need_untouched(untouched: bool, what: &str) -> Result<(), AdminError> {
    if untouched {
        return Ok(());
    }
    Err(AdminError::refused("changed_since", format!("{what} was changed again since that save; undo the later save first")))
}
