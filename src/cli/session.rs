//! `usher session`: who is signed in, and how that ends.

use super::database::Installation;
use super::{Context, Failure, output};
use crate::admin::{Actor, Admin, SessionView};
use crate::core::{ConnectionId, EmailAddress, MemberId};
use crate::session::SessionKey;

/// Sessions that are read at once.
const PAGE: usize = 500;

/// What to do with sessions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List who is signed in, newest first.
    List(ListArgs),
    /// End sessions: one, all of a person, all of a connection, or all.
    End(EndArgs),
}

/// Arguments of `usher session list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those of the person with this address.
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: Option<EmailAddress>,
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

/// Arguments of `usher session end`.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false, args = ["session", "person", "connection", "all"])]
pub struct EndArgs {
    /// The session's id, as `usher session list` shows it.
    #[arg(value_name = "SESSION", value_parser = |text: &str| SessionKey::parse(text).ok_or("expected 64 hexadecimal digits"))]
    session: Option<SessionKey>,
    /// All of the person with this address.
    #[arg(long, value_name = "EMAIL", value_parser = email)]
    person: Option<EmailAddress>,
    /// All that came in through a connection.
    #[arg(long, value_name = "ID", value_parser = |text: &str| ConnectionId::parse(text).map_err(|error| error.to_string()))]
    connection: Option<ConnectionId>,
    /// All of the organization.
    #[arg(long)]
    all: bool,
    /// In this organization; may be left out when there is only one.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    installation: Installation,
}

fn email(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|error| error.to_string())
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(context).await,
            Self::End(args) => args.run(context).await,
        }
    }
}

async fn member_of(admin: &Admin, actor: &Actor, email: &EmailAddress) -> Result<MemberId, Failure> {
    let rows = admin.store.find_members_by_email(&actor.organization, email).await?;
    match rows.as_slice() {
        [row] => Ok(row.member.id),
        [] => Err(Failure::Failed(anyhow::anyhow!("nobody with the address {email} is or was a member"))),
        _ => Err(Failure::Failed(anyhow::anyhow!("several members have the address {email}; end their sessions one by one"))),
    }
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (admin, actor) = self.installation.admin_of_sessions(context, self.organization.as_deref()).await?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut sessions, mut after): (Vec<SessionView>, _) = (Vec::new(), None);
        if let Some(email) = &self.email {
            sessions = admin.list_sessions_of(&actor, member_of(&admin, &actor, email).await?).await?;
        } else {
            loop {
                let page = admin.list_sessions(&actor, after, PAGE.min(limit - sessions.len())).await?;
                sessions.extend(page.sessions);
                after = page.next;
                if after.is_none() || sessions.len() >= limit {
                    break;
                }
            }
        }
        let all = after.is_none() && sessions.len() <= limit;
        sessions.truncate(limit);
        if self.json {
            output::json(&sessions)?;
        } else {
            output::data(&output::table(&HEADER, sessions.iter().map(row)))?;
        }
        let cut = if all { "" } else { "; there are more: --limit" };
        output::talk(&format!("{}{cut}. Next: usher session end SESSION", output::count(sessions.len(), "session")));
        Ok(())
    }
}

impl EndArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (admin, actor) = self.installation.admin_of_sessions(context, self.organization.as_deref()).await?;
        let ended = match (self.session, &self.person, &self.connection) {
            (Some(session), _, _) => admin.end_session(&actor, session).await?,
            (None, Some(email), _) => admin.end_sessions_of(&actor, member_of(&admin, &actor, email).await?).await?,
            (None, None, Some(connection)) => admin.end_sessions_through(&actor, connection).await?,
            (None, None, None) => admin.end_all_sessions(&actor).await?,
        };
        output::talk(&format!(
            "{} ended, app sessions included; running servers notice within 5 seconds. Next: usher session list",
            output::count(ended.sessions, "session")
        ));
        Ok(())
    }
}

const HEADER: [&str; 8] = ["PERSON", "THROUGH", "APPS", "STARTED", "LAST SEEN", "ADDRESS", "CLIENT", "SESSION"];

fn row(session: &SessionView) -> Vec<String> {
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    let text = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".to_owned());
    vec![
        session.email.clone().or_else(|| session.name.clone()).unwrap_or_else(|| session.person.to_string()),
        session.connection.as_ref().map_or_else(|| "recovery link".to_owned(), ToString::to_string),
        if session.apps.is_empty() { "-".to_owned() } else { session.apps.join(" ") },
        time(session.started_at),
        time(session.last_seen_at),
        text(session.address.as_ref()),
        text(session.user_agent.as_ref()).chars().take(40).collect(),
        session.id.to_string(),
    ]
}
