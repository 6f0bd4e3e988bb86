//! `usher activity`: the audit log, and whether its hash chain holds; `usher export activity`: the log as a file.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::str::FromStr;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::admin::activity::{Entry, ExportFormat, Noted};
use crate::admin::{Actor, Admin};
use crate::core::{ConnectionId, EmailAddress, IncidentId, Reason};
use crate::store::{ActivityFilter, ActivityResult};

/// The largest page that the store gives.
const PAGE: u32 = 1000;
/// How often new lines are looked for.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// Arguments of `usher activity`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

/// What else to do with the activity.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Work out the hash chain of the whole log again; exit code 4 with the first broken place.
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Go on, and show new lines as they come.
    #[arg(long)]
    follow: bool,
    /// At most this many, the newest ones.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    installation: Installation,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// A last line that was noted earlier, as this command prints it: then lines cut off at the end show, too.
    #[arg(long, value_name = "NUMBER:HASH", value_parser = noted)]
    noted: Option<Noted>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

/// What to export.
#[derive(Debug, clap::Subcommand)]
pub enum Export {
    /// The activity, newest first. That it was exported is written into it.
    Activity(ExportArgs),
}

/// Arguments of `usher export activity`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// csv for a spreadsheet, ndjson for a program.
    #[arg(long, value_name = "FORMAT", default_value_t = ExportFormat::Csv, value_parser = parse::<ExportFormat>("csv or ndjson"))]
    format: ExportFormat,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    installation: Installation,
}

/// Which lines.
#[derive(Debug, clap::Args)]
struct FilterArgs {
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Done by: an address, a person id, token:…, cli, system.
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// An event, or the beginning of several: login.refused, login.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Done to: an address, a person or member id, a connection.
    #[arg(long, value_name = "WHO")]
    about: Option<String>,
    /// ok or refused.
    #[arg(long, value_name = "RESULT", value_parser = parse::<ActivityResult>("ok or refused"))]
    result: Option<ActivityResult>,
    /// A reason code, as `no_seats_left`.
    #[arg(long, value_name = "CODE", value_parser = parse::<Reason>("a reason code, as no_seats_left"))]
    reason: Option<Reason>,
    /// Through or about a connection.
    #[arg(long, value_name = "ID", value_parser = |text: &str| ConnectionId::parse(text).map_err(|error| error.to_string()))]
    connection: Option<ConnectionId>,
    /// From a client address.
    #[arg(long, value_name = "IP")]
    address: Option<String>,
    /// In a request.
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// With the reference of an error page.
    #[arg(long, value_name = "ID", value_parser = |text: &str| IncidentId::parse(text).map_err(|error| error.to_string()))]
    incident: Option<IncidentId>,
    /// At this time or later: 2026-11-03 or 2026-11-03T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// With this text anywhere in the line.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

fn parse<T: FromStr + Clone + Send + Sync + 'static>(expected: &'static str) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync {
    move |text| text.parse().map_err(|_| format!("expected {expected}"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    let day = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    let parsed = text.parse::<Timestamp>().or_else(|_| text.parse::<Date>().and_then(day));
    parsed.map_err(|_| "expected a day, as 2026-11-03, or a time, as 2026-11-03T09:00:00Z".to_owned())
}

fn noted(text: &str) -> Result<Noted, String> {
    let parts = text.split_once(':').and_then(|(sequence, hash)| Some((sequence.parse().ok()?, hash)));
    let (sequence, hash) = parts.filter(|(_, hash)| hash.len() == 64).ok_or("expected the number and the hash, as 12345:9f86d0…")?;
    Ok(Noted { sequence, hash: hash.to_owned() })
}

impl FilterArgs {
    /// Who asks, and what.
    async fn resolve(self, admin: &Admin) -> Result<(Actor, ActivityFilter), Failure> {
        let stored = admin.store.find_settings().await?.ok_or_else(|| anyhow::anyhow!("there are no settings yet"))?;
        let organization = database::organization(&stored.settings, self.organization.as_deref())?;
        let actor = database::operator(organization.id.clone());
        let mut filter = ActivityFilter {
            actor: self.actor,
            event: self.event,
            target: self.about,
            result: self.result,
            reason: self.reason,
            connection: self.connection,
            address: self.address,
            request: self.request,
            incident: self.incident,
            from: self.from,
            to: self.to,
            text: self.text,
        };
        for who in [&mut filter.actor, &mut filter.target] {
            if let Some(email) = who.as_deref().and_then(|text| EmailAddress::parse(text).ok()) {
                let people: BTreeSet<String> = admin
                    .store
                    .find_members_by_email(&actor.organization, &email)
                    .await?
                    .iter()
                    .map(|row| row.person.id.to_string())
                    .collect();
                match (people.first(), people.len()) {
                    (Some(one), 1) => *who = Some(one.clone()),
                    (None, _) => return Err(Failure::Failed(anyhow::anyhow!("nobody with the address {email} is or was a member"))),
                    _ => return Err(Failure::Usage(format!("several people have the address {email}; say a person id"))),
                }
            }
        }
        Ok((actor, filter))
    }
}

impl Args {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self.command {
            Some(Command::Verify(args)) => args.run(context).await,
            None => self.list.run(context).await,
        }
    }
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let admin = self.installation.admin(context).await?;
        let (actor, filter) = self.filter.resolve(&admin).await?;
        let (entries, all) = newest(&admin, &actor, &filter, self.limit, None).await?;
        let mut last = entries.iter().map(|entry| entry.line.sequence).max().unwrap_or(0);
        show(&entries, self.json)?;
        if !self.follow {
            let cut = if all { "" } else { "; there are more: --limit" };
            output::talk(&format!("{}{cut}. Next: usher activity verify works out the hash chain", output::count(entries.len(), "line")));
            return Ok(());
        }
        loop {
            tokio::time::sleep(FOLLOW_EVERY).await;
            let (entries, _) = newest(&admin, &actor, &filter, PAGE, Some(last)).await?;
            last = entries.iter().map(|entry| entry.line.sequence).max().unwrap_or(last);
            show(&entries, self.json)?;
        }
    }
}

