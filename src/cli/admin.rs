//! `usher admin`: the way in when nothing else works.

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::config;
use crate::core::EmailAddress;

/// What to do for administrators.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a link that signs an administrator in once, without an identity provider, within 15 minutes.
    Link(LinkArgs),
}

/// Arguments of `usher admin link`.
#[derive(Debug, clap::Args)]
pub struct LinkArgs {
    /// Into this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// For this administrator; the Primary Owner when left out, who need not have signed in before.
    #[arg(long, value_name = "ADDRESS", value_parser = |text: &str| EmailAddress::parse(text).map_err(|error| error.to_string()))]
    email: Option<EmailAddress>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Link(args) => args.run(context).await,
        }
    }
}

impl LinkArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let config = config::load(&self.installation.config, &context.env)?;
        let admin = self.installation.admin(context).await?;
        let stored = admin.store.find_settings().await?.ok_or_else(|| anyhow::anyhow!("there are no settings yet"))?;
        let organization = database::organization(&stored.settings, self.organization.as_deref())?;
        let link = admin.create_recovery_link(&database::operator(organization.id.clone()), self.email.as_ref()).await?;
        let url = config.public_url.join(&format!("/recovery/{}", link.token)).map_err(anyhow::Error::from)?;
        if self.json {
            output::json(&serde_json::json!({ "url": url, "email": link.email, "expires_at": link.expires_at }))?;
        } else {
            output::data(url.as_str())?;
        }
        output::talk(&format!(
            "Signs in {} as an administrator of {} for one hour, once, until {}; links made before no longer work. Making and using it is in the \
             activity. Next: open it in a browser, and keep it to yourself",
            link.email,
            organization.name,
            link.expires_at.strftime("%H:%M UTC")
        ));
        Ok(())
    }
}
