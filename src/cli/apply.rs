//! `usher apply`: organization as code, after a review.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::database::Installation;
use super::forecast::{Forecast, forecast};
use super::{Context, Failure, output};
use crate::config;
use crate::core::{EmailAddress, MemberId, MemberStatus, Organization, Settings};
use crate::store::settings_diff::diff;
use crate::store::{MemberQuery, MemberRow, Store, StoredSettings};

/// How many people a review names for an organization; the rest are counted.
const NAMED_PEOPLE: usize = 50;
const PAGE: u32 = 500;

/// Arguments of `usher apply`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The org.toml.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the review and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on only if the review still has this id: what was reviewed is what is applied.
    #[arg(long, value_name = "REVIEW")]
    expect: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

/// What would change.
#[derive(Debug)]
struct Review {
    id: String,
    objects: Vec<Value>,
    people: Vec<Person>,
    seats: Vec<String>,
    lockouts: Vec<String>,
}

/// What would change for one member at the next login.
#[derive(Debug)]
struct Person {
    organization: String,
    email: String,
    before: String,
    after: String,
}

impl Args {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (settings, warnings) = config::org::load(&self.file, &context.env)?;
        if !warnings.is_empty() {
            output::talk_styled(&format!("{}\n", config::render_all(&warnings, true)));
        }
        let store = self.installation.open_or_create(context).await?;
        let stored = store.find_settings().await?;
        let now = context.clock.now();
        let review = Review::of(store.as_ref(), stored.as_ref(), &settings, now).await?;
        if self.json {
            output::json(&review.to_json())?;
        } else {
            output::data(&review.to_string())?;
        }
        if !review.lockouts.is_empty() {
            return Err(Failure::Refused(review.lockouts.join("; ")));
        }
        if self.expect.as_ref().is_some_and(|expected| expected != &review.id) {
            let message = format!("the review is now {}: the file or what is stored has changed since", review.id);
            return Err(Failure::Refused(message));
        }
        if self.dry_run {
            let file = self.file.display();
            output::talk(&format!("Nothing was changed. Next: usher apply {file} --expect {}", review.id));
            return Ok(());
        }
        let saved = store.save_settings(&settings, stored.map(|stored| stored.revision), "cli", now).await?;
        output::talk(&format!(
            "Applied, revision {}. Roles and seats follow at each person's next login. Next: usher serve",
            saved.revision
        ));
        Ok(())
    }
}

/// Makes settings of a file those of the store, unless an organization would be left without anyone to administer it.
pub(super) async fn save_unless_locked_out(
    store: &dyn Store,
    settings: &Settings,
    actor: &str,
    now: Timestamp,
) -> Result<StoredSettings, Failure> {
    let stored = store.find_settings().await?;
    let review = Review::of(store, stored.as_ref(), settings, now).await?;
    if !review.lockouts.is_empty() {
        return Err(Failure::Refused(review.lockouts.join("; ")));
    }
    Ok(store.save_settings(settings, stored.map(|stored| stored.revision), actor, now).await?)
}

impl Review {
    async fn of(store: &dyn Store, stored: Option<&StoredSettings>, settings: &Settings, now: Timestamp) -> Result<Self, Failure> {
        let before = stored.map(|stored| stored.settings.as_ref());
        let mut review = Self {
            id: review_id(settings, stored.map(|stored| stored.revision))?,
            objects: diff(before, settings),
            people: Vec::new(),
            seats: Vec::new(),
            lockouts: Vec::new(),
        };
        for old in before.into_iter().flat_map(|settings| &settings.organizations) {
            // Taking away an organization that has members is refused by the store.
            let Some(new) = settings.find_organization(&old.id) else { continue };
            review.look_at(store, old, settings, &Arc::new(new.clone()), now).await?;
        }
        Ok(review)
    }

    async fn look_at(
        &mut self,
        store: &dyn Store,
        old: &Organization,
        settings: &Settings,
        new: &Arc<Organization>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        // A new Primary Owner will administer, but only if some door takes the address: a slip of the pen must not lock everybody out.
        let new_owner = new.primary_owner.as_ref().filter(|owner| old.primary_owner.as_ref() != Some(owner));
        let (mut administered, mut administers) = (false, new_owner.is_some_and(|owner| may_come_in(settings, owner)));
        for row in load_members(store, old).await? {
            let member = &row.member;
            if member.status != MemberStatus::Active {
                continue;
            }
            let next = forecast(store, &row, settings, new, now).await?;
            let human_admin = !row.person.service_account && old.is_administrator(&member.role);
            administered |= human_admin;
            administers |= human_admin && remains_administrator(&row, &next, settings, new);
            self.note(&row, new, &next);
        }
        if administered && !administers {
            self.lockouts
                .push(format!("nobody would administer {} any more; keep an administrators' role for someone who has it now", new.id));
        }
        for count in store.count_seats(&old.id, now).await? {
            let owned = new.tier_rank(&count.tier).and_then(|rank| new.seat_tiers.get(rank)).map_or(0, |seats| seats.owned);
            if owned < count.used {
                let (id, tier, used) = (&new.id, &count.tier, count.used);
                self.seats.push(format!(
                    "{id}: {used} {tier} seats are in use and {owned} would be owned: nobody loses theirs, and no new one is given"
                ));
            }
        }
        Ok(())
    }

