//! `usher explain`: why somebody has their role and seat, or was refused.

use serde_json::{Value, json};

use super::database::{self, Installation};
use super::{Context, Failure, output};
use crate::admin::{Actor, Admin, MemberExplanation};
use crate::core::{EmailAddress, Explanation, Organization};

/// Arguments of `usher explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
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

impl Args {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (store, stored) = self.installation.open(context).await?;
        let admin = database::admin(store);
        let mut answers = Vec::new();
        for organization in database::organizations(&stored.settings, self.organization.as_deref())? {
            let actor = database::operator(organization.id.clone());
            for row in admin.store.find_members_by_email(&organization.id, &self.email).await? {
                let explained = admin.explain_member(&actor, row.member.id).await?;
                answers.push((json!(explained), self.shown(organization, &explained)));
            }
            answers.extend(self.attempts(&admin, &actor, organization).await?);
        }
        if answers.is_empty() {
            let message = format!("nobody with the address {} is a member or was refused", self.email);
            return Err(Failure::Failed(anyhow::anyhow!("{message}; `usher member list` shows who is")));
        }
        if self.json {
            output::json(&answers.into_iter().map(|answer| answer.0).collect::<Vec<_>>())?;
        } else {
            output::data(&answers.into_iter().map(|answer| answer.1).collect::<Vec<_>>().join("\n\n"))?;
        }
        output::talk("Next: usher whatif --connection ID --email EMAIL --groups a,b says what other groups would give");
        Ok(())
    }

    fn shown(&self, organization: &Organization, explained: &MemberExplanation) -> String {
        let MemberExplanation { member: row, decision, explanation, replay, ways, .. } = explained;
        let member = &row.member;
        let who = row.person.name.as_ref().map_or_else(|| self.email.to_string(), |name| format!("{name} <{}>", self.email));
        let seat = member.seat.as_ref().map_or("no seat", |seat| seat.as_str());
        let owner = if member.primary_owner { ", Primary Owner" } else { "" };
        let mut lines = vec![format!("{who} in {}: {}, {} · {seat}{owner}", organization.name, member.status, member.role)];
        let (Some(record), Some(explanation)) = (decision, explanation) else {
            lines.push("  has not signed in yet, so nothing was decided".to_owned());
            return lines.join("\n");
        };
        let at = record.at.strftime("%Y-%m-%d %H:%M UTC");
        lines.push(format!("  last decided {at} through {}: {}", record.connection, explanation.reason));
        lines.push(describe(explanation));
        if let Some(today) = replay.as_ref().map(|answer| &answer.explanation).filter(|today| today.headline != explanation.headline) {
            lines.push(format!("  with today's rules: {}: {}", today.reason, today.sentence()));
        }
        lines.extend(ways.iter().filter(|way| !way.current).map(|way| format!("  to be {}: {}", way.role, way.sentence)));
        lines.join("\n")
    }

    async fn attempts(&self, admin: &Admin, actor: &Actor, organization: &Organization) -> Result<Vec<(Value, String)>, Failure> {
        let attempts = admin.list_attempts(actor).await?;
        let mine = attempts.into_iter().filter(|attempt| attempt.email.as_ref() == Some(&self.email));
        Ok(mine
            .map(|attempt| {
                let last = attempt.last_at.strftime("%Y-%m-%d %H:%M UTC");
                let times = output::count(usize::try_from(attempt.count).unwrap_or(usize::MAX), "time");
                let (reason, why) = (attempt.reason, attempt.reason.for_admin());
                let text = format!(
                    "{} in {}: refused {reason}, {times}, last {last} through {}\n  {why}",
                    self.email, organization.name, attempt.connection
                );
                (json!({"organization": organization.id, "attempt": attempt}), text)
            })
            .collect())
    }
}

/// An explanation in lines, empty parts left out.
pub(super) fn describe(explanation: &Explanation) -> String {
    let mut lines = vec![format!("  {}", explanation.sentence())];
    let parts = [
        ("way in", &explanation.way_in),
        ("role", &explanation.role),
        ("seat", &explanation.seat),
        ("guards", &explanation.guards),
        ("pins", &explanation.pins),
        ("notes", &explanation.notes),
        ("changes", &explanation.changes),
    ];
    for (title, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        lines.push(format!("  {title}"));
        lines.extend(part.iter().map(|line| format!("    {line}")));
    }
    lines.join("\n")
}
