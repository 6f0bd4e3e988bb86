//! `usher token`: API tokens, made by whoever has a shell on the host.

use jiff::SignedDuration;

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::admin::{Actor, Admin, Permission, TOKEN_LIFE_MAX, Token, TokenWish};
use crate::core::{EmailAddress, Organization, TokenId};

/// The largest page that the store gives.
const PAGE: u32 = 500;
const DAY_HOURS: i64 = 24;

/// What to do with API tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a token for an administrator. It is shown this once.
    Create(CreateArgs),
    /// List tokens, the newest first, also those that count no longer.
    List(ListArgs),
    /// End a token.
    Revoke(RevokeArgs),
}

/// Arguments of `usher token create`.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// What people call it.
    #[arg(value_name = "NAME")]
    name: String,
    /// Whose it is: an active member who administers the organization. It counts only as long as that is so.
    #[arg(long, value_name = "EMAIL", value_parser = |text: &str| EmailAddress::parse(text).map_err(|error| error.to_string()))]
    owner: EmailAddress,
    /// What it may, once for each: `members:read`, `settings:write`, …
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = |text: &str| text.parse::<Permission>().map_err(|_| unknown(text)))]
    scopes: Vec<Permission>,
    /// How long it counts.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=365))]
    days: i64,
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

/// Arguments of `usher token list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

/// Arguments of `usher token revoke`.
#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// Which: the id that the list shows, `tok_…`.
    #[arg(value_name = "ID", value_parser = |text: &str| TokenId::parse(text).map_err(|error| error.to_string()))]
    token: TokenId,
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    installation: Installation,
}

fn unknown(text: &str) -> String {
    use strum::IntoEnumIterator as _;
    let known: Vec<String> = Permission::iter().map(|scope| scope.to_string()).collect();
    format!("{text:?} is no scope; there is {}", known.join(", "))
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Revoke(args) => args.run(context).await,
        }
    }
}

impl CreateArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (desk, organization) = open(&self.installation, self.organization.as_deref(), context).await?;
        let found = desk.admin.store.find_members_by_email(&organization.id, &self.owner).await?;
        let Some(owner) = found.first() else {
            return Err(Failure::Failed(anyhow::anyhow!(
                "nobody with the address {} is a member; `usher member list` shows who is",
                self.owner
            )));
        };
        let wish = TokenWish {
            name: self.name,
            scopes: self.scopes.into_iter().collect(),
            expires_at: context.clock.now() + SignedDuration::from_hours(self.days * DAY_HOURS).min(TOKEN_LIFE_MAX),
            owner: Some(owner.person.id),
        };
        let issued = desk.admin.create_token(&desk.actor, wish).await?;
        if self.json {
            output::json(&serde_json::json!({ "token": issued.secret.reveal(), "about": issued.token }))?;
        } else {
            output::data(issued.secret.reveal())?;
        }
        output::talk(&format!(
            "{} of {} until {}. It is shown this once; keep it like a password. Next: curl -H \"Authorization: Bearer $TOKEN\" …/api/v1/organizations/{}/…",
            issued.token.row.id,
            self.owner,
            issued.token.row.expires_at.strftime("%Y-%m-%d"),
            organization.id,
        ));
        Ok(())
    }
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (desk, organization) = open(&self.installation, self.organization.as_deref(), context).await?;
        let (mut tokens, mut after): (Vec<Token>, Option<TokenId>) = (Vec::new(), None);
        loop {
            let page = desk.admin.list_tokens(&desk.actor, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.row.id);
            tokens.extend(page);
        }
        if self.json {
            output::json(&tokens)?;
        } else {
            output::data(&output::table(&["ID", "NAME", "STATE", "OWNER", "SCOPES", "EXPIRES", "LAST USE"], tokens.iter().map(row)))?;
        }
        output::talk(&format!("{} of {}. Next: usher token revoke ID", output::count(tokens.len(), "token"), organization.name));
        Ok(())
    }
}

impl RevokeArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (desk, _) = open(&self.installation, self.organization.as_deref(), context).await?;
        let token = desk.admin.revoke_token(&desk.actor, self.token).await?;
        output::talk(&format!("{} ({}) counts no longer. Next: usher token list", token.row.id, token.row.name));
        Ok(())
    }
}

fn row(token: &Token) -> Vec<String> {
    let row = &token.row;
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    vec![
        row.id.to_string(),
        row.name.clone(),
        token.state.to_string(),
        row.owner.email.clone().unwrap_or_else(|| row.owner.person.to_string()),
        row.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
        day(row.expires_at),
        row.last_used_at.map_or_else(|| "never".to_owned(), day),
    ]
}

/// The use cases, and the operator who asks for them.
struct Desk {
    admin: Admin,
    actor: Actor,
}

async fn open(installation: &Installation, wanted: Option<&str>, context: &Context) -> Result<(Desk, Organization), Failure> {
    let admin = installation.admin(context).await?;
    let stored = admin.store.find_settings().await?.ok_or_else(|| anyhow::anyhow!("there are no settings yet"))?;
    let organization = database::organization(&stored.settings, wanted)?.clone();
    let actor = database::operator(organization.id.clone());
    Ok((Desk { admin, actor }, organization))
}
