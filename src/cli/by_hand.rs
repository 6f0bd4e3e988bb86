//! What `usher member` changes: role and seat, pins, removals and their undo, the Primary Owner.

use jiff::SignedDuration;

use super::database::{Desk, Where};
use super::{Context, Failure, member, output};
use crate::admin::{MemberChange, NewPin, PeopleChange};
use crate::core::{EmailAddress, RemovalId, Role, SeatTier};

/// How `--seat none` says "no seat assigned".
const NONE: &str = "none";

pub(super) fn email(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|error| error.to_string())
}

/// One person.
#[derive(Debug, clap::Args)]
pub struct OneArgs {
    /// The address of the person.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub(super) email: EmailAddress,
    #[command(flatten)]
    pub(super) at: Where,
}

/// Arguments of `usher member edit`.
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// The role to have.
    #[arg(long, value_name = "ROLE", required_unless_present = "seat")]
    role: Option<String>,
    /// The seat tier to have; `none` takes the seat away.
    #[arg(long, value_name = "TIER")]
    seat: Option<String>,
    #[command(flatten)]
    one: OneArgs,
}

/// Arguments of `usher member pin`.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// The role to hold.
    #[arg(long, value_name = "ROLE", required_unless_present = "seat")]
    role: Option<String>,
    /// The seat tier to hold; `none` holds no seat, and no way in.
    #[arg(long, value_name = "TIER")]
    seat: Option<String>,
    /// Why; everybody who looks at the member reads it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how many days.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=3650))]
    days: i64,
    #[command(flatten)]
    one: OneArgs,
}

/// Arguments of `usher member remove` and `block`.
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// The addresses of the people: all of them, or nobody.
    #[arg(value_name = "EMAIL", value_parser = email, required = true)]
    emails: Vec<EmailAddress>,
    /// Say what it would mean and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: Where,
}

/// Arguments of `usher member undo`.
#[derive(Debug, clap::Args)]
pub struct UndoArgs {
    /// The removal, as `remove` named it; without one, those that can be undone are listed.
    #[arg(value_name = "REMOVAL", value_parser = |text: &str| RemovalId::parse(text).map_err(|error| error.to_string()))]
    removal: Option<RemovalId>,
    #[command(flatten)]
    at: Where,
}

/// Arguments of `usher member transfer`.
#[derive(Debug, clap::Args)]
pub struct TransferArgs {
    /// The address once more, so that nobody is named by a slip.
    #[arg(long, value_name = "EMAIL")]
    confirm: String,
    #[command(flatten)]
    one: OneArgs,
}

/// Arguments of `usher member service-account`.
#[derive(Debug, clap::Args)]
pub struct ServiceAccountArgs {
    /// A human after all.
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    one: OneArgs,
}

#[expect(clippy::option_option, reason = "no word about the seat, or a word for no seat")]
fn seat(text: Option<String>) -> Option<Option<SeatTier>> {
    text.map(|text| (text != NONE).then(|| SeatTier::new(text)))
}

/// The members as they are now, the notes, and what to do next.
fn say(at: &Where, done: &PeopleChange, next: &str) -> Result<(), Failure> {
    if at.json {
        output::json(done)?;
    } else {
        output::data(&output::table(&member::HEADER, done.members.iter().map(member::row)))?;
    }
    for note in &done.notes {
        output::talk(&format!("note: {note}"));
    }
    output::talk(&format!("Next: {next}"));
    Ok(())
}

impl OneArgs {
    pub(super) async fn unpin(self, context: &Context) -> Result<(), Failure> {
        let desk = self.at.open(context).await?;
        let row = desk.member(&self.email).await?;
        let done = desk.admin.unpin_member(&desk.actor, row.member.id, None).await?;
        say(&self.at, &done, "groups decide again when they sign in")
    }

    pub(super) async fn unblock(self, context: &Context) -> Result<(), Failure> {
        let desk = self.at.open(context).await?;
        let row = desk.member(&self.email).await?;
        let done = desk.admin.unblock_member(&desk.actor, row.member.id).await?;
        let outlook = desk.admin.removal_outlook(&desk.actor, &[row.member.id], false).await?;
        say(&self.at, &done, &format!("they are still removed. {}", outlook.comes_back.sentence()))
    }
}

