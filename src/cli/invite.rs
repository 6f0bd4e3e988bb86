//! `usher invite`: who may come in where people come in by invites.

use super::by_hand::{OneArgs, email};
use super::database::Where;
use super::{Context, Failure, output};
use crate::admin::NewInvite;
use crate::core::{EmailAddress, InviteId, Role, SeatTier};
use crate::store::InviteRow;

/// What to do with invites.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Invite somebody for 21 days, and hold a seat for them.
    Create(CreateArgs),
    /// List invites that were neither used nor revoked.
    List(Where),
    /// Open an invite for 21 more days.
    Resend(OneArgs),
    /// End an invite and free its seat.
    Revoke(OneArgs),
}

/// Arguments of `usher invite create`.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// The address that they will sign in with.
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: EmailAddress,
    /// The role to come in with; left out, that of new members.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The seat tier to hold; left out, the highest that is free.
    #[arg(long, value_name = "TIER")]
    seat: Option<String>,
    #[command(flatten)]
    at: Where,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(args) => {
                let desk = args.at.open(context).await?;
                let new = NewInvite { email: args.email, role: args.role.map(Role::new), seat: args.seat.map(SeatTier::new) };
                let row = desk.admin.create_invite(&desk.actor, &new).await?;
                say(&args.at, &[row])?;
                output::talk("Usher sends no mail. Next: tell them to sign in with this address");
            }
            Self::List(at) => {
                let desk = at.open(context).await?;
                let rows = desk.admin.list_invites(&desk.actor).await?;
                say(&at, &rows)?;
                output::talk(&format!("{}. Next: usher invite resend EMAIL or revoke EMAIL", output::count(rows.len(), "invite")));
            }
            Self::Resend(args) => {
                let desk = args.at.open(context).await?;
                let id = find(&desk.admin.list_invites(&desk.actor).await?, &args.email)?;
                say(&args.at, &[desk.admin.resend_invite(&desk.actor, id).await?])?;
                output::talk("Usher sends no mail. Next: tell them to sign in with this address");
            }
            Self::Revoke(args) => {
                let desk = args.at.open(context).await?;
                let id = find(&desk.admin.list_invites(&desk.actor).await?, &args.email)?;
                desk.admin.revoke_invite(&desk.actor, id).await?;
                output::talk(&format!("The invite of {} is worth nothing any more. Next: usher seat list", args.email));
            }
        }
        Ok(())
    }
}

fn find(rows: &[InviteRow], email: &EmailAddress) -> Result<InviteId, Failure> {
    let found = rows.iter().find(|row| &row.invite.email == email);
    found
        .map(|row| row.invite.id)
        .ok_or_else(|| Failure::Failed(anyhow::anyhow!("{email} has no invite; `usher invite list` shows who has")))
}

fn say(at: &Where, rows: &[InviteRow]) -> Result<(), Failure> {
    if at.json {
        return output::json(&rows);
    }
    let line = |row: &InviteRow| {
        let seat = row.invite.seat.as_ref().map_or("-".to_owned(), ToString::to_string);
        let ends =
            if row.primary_owner { "when they come".to_owned() } else { row.invite.expires_at.strftime("%Y-%m-%d %H:%M").to_string() };
        let held = if row.is_held { "held" } else { "-" };
        vec![row.invite.email.to_string(), row.invite.role.to_string(), seat, held.to_owned(), ends]
    };
    output::data(&output::table(&["EMAIL", "ROLE", "SEAT", "HOLD", "ENDS"], rows.iter().map(line)))
}
