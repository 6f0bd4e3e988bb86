//! The store of an installation, found through its usher.toml.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::{Context, Failure};
use crate::admin::{Actor, Admin, Who};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config, Database, SessionLimits};
use crate::core::{EmailAddress, MemberRow, Organization, OrganizationId, Settings};
use crate::proxy::IdentityKeys;
use crate::session::Sessions;
use crate::store::ephemeral::Ephemeral;
use crate::store::ephemeral::memory::MemoryStore;
use crate::store::ephemeral::redis::RedisStore;
use crate::store::ephemeral::sealed::SealedStore;
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{RequestOrigin, Store, StoredSettings};

/// Where the installation is described.
#[derive(Debug, clap::Args)]
pub(super) struct Installation {
    /// The configuration of the process.
    #[arg(long, value_name = "FILE", default_value = "usher.toml")]
    pub(super) config: PathBuf,
}

impl Installation {
    /// Opens the store; makes it when there is none.
    pub(super) async fn open_or_create(&self, context: &Context) -> Result<Arc<dyn Store>, Failure> {
        open(&config::load(&self.config, &context.env)?).await
    }

    /// Opens the store, which must be there, with its settings.
    pub(super) async fn open(&self, context: &Context) -> Result<(Arc<dyn Store>, StoredSettings), Failure> {
        let config = config::load(&self.config, &context.env)?;
        let file = file(&config);
        if config.database == Database::Sqlite && !file.exists() {
            let next = "`usher apply org.toml` makes it";
            return Err(Failure::Failed(anyhow::anyhow!("there is no database yet at {}; {next}", file.display())));
        }
        let store = open(&config).await?;
        let settings = store.find_settings().await?;
        let settings = settings.context("the database has no settings yet; `usher apply org.toml` writes them")?;
        Ok((store, settings))
    }
}

/// Opens the database of the configuration; the embedded one is made when it is not there.
pub(super) async fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    Ok(match &config.database {
        Database::Sqlite => {
            create_data_dir(&config.data_dir)?;
            Arc::new(SqliteStore::open(&file(config)).await?)
        }
        Database::Postgres(url) => Arc::new(PostgresStore::open(url.reveal()).await?),
    })
}

/// Where the embedded database is.
pub(super) fn file(config: &Config) -> PathBuf {
    config.data_dir.join("usher.db")
}

/// The store of what expires.
pub(super) struct Expiring {
    pub(super) store: Arc<dyn Ephemeral>,
    /// The same, where its keys can be replaced.
    pub(super) sealed: Option<Arc<SealedStore>>,
}