/// The newest lines, the oldest of them first; with `after` only those that came after that place. The second part: whether that is all.
async fn newest(
    admin: &Admin,
    actor: &Actor,
    filter: &ActivityFilter,
    limit: u32,
    after: Option<i64>,
) -> Result<(Vec<Entry>, bool), Failure> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut entries, mut before, mut all) = (Vec::new(), None, false);
    while entries.len() < limit && !all {
        let page = admin.list_activity(actor, filter, before, PAGE).await?;
        let known = page.entries.iter().any(|entry| after.is_some_and(|after| entry.line.sequence <= after));
        entries.extend(page.entries.into_iter().filter(|entry| after.is_none_or(|after| entry.line.sequence > after)));
        before = page.next;
        all = before.is_none() || known;
    }
    all &= entries.len() <= limit;
    entries.truncate(limit);
    entries.reverse();
    Ok((entries, all))
}

fn show(entries: &[Entry], json: bool) -> Result<(), Failure> {
    for entry in entries {
        if json {
            output::data(&serde_json::to_string(entry).map_err(anyhow::Error::from)?)?;
            continue;
        }
        let at = entry.line.at.strftime("%Y-%m-%d %H:%M:%S");
        let from = entry.line.origin.address.as_ref().map(|address| format!("  [{address}]")).unwrap_or_default();
        output::data(&format!("{at}  {}{from}", entry.sentence.replace(['\n', '\t'], " ")))?;
        for change in entry.changes.iter().filter(|_| entry.line.event == "settings.applied") {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned()).replace(['\n', '\t'], " ");
            output::data(&format!("{:21}{}: {} -> {}", "", change.field, side(&change.before), side(&change.after)))?;
        }
    }
    Ok(())
}

impl VerifyArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let admin = self.installation.admin(context).await?;
        let stored = admin.store.find_settings().await?.ok_or_else(|| anyhow::anyhow!("there are no settings yet"))?;
        let first = stored.settings.organizations.first().ok_or_else(|| anyhow::anyhow!("there is no organization yet"))?;
        let bar = indicatif::ProgressBar::new_spinner().with_message("audit lines");
        let progress = |lines: i64| bar.set_position(u64::try_from(lines).unwrap_or(0));
        let report = admin.verify_activity(&database::operator(first.id.clone()), self.noted.as_ref(), progress).await?;
        bar.finish_and_clear();
        if self.json {
            output::json(&report)?;
        } else {
            output::data(&format!("{}:{}", report.lines, report.hash))?;
        }
        if let Some(fault) = report.fault {
            return Err(Failure::CheckFound(format!("the chain is broken: {fault}")));
        }
        let lines = output::count(usize::try_from(report.lines).unwrap_or(0), "line");
        output::talk(&format!("{lines}, unbroken. Next: note the last one elsewhere, and give it to --noted the next time"));
        Ok(())
    }
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Activity(args) => args.run(context).await,
        }
    }
}

impl ExportArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let admin = self.installation.admin(context).await?;
        let (actor, filter) = self.filter.resolve(&admin).await?;
        let export = admin.export_activity(&actor, filter, self.format).await?;
        let mut export = std::pin::pin!(export);
        let mut stdout = std::io::stdout().lock();
        while let Some(piece) = export.next().await {
            match stdout.write_all(&piece?) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Err(Failure::OutputClosed),
                Err(error) => return Err(Failure::Failed(error.into())),
            }
        }
        stdout.flush().map_err(anyhow::Error::from)?;
        output::talk("Exported, and noted in the activity. Next: usher activity verify");
        Ok(())
    }
}
