//! `usher seat`: how many there are, who waits, and who does not use theirs.

use super::by_hand::OneArgs;
use super::database::Where;
use super::{Context, Failure, member, output};

/// What to do with seats.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List seats by tier.
    List(Where),
    /// List who waits for a tier, and who was refused because no seat was free; first come, first served.
    Queue(Where),
    /// Give somebody the seat that they wait for.
    Give(OneArgs),
    /// Count the seats that there would have to be if everyone in the mapped groups signed in; looks at every member.
    Forecast(Where),
    /// List members with a seat who have not been here for long.
    Stale(Where),
    /// Free the seat of somebody who has not been here for long.
    Reclaim(OneArgs),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(at) => seats(&at, context).await,
            Self::Queue(at) => queue(&at, context).await,
            Self::Forecast(at) => forecast(&at, context).await,
            Self::Stale(at) => stale(&at, context).await,
            Self::Give(args) => act(&args, context, true).await,
            Self::Reclaim(args) => act(&args, context, false).await,
        }
    }
}

async fn seats(at: &Where, context: &Context) -> Result<(), Failure> {
    let desk = at.open(context).await?;
    let seats = desk.admin.count_seats(&desk.actor).await?;
    if at.json {
        output::json(&seats)?;
    } else {
        let rows = seats
            .iter()
            .map(|count| vec![count.tier.to_string(), count.owned.to_string(), count.used.to_string(), count.free().to_string()]);
        output::data(&output::table(&["TIER", "OWNED", "USED", "FREE"], rows))?;
    }
    output::talk("Open invites count as used. Next: usher seat queue shows who waits");
    Ok(())
}

async fn queue(at: &Where, context: &Context) -> Result<(), Failure> {
    let desk = at.open(context).await?;
    let members = desk.admin.list_seat_queue(&desk.actor).await?;
    let refused = desk.admin.list_waiting(&desk.actor).await?;
    if at.json {
        output::json(&serde_json::json!({"members": members, "refused": refused}))?;
    } else {
        let since = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M").to_string();
        let waiting = members.iter().filter_map(|row| {
            let wanted = row.member.wanted_tier.as_ref()?;
            let has = row.member.seat.as_ref().map_or("no seat".to_owned(), ToString::to_string);
            Some(vec![row.name(), wanted.tier.to_string(), since(wanted.since), has])
        });
        let outside = refused.iter().map(|attempt| {
            let who = attempt.email.as_ref().map_or_else(|| attempt.subject.clone(), ToString::to_string);
            vec![who, "any".to_owned(), since(attempt.first_at), "refused".to_owned()]
        });
        output::data(&output::table(&["WHO", "WAITS FOR", "SINCE", "HAS"], waiting.chain(outside)))?;
    }
    output::talk("A freed seat is given when they sign in next. Next: usher seat give EMAIL gives a member theirs now");
    Ok(())
}

async fn forecast(at: &Where, context: &Context) -> Result<(), Failure> {
    let desk = at.open(context).await?;
    let forecast = desk.admin.forecast_seats(&desk.actor).await?;
    if at.json {
        output::json(&forecast)?;
    } else {
        let rows = forecast.tiers.iter().map(|tier| {
            let short = tier.needed.saturating_sub(u64::from(tier.owned));
            vec![tier.tier.to_string(), tier.owned.to_string(), tier.needed.to_string(), short.to_string()]
        });
        output::data(&output::table(&["TIER", "OWNED", "NEEDED", "SHORT"], rows))?;
    }
    let members = output::count(usize::try_from(forecast.members).unwrap_or(usize::MAX), "member");
    output::talk(&format!("If everyone signed in: {members} and {} who ask to come in. Open invites hold their seats", forecast.strangers));
    Ok(())
}

async fn stale(at: &Where, context: &Context) -> Result<(), Failure> {
    let desk = at.open(context).await?;
    let members = desk.admin.list_stale_members(&desk.actor).await?;
    if at.json {
        output::json(&members)?;
    } else {
        output::data(&output::table(&member::HEADER, members.iter().map(member::row)))?;
    }
    let days = desk.organization.policy.stale_after.as_hours() / 24;
    output::talk(&format!("{} not here for {days} days. Next: usher seat reclaim EMAIL", output::count(members.len(), "member")));
    Ok(())
}

async fn act(one: &OneArgs, context: &Context, give: bool) -> Result<(), Failure> {
    let desk = one.at.open(context).await?;
    let id = desk.member(&one.email).await?.member.id;
    let done = if give { desk.admin.assign_waiting_seat(&desk.actor, id).await? } else { desk.admin.reclaim_seat(&desk.actor, id).await? };
    if one.at.json {
        output::json(&done)?;
    } else {
        output::data(&output::table(&member::HEADER, done.members.iter().map(member::row)))?;
    }
    output::talk("Next: usher seat list");
    Ok(())
}
