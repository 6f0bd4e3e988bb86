//! `usher request`: who waits to be let in, and the answer.

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::admin::{Actor, Admin, RequestView};
use crate::core::{DecisionId, Role, SeatTier};

/// What to do with requests for access.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List who waits, oldest first, with the role and seat that fit their groups.
    List(ListArgs),
    /// Let somebody in.
    Approve(ApproveArgs),
    /// Say no; the person reads the note. It stands for 30 days.
    Decline(DeclineArgs),
    /// Say never: the person is blocked.
    Block(BlockArgs),
}

/// Where to look.
#[derive(Debug, clap::Args)]
struct Place {
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    installation: Installation,
}

/// Arguments of `usher request list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `usher request approve`.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The request, as `usher request list` shows it.
    #[arg(value_name = "REQUEST", value_parser = id)]
    request: DecisionId,
    /// The role; the one that fits when left out.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The seat tier; one that fits and is free when left out.
    #[arg(long, value_name = "TIER", conflicts_with = "no_seat")]
    tier: Option<String>,
    /// Without a seat.
    #[arg(long)]
    no_seat: bool,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `usher request decline`.
#[derive(Debug, clap::Args)]
pub struct DeclineArgs {
    /// The request.
    #[arg(value_name = "REQUEST", value_parser = id)]
    request: DecisionId,
    /// What the person reads.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `usher request block`.
#[derive(Debug, clap::Args)]
pub struct BlockArgs {
    /// The request.
    #[arg(value_name = "REQUEST", value_parser = id)]
    request: DecisionId,
    #[command(flatten)]
    place: Place,
}

fn id(text: &str) -> Result<DecisionId, String> {
    DecisionId::parse(text).map_err(|error| error.to_string())
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(context).await,
            Self::Approve(args) => args.run(context).await,
            Self::Decline(args) => {
                let (admin, actor) = args.place.open(context).await?;
                admin.decline_request(&actor, args.request, args.note.as_deref()).await?;
                output::talk("Declined; the person reads it at the next try. Next: usher request list");
                Ok(())
            }
            Self::Block(args) => {
                let (admin, actor) = args.place.open(context).await?;
                admin.block_request(&actor, args.request).await?;
                output::talk("Blocked. Next: usher request list");
                Ok(())
            }
        }
    }
}

impl Place {
    async fn open(&self, context: &Context) -> Result<(Admin, Actor), Failure> {
        let admin = self.installation.admin(context).await?;
        let stored = admin.store.find_settings().await?.ok_or_else(|| anyhow::anyhow!("there are no settings yet"))?;
        let organization = database::organization(&stored.settings, self.organization.as_deref())?;
        let actor = database::operator(organization.id.clone());
        Ok((admin, actor))
    }
}

const HEADER: [&str; 7] = ["EMAIL", "WHY", "ASKED", "SAID", "FITS ROLE", "FITS SEAT", "REQUEST"];

fn row(request: &RequestView) -> Vec<String> {
    let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        text(request.email.as_ref().map(ToString::to_string)),
        request.reason.to_string(),
        request.asked_at.unwrap_or(request.first_at).strftime("%Y-%m-%d %H:%M").to_string(),
        text(request.asked_for.as_ref().map(|said| said.chars().take(60).collect())),
        request.suggested_role.to_string(),
        text(request.suggested_tier.as_ref().map(ToString::to_string)),
        request.id.to_string(),
    ]
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (admin, actor) = self.place.open(context).await?;
        let list = admin.list_requests(&actor).await?;
        if self.json {
            output::json(&list)?;
        } else {
            output::data(&output::table(&HEADER, list.requests.iter().map(row)))?;
        }
        let seats: Vec<String> = list.seats.iter().map(|count| format!("{} {} free", count.free(), count.tier)).collect();
        let seats = if seats.is_empty() { String::new() } else { format!("; seats: {}", seats.join(", ")) };
        output::talk(&format!("{}{seats}. Next: usher request approve REQUEST", output::count(list.requests.len(), "request")));
        Ok(())
    }
}

impl ApproveArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (admin, actor) = self.place.open(context).await?;
        let list = admin.list_requests(&actor).await?;
        let fits = list.requests.iter().find(|request| request.id == self.request);
        let role = self.role.map(Role::new).or_else(|| fits.map(|request| request.suggested_role.clone()));
        let role = role.ok_or_else(|| Failure::Failed(anyhow::anyhow!("there is no open request {}", self.request)))?;
        let fitting_tier = || fits.and_then(|request| request.suggested_tier.clone());
        let tier = if self.no_seat { None } else { self.tier.map(SeatTier::new).or_else(fitting_tier) };
        let approved = admin.approve_request(&actor, self.request, &role, tier.as_ref()).await?;
        let seat = approved.row.member.seat.as_ref().map_or_else(|| "no seat".to_owned(), |tier| format!("a {tier} seat"));
        let pin = approved.pinned_until.map_or_else(String::new, |until| {
            format!("; pinned until {}, because the groups would take it back at the next login", until.strftime("%Y-%m-%d"))
        });
        output::talk(&format!("{role} with {seat}, from the next sign-in on{pin}. Next: usher request list"));
        Ok(())
    }
}
