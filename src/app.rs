//! Everything that a request may need, built once and shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;

use crate::admin::Admin;
use crate::clock::Clock;
use crate::config::{Config, Route};
use crate::core::{Brand, Branding, Logo, Organization, OrganizationId, ReturnTo, Settings};
use crate::doors::Doors;
use crate::login::LoginCounts;
use crate::proxy::IdentityKeys;
use crate::session::Sessions;
use crate::store::ephemeral::Ephemeral;
use crate::store::{Store, StoreError, StoredSettings};

/// The gateway's parts.
#[derive(Debug)]
pub struct App {
    /// What the process was started with.
    pub config: Arc<Config>,
    /// Durable facts.
    pub store: Arc<dyn Store>,
    /// What may be lost.
    pub ephemeral: Arc<dyn Ephemeral>,
    /// Sessions, and the only way to end one.
    pub sessions: Arc<Sessions>,
    /// One door per connection.
    pub doors: Arc<Doors>,
    /// The keys of the identity JWT.
    pub identity_keys: Arc<IdentityKeys>,
    /// What logins count.
    pub logins: Arc<LoginCounts>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    settings: ArcSwap<Settings>,
    /// Of the settings in force; 0: none yet.
    revision: AtomicI64,
    /// Held while the settings are read and put in force.
    reading: tokio::sync::Mutex<()>,
    auth_origin: String,
    origins: Vec<String>,
}

/// No organization fits a request: nothing is configured yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no organization is configured")]
pub struct NoOrganization;