/// Opens the store of what expires: Redis, or the memory of this process. In Redis everything is sealed, with the keys of the data folder.
pub(super) fn open_ephemeral(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Expiring> {
    let Some(address) = &config.redis else { return Ok(Expiring { store: Arc::new(MemoryStore::new(Arc::clone(clock))), sealed: None }) };
    create_data_dir(&config.data_dir)?;
    let keys = IdentityKeys::load_or_make(&config.data_dir)?.sealing();
    let sealed = Arc::new(SealedStore::new(Arc::new(RedisStore::new(address).context("Redis cannot be used")?), keys));
    Ok(Expiring { store: Arc::clone(&sealed) as Arc<dyn Ephemeral>, sealed: Some(sealed) })
}

impl Installation {
    /// The use cases of administrators on the store, which must be there. Sessions are those in Redis, or none: this process has no others.
    pub(super) async fn admin(&self, context: &Context) -> Result<Admin, Failure> {
        let (store, _) = self.open(context).await?;
        self.admin_on(store, context)
    }

    /// The same on a store that may be new.
    pub(super) async fn admin_or_create(&self, context: &Context) -> Result<Admin, Failure> {
        self.admin_on(self.open_or_create(context).await?, context)
    }

    fn admin_on(&self, store: Arc<dyn Store>, context: &Context) -> Result<Admin, Failure> {
        let config = config::load(&self.config, &context.env)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ephemeral = open_ephemeral(&config, &clock)?.store;
        let sessions = Arc::new(Sessions::new(ephemeral, Arc::clone(&store), Arc::clone(&clock), config.session));
        Ok(Admin { store, sessions, clock, file: None })
    }

    /// The same for commands about sessions, which must be where this process can reach them.
    pub(super) async fn admin_of_sessions(&self, context: &Context, organization: Option<&str>) -> Result<(Admin, Actor), Failure> {
        if config::load(&self.config, &context.env)?.redis.is_none() {
            return Err(Failure::Failed(anyhow::anyhow!(
                "sessions are in the memory of the running server, where this command cannot see them; look at them in its console or over the \
                 API, or keep them in Redis. Restarting the server ends them all"
            )));
        }
        let admin = self.admin(context).await?;
        let settings = admin.store.find_settings().await?.context("there are no settings yet")?.settings;
        let actor = operator(self::organization(&settings, organization)?.id.clone());
        Ok((admin, actor))
    }
}

/// Whoever has a shell on the host, acting in an organization.
pub(super) fn operator(organization: OrganizationId) -> Actor {
    Actor { who: Who::Operator, organization, origin: RequestOrigin::default() }
}

/// Whoever has a shell on the host, for what concerns every organization.
pub(super) fn operator_of_all(settings: &Settings) -> Result<Actor, Failure> {
    let first = settings.organizations.first();
    first.map(|organization| operator(organization.id.clone())).ok_or_else(|| Failure::Usage("there is no organization".to_owned()))
}

/// The use cases of administrators for a server that starts or reloads: nobody else has to be told, and no session is seen or ended from here.
pub(super) fn admin(store: Arc<dyn Store>) -> Admin {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let limits = SessionLimits { idle_timeout: Duration::ZERO, lifetime: Duration::ZERO, outage_grace: Duration::ZERO };
    let sessions = Sessions::new(Arc::new(MemoryStore::new(Arc::clone(&clock))), Arc::clone(&store), Arc::clone(&clock), limits);
    Admin { store, sessions: Arc::new(sessions), clock, file: None }
}

/// Where people are administered: the installation, and one organization of it.
#[derive(Debug, clap::Args)]
pub struct Where {
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    installation: Installation,
}

/// The operator in one organization.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) admin: Admin,
    pub(super) actor: Actor,
    pub(super) organization: Organization,
}

impl Where {
    /// The use cases, for the operator. Sessions in the memory of a running Usher are its own: it asks the members at every request, so nobody gets in by one.
    pub(super) async fn open(&self, context: &Context) -> Result<Desk, Failure> {
        let admin = self.installation.admin(context).await?;
        let stored = admin.store.find_settings().await?.context("there are no settings yet")?;
        let organization = organization(&stored.settings, self.organization.as_deref())?.clone();
        Ok(Desk { admin, actor: operator(organization.id.clone()), organization })
    }
}

impl Desk {
    /// The member with an address; an active one before one who was removed.
    pub(super) async fn member(&self, email: &EmailAddress) -> Result<MemberRow, Failure> {
        let mut found = self.admin.store.find_members_by_email(&self.organization.id, email).await?;
        found.sort_by_key(|row| row.member.status);
        let missing =
            || Failure::Failed(anyhow::anyhow!("nobody with the address {email} is or was a member; `usher member list` shows who is"));
        found.into_iter().next().ok_or_else(missing)
    }
}

/// Makes the data directory, for its owner alone, unless it is there.
pub(super) fn create_data_dir(path: &std::path::Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.exists() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| format!("{} cannot be made", path.display()))
}

/// The organizations that a command is about: the named one, or all.
pub(super) fn organizations<'s>(settings: &'s Settings, wanted: Option<&str>) -> Result<Vec<&'s Organization>, Failure> {
    let Some(wanted) = wanted else { return Ok(settings.organizations.iter().collect()) };
    let found = OrganizationId::parse(wanted).ok().and_then(|id| settings.find_organization(&id));
    found.map(|organization| vec![organization]).ok_or_else(|| {
        let known: Vec<&str> = settings.organizations.iter().map(|organization| organization.id.as_str()).collect();
        Failure::Usage(format!("there is no organization {wanted:?}; there is {}", known.join(", ")))
    })
}

/// The one organization that a command is about: the named one, or the only one.
pub(super) fn organization<'s>(settings: &'s Settings, wanted: Option<&str>) -> Result<&'s Organization, Failure> {
    match organizations(settings, wanted)?.as_slice() {
        [only] => Ok(only),
        several => {
            let known: Vec<&str> = several.iter().map(|organization| organization.id.as_str()).collect();
            Err(Failure::Usage(format!("there are several organizations: say --organization with one of {}", known.join(", "))))
        }
    }
}