    fn note(&mut self, row: &MemberRow, organization: &Organization, next: &Forecast) {
        let shown = |role: &str, seat: Option<&str>| seat.map_or_else(|| role.to_owned(), |seat| format!("{role} · {seat}"));
        let before = shown(row.member.role.as_str(), row.member.seat.as_ref().map(crate::core::SeatTier::as_str));
        let after = match next {
            Forecast::Member(role, seat) => shown(role.as_str(), seat.as_ref().map(crate::core::SeatTier::as_str)),
            Forecast::Refused(reason) => format!("refused ({})", reason.code()),
            Forecast::Unknown => return,
        };
        if before != after {
            let email = row.person.email.as_ref().map_or_else(|| row.person.id.to_string(), ToString::to_string);
            self.people.push(Person { organization: organization.id.to_string(), email, before, after });
        }
    }

    fn to_json(&self) -> Value {
        let people = self.people.iter().map(
            |person| json!({"organization": person.organization, "email": person.email, "before": person.before, "after": person.after}),
        );
        json!({
            "review": self.id, "objects": self.objects, "people": people.collect::<Vec<_>>(), "seats": self.seats, "lockouts": self.lockouts,
        })
    }
}

/// Whether somebody who administers now could come back and still administer.
fn remains_administrator(row: &MemberRow, next: &Forecast, settings: &Settings, organization: &Organization) -> bool {
    match next {
        Forecast::Member(role, _) => organization.is_administrator(role),
        Forecast::Refused(_) => false,
        // Never seen: counted when the role stays one that administers and some connection takes the address.
        Forecast::Unknown => {
            organization.is_administrator(&row.member.role) && row.person.email.as_ref().is_some_and(|email| may_come_in(settings, email))
        }
    }
}

/// Whether some connection takes an address.
fn may_come_in(settings: &Settings, email: &EmailAddress) -> bool {
    settings.connections.iter().any(|connection| connection.enabled && settings.allows_domain(connection, email.domain()))
}

async fn load_members(store: &dyn Store, organization: &Organization) -> Result<Vec<MemberRow>, Failure> {
    let mut members: Vec<MemberRow> = Vec::new();
    let mut after: Option<MemberId> = None;
    loop {
        let page = store.list_members(MemberQuery { organization: &organization.id, search: None, after, limit: PAGE }).await?;
        after = page.last().map(|row| row.member.id);
        members.extend(page);
        if after.is_none() {
            return Ok(members);
        }
    }
}

/// Stands for the new settings and for what they replace; another file or another state gives another id.
fn review_id(settings: &Settings, revision: Option<i64>) -> Result<String, Failure> {
    let text = serde_json::to_vec(&(settings, revision)).map_err(anyhow::Error::from)?;
    let number = Sha256::digest(text).iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    Ok(format!("{number:012x}"))
}

impl std::fmt::Display for Review {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "review {}", self.id)?;
        if self.objects.is_empty() {
            writeln!(f, "  no settings change")?;
        }
        for object in &self.objects {
            object_lines(f, object)?;
        }
        if !self.people.is_empty() {
            writeln!(f, "people, at their next login, by the groups last seen: {}", self.people.len())?;
        }
        for person in self.people.iter().take(NAMED_PEOPLE) {
            writeln!(f, "  {} in {}: {} -> {}", person.email, person.organization, person.before, person.after)?;
        }
        if self.people.len() > NAMED_PEOPLE {
            writeln!(f, "  and {} more; --json names all", self.people.len() - NAMED_PEOPLE)?;
        }
        for line in &self.seats {
            writeln!(f, "seats: {line}")?;
        }
        for line in &self.lockouts {
            writeln!(f, "lockout: {line}")?;
        }
        Ok(())
    }
}

fn object_lines(f: &mut std::fmt::Formatter<'_>, object: &Value) -> std::fmt::Result {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = if text("id").is_empty() { text("object").to_owned() } else { format!("{} {}", text("object"), text("id")) };
    let mark = match text("change") {
        "added" => '+',
        "removed" => '-',
        _ => '~',
    };
    writeln!(f, "{mark} {name} {}", text("change"))?;
    for (field, sides) in object.get("fields").and_then(Value::as_object).into_iter().flatten() {
        let side = |key: &str| sides.get(key).map(short).unwrap_or_default();
        writeln!(f, "    {field}: {} -> {}", side("before"), side("after"))?;
    }
    Ok(())
}

/// A value in one line: a metadata document is not worth reading here.
fn short(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        text
    } else {
        format!("{}… ({} bytes)", text.chars().take(LONGEST).collect::<String>(), text.len())
    }
}