impl EditArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let desk = self.one.at.open(context).await?;
        let row = desk.member(&self.one.email).await?;
        let change = MemberChange { role: self.role.map(Role::new), seat: seat(self.seat), expected: None };
        let done = desk.admin.change_member(&desk.actor, row.member.id, change).await?;
        say(&self.one.at, &done, "nothing; it counts from the next request on")
    }
}

impl PinArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let desk = self.one.at.open(context).await?;
        let row = desk.member(&self.one.email).await?;
        let lasts = SignedDuration::from_hours(24 * self.days);
        let ends_at = desk.admin.clock.now().saturating_add(lasts).unwrap_or(jiff::Timestamp::MAX);
        let pin = NewPin { role: self.role.map(Role::new), seat: seat(self.seat), reason: self.reason, ends_at, expected: None };
        let done = desk.admin.pin_member(&desk.actor, row.member.id, pin).await?;
        say(&self.one.at, &done, &format!("usher member unpin {} ends it before its time", self.one.email))
    }
}

impl RemoveArgs {
    pub(super) async fn run(self, context: &Context, block: bool) -> Result<(), Failure> {
        let desk = self.at.open(context).await?;
        let mut members = Vec::new();
        for email in &self.emails {
            members.push(desk.member(email).await?.member.id);
        }
        let outlook = desk.admin.removal_outlook(&desk.actor, &members, block).await?;
        let comes_back = outlook.comes_back.sentence();
        if self.dry_run {
            if self.at.json {
                output::json(&outlook.members)?;
            } else {
                output::data(&output::table(&member::HEADER, outlook.members.iter().map(member::row)))?;
            }
            output::talk(&format!("{} would end with it. {comes_back}", output::count(outlook.tokens.len(), "API token")));
            output::talk("Nothing was changed. Next: the same without --dry-run");
            return Ok(());
        }
        let done = desk.admin.remove_members(&desk.actor, &members, block).await?;
        let undo = done.removal.map_or_else(
            || "usher member unblock EMAIL lets them come back".to_owned(),
            |removal| format!("usher member undo {removal} brings them back as they were, for {} days", outlook.undo_days),
        );
        output::talk(comes_back);
        say(&self.at, &done, &undo)
    }
}

impl UndoArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let desk = self.at.open(context).await?;
        let Some(removal) = self.removal else { return self.list(&desk).await };
        let done = desk.admin.undo_removal(&desk.actor, removal).await?;
        say(&self.at, &done, "they can sign in again; where groups decide, the groups must be right first")
    }

    async fn list(&self, desk: &Desk) -> Result<(), Failure> {
        let removals = desk.admin.list_removals(&desk.actor).await?;
        if self.at.json {
            output::json(&removals)?;
        } else {
            let mut rows = Vec::new();
            for removal in &removals {
                let first = removal.members.first().map(|member| member.id);
                let row = match first {
                    Some(first) => desk.admin.store.find_member_by_id(&desk.organization.id, first).await?,
                    None => None,
                };
                let more = removal.members.len().saturating_sub(1);
                let who = row.map(|row| row.name()).unwrap_or_default();
                let who = if more > 0 { format!("{who} and {more} more") } else { who };
                let at = removal.at.strftime("%Y-%m-%d %H:%M").to_string();
                rows.push(vec![removal.id.to_string(), at, removal.actor.clone(), who]);
            }
            output::data(&output::table(&["REMOVAL", "AT", "BY", "WHO"], rows))?;
        }
        output::talk(&format!("{}. Next: usher member undo REMOVAL", output::count(removals.len(), "removal")));
        Ok(())
    }
}

impl TransferArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let desk = self.one.at.open(context).await?;
        let row = desk.member(&self.one.email).await?;
        let done = desk.admin.transfer_primary_owner(&desk.actor, row.member.id, &self.confirm).await?;
        say(&self.one.at, &done, "name them as primary_owner in your org.toml, too, if you keep one")
    }
}

impl ServiceAccountArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let desk = self.one.at.open(context).await?;
        let row = desk.member(&self.one.email).await?;
        let row = desk.admin.mark_service_account(&desk.actor, row.member.id, !self.off).await?;
        let done = PeopleChange { members: vec![row], notes: Vec::new(), removal: None };
        say(&self.one.at, &done, "nothing; it counts from the next decision on")
    }
}