impl App {
    /// Puts the parts together; [`App::refresh`] then reads the settings and opens the doors.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        store: Arc<dyn Store>,
        ephemeral: Arc<dyn Ephemeral>,
        sessions: Arc<Sessions>,
        doors: Arc<Doors>,
        identity_keys: Arc<IdentityKeys>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let auth_origin = config.public_url.origin().ascii_serialization();
        let apps = config.routes.iter().map(|route| origin_of(&config, &route.host));
        let origins = std::iter::once(auth_origin.clone()).chain(apps).collect();
        let nothing = Settings { parent_name: String::new(), domains: vec![], connections: vec![], organizations: vec![] };
        Self {
            config,
            store,
            ephemeral,
            sessions,
            doors,
            identity_keys,
            clock,
            logins: Arc::default(),
            settings: ArcSwap::from_pointee(nothing),
            revision: AtomicI64::new(0),
            reading: tokio::sync::Mutex::new(()),
            auth_origin,
            origins,
        }
    }

    /// The same for a configuration that takes the place of another's: logins are counted on.
    #[must_use]
    pub fn in_place_of(mut self, before: &Self) -> Self {
        self.logins = Arc::clone(&before.logins);
        self
    }

    /// The use cases of administrators.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin {
            store: Arc::clone(&self.store),
            sessions: Arc::clone(&self.sessions),
            clock: Arc::clone(&self.clock),
            file: self.config.org_file.clone(),
        }
    }

    /// Reads the settings from the store, and opens the doors anew when the settings changed or `rebuild_doors` asks for it.
    ///
    /// # Errors
    /// [`StoreError`]; the settings of before stay in force.
    pub async fn refresh(&self, rebuild_doors: bool) -> Result<(), StoreError> {
        let reading = self.reading.lock().await;
        let Some(StoredSettings { settings, revision }) = self.store.find_settings().await? else { return Ok(()) };
        let changed = self.revision.load(Ordering::Acquire) != revision;
        if changed {
            self.settings.store(Arc::clone(&settings));
            self.revision.store(revision, Ordering::Release);
            self.sessions.forget_settings();
        }
        // Taken in the order in which the settings were read; nobody else has to wait for the metadata of a provider.
        let turn = self.doors.take_turn();
        drop(reading);
        if changed || rebuild_doors {
            self.doors.rebuild(turn, &settings, self.clock.now()).await;
        }
        Ok(())
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Scheme, host and port of the auth host.
    #[must_use]
    pub fn auth_origin(&self) -> &str {
        &self.auth_origin
    }

    /// Scheme, host and port of an app host: those of the auth host with another name.
    #[must_use]
    pub fn app_origin(&self, host: &str) -> String {
        origin_of(&self.config, host)
    }

    /// A return target on one of our own hosts; anything else is the start page of the auth host.
    #[must_use]
    pub fn return_to(&self, text: Option<&str>) -> ReturnTo {
        text.and_then(|text| ReturnTo::parse(text, &self.origins).ok()).unwrap_or_else(|| ReturnTo::home(&self.auth_origin))
    }

    /// A return target, if it is on one of our own hosts.
    #[must_use]
    pub fn find_return_to(&self, text: &str) -> Option<ReturnTo> {
        ReturnTo::parse(text, &self.origins).ok()
    }

    /// The route of a return target, if it is on an app host.
    #[must_use]
    pub fn find_route(&self, return_to: &ReturnTo) -> Option<&Route> {
        self.config.routes.iter().find(|route| origin_of(&self.config, &route.host) == return_to.origin())
    }

    /// The organization that a login for this target enters: its route's or its console's, else the first.
    ///
    /// # Errors
    /// [`NoOrganization`] when none is configured.
    pub fn organization_of(&self, return_to: &ReturnTo) -> Result<OrganizationId, NoOrganization> {
        if let Some(route) = self.find_route(return_to) {
            return Ok(route.organization.clone());
        }
        if let Some(organization) = self.console_of(return_to) {
            return Ok(organization);
        }
        self.settings().organizations.first().map(|organization| organization.id.clone()).ok_or(NoOrganization)
    }

    /// The organization whose console a return target is in.
    fn console_of(&self, return_to: &ReturnTo) -> Option<OrganizationId> {
        let path = return_to.path().strip_prefix("/admin/").filter(|_| return_to.origin() == self.auth_origin)?;
        let id = OrganizationId::parse(path.split(['/', '?']).next()?).ok()?;
        self.settings().find_organization(&id).map(|organization| organization.id.clone())
    }

    /// The organization's name for people.
    #[must_use]
    pub fn organization_name(&self, id: &OrganizationId) -> String {
        self.settings().find_organization(id).map_or_else(|| id.to_string(), |organization| organization.name.clone())
    }

    /// How pages of an organization look.
    #[must_use]
    pub fn brand_of(&self, id: &OrganizationId) -> Brand {
        self.settings().find_organization(id).map_or_else(|| Brand::plain(id.to_string()), brand)
    }

    /// How pages look that belong to no organization: as those of the only one, else with the parent's name.
    #[must_use]
    pub fn default_brand(&self) -> Brand {
        let settings = self.settings();
        let name = if settings.parent_name.is_empty() { "Usher".to_owned() } else { settings.parent_name.clone() };
        match settings.organizations.as_slice() {
            [only] => Brand { name, ..brand(only) },
            _ => Brand::plain(name),
        }
    }

    /// How pages on the way to a target look. On the way to a console they are the parent's: a stranger may ask for any address, and learns from
    /// none which organizations there are.
    #[must_use]
    pub fn brand_for(&self, return_to: &ReturnTo) -> Brand {
        if self.find_route(return_to).is_none() && return_to.path().starts_with("/admin") {
            return self.default_brand();
        }
        self.organization_of(return_to).map_or_else(|NoOrganization| self.default_brand(), |id| self.brand_of(&id))
    }

    /// A logo by the name of its file.
    #[must_use]
    pub fn find_logo(&self, file: &str) -> Option<Logo> {
        let settings = self.settings();
        let logos = settings.organizations.iter().filter_map(|organization| organization.branding.logo.as_ref());
        logos.into_iter().find(|logo| logo.file_name() == file).cloned()
    }
}

fn brand(organization: &Organization) -> Brand {
    let Branding { accent, logo, support_contact } = &organization.branding;
    Brand {
        name: organization.name.clone(),
        support_contact: support_contact.clone(),
        accent: *accent,
        logo: logo.as_ref().map(Logo::file_name),
    }
}

fn origin_of(config: &Config, host: &str) -> String {
    let mut url = config.public_url.clone();
    // `set_host` fails only for names that configuration has refused already.
    let _ = url.set_host(Some(host));
    url.origin().ascii_serialization()
}
