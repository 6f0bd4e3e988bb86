//! `usher member`: who is a member, and as what. What changes them is in `by_hand`.

use super::database::{self, Installation};
use super::{Context, Failure, by_hand, output};
use crate::core::{EmailAddress, MemberId};
use crate::store::{MemberQuery, MemberRow};

/// The largest page that the store gives.
const PAGE: u32 = 500;

/// What to do with members.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List members by address.
    List(ListArgs),
    /// Show one person's memberships.
    Show(ShowArgs),
    /// Give somebody another role or seat.
    Edit(by_hand::EditArgs),
    /// Hold a role or seat for a while, whatever the groups say.
    Pin(by_hand::PinArgs),
    /// Take a pin off.
    Unpin(by_hand::OneArgs),
    /// Remove people; it can be undone.
    Remove(by_hand::RemoveArgs),
    /// Remove people and keep them out.
    Block(by_hand::RemoveArgs),
    /// Let somebody who is blocked come back.
    Unblock(by_hand::OneArgs),
    /// Undo a removal, or list those that can be undone.
    Undo(by_hand::UndoArgs),
    /// Make somebody the Primary Owner.
    Transfer(by_hand::TransferArgs),
    /// Mark somebody as a service account, which does not count as an administrator.
    ServiceAccount(by_hand::ServiceAccountArgs),
}

/// Arguments of `usher member list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those with this in their name or address.
    #[arg(value_name = "SEARCH")]
    search: Option<String>,
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

/// Arguments of `usher member show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The address of the person.
    #[arg(value_name = "EMAIL", value_parser = |text: &str| EmailAddress::parse(text).map_err(|error| error.to_string()))]
    email: EmailAddress,
    /// In this organization only.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::Edit(args) => args.run(context).await,
            Self::Pin(args) => args.run(context).await,
            Self::Unpin(args) => args.unpin(context).await,
            Self::Remove(args) => args.run(context, false).await,
            Self::Block(args) => args.run(context, true).await,
            Self::Unblock(args) => args.unblock(context).await,
            Self::Undo(args) => args.run(context).await,
            Self::Transfer(args) => args.run(context).await,
            Self::ServiceAccount(args) => args.run(context).await,
        }
    }
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (store, stored) = self.installation.open(context).await?;
        let organization = database::organization(&stored.settings, self.organization.as_deref())?;
        let mut members: Vec<MemberRow> = Vec::new();
        let mut after: Option<MemberId> = None;
        let (mut left, mut all) = (self.limit, false);
        while left > 0 && !all {
            let limit = left.min(PAGE);
            let query = MemberQuery { organization: &organization.id, search: self.search.as_deref(), after, limit };
            let page = store.list_members(query).await?;
            let seen = u32::try_from(page.len()).unwrap_or(limit);
            after = page.last().map(|row| row.member.id);
            members.extend(page);
            left -= seen.min(left);
            all = seen < limit;
        }
        if self.json {
            output::json(&members)?;
        } else {
            output::data(&output::table(&HEADER, members.iter().map(row)))?;
        }
        let count = output::count(members.len(), "member");
        let cut = if all { "" } else { "; there may be more: --limit" };
        output::talk(&format!("{count} of {}{cut}. Next: usher explain EMAIL says why", organization.name));
        Ok(())
    }
}

impl ShowArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (store, stored) = self.installation.open(context).await?;
        let mut found = Vec::new();
        for organization in database::organizations(&stored.settings, self.organization.as_deref())? {
            found.extend(store.find_members_by_email(&organization.id, &self.email).await?);
        }
        if found.is_empty() {
            return Err(Failure::Failed(anyhow::anyhow!("nobody with the address {} is or was a member", self.email)));
        }
        if self.json {
            output::json(&found)?;
        } else {
            output::data(&found.iter().map(details).collect::<Vec<_>>().join("\n\n"))?;
        }
        output::talk(&format!("Next: usher explain {} says why", self.email));
        Ok(())
    }
}

pub(super) const HEADER: [&str; 6] = ["EMAIL", "NAME", "STATUS", "ROLE", "SEAT", "LAST LOGIN"];
const NONE: &str = "-";

pub(super) fn row(row: &MemberRow) -> Vec<String> {
    let member = &row.member;
    let text = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
    vec![
        text(row.person.email.as_ref().map(ToString::to_string)),
        text(row.person.name.clone()),
        member.status.to_string(),
        member.role.to_string(),
        text(member.seat.as_ref().map(ToString::to_string)),
        text(member.last_login_at.map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())),
    ]
}

fn details(row: &MemberRow) -> String {
    let member = &row.member;
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let text = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
    let mut lines = vec![
        ("organization", member.organization.to_string()),
        ("member", member.id.to_string()),
        ("person", row.person.id.to_string()),
        ("email", text(row.person.email.as_ref().map(ToString::to_string))),
        ("name", text(row.person.name.clone())),
        ("status", member.status.to_string()),
        ("role", member.role.to_string()),
        ("seat", text(member.seat.as_ref().map(ToString::to_string))),
        ("waits for", text(member.wanted_tier.as_ref().map(|wanted| format!("{} since {}", wanted.tier, time(wanted.since))))),
        ("primary owner", if member.primary_owner { "yes" } else { "no" }.to_owned()),
        ("joined", time(member.joined_at)),
        ("last login", text(member.last_login_at.map(time))),
    ];
    if let Some(pin) = &member.pin {
        lines.push(("pin", format!("{} by {}, until {}", pin.reason, pin.by, time(pin.ends_at))));
    }
    lines.iter().map(|(name, value)| format!("{name:<14} {}", value.replace(['\n', '\t'], " "))).collect::<Vec<_>>().join("\n")
}
