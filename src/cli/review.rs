//! A review on the terminal, and for programs.

use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

use super::{Failure, output};
use crate::admin::settings::{OrganizationReview, Review};
use crate::core::preview::{Effects, Next, PersonEffect, Warning};

/// How many people a review names for an organization; the rest are counted.
const NAMED_PEOPLE: usize = 50;

/// Prints a review on stdout.
pub(super) fn print(review: &Review, as_json: bool) -> Result<(), Failure> {
    if as_json { output::json(&to_json(review)) } else { output::data(&Shown(review).to_string()) }
}

fn to_json(review: &Review) -> Value {
    let people = |organization: &OrganizationReview| -> Vec<Value> {
        let id = &organization.effects.organization;
        let known = organization.effects.people.iter().filter(|effect| !is_unknown(effect));
        known
            .map(|effect| {
                json!({"organization": id, "email": name_of(effect), "before": effect.before.to_string(), "after": effect.next.to_string()})
            })
            .collect()
    };
    json!({
        "review": review.id,
        "objects": review.objects,
        "people": review.organizations.iter().flat_map(people).collect::<Vec<_>>(),
        "seats": review.organizations.iter().flat_map(seat_lines).collect::<Vec<_>>(),
        "lockouts": review.objections.iter().map(|objection| &objection.sentence).collect::<Vec<_>>(),
        "organizations": review.organizations,
        "needs": review.needs,
    })
}

fn is_unknown(effect: &PersonEffect) -> bool {
    matches!(effect.next, Next::Unknown { .. })
}

fn name_of(effect: &PersonEffect) -> String {
    effect.email.as_ref().map_or_else(|| effect.person.to_string(), ToString::to_string)
}

fn seat_lines(organization: &OrganizationReview) -> Vec<String> {
    let id = &organization.effects.organization;
    let below = organization.effects.warnings.iter().filter(|warning| is_about_seats(warning));
    below.map(|warning| format!("{id}: {}", warning.sentence())).collect()
}

const fn is_about_seats(warning: &Warning) -> bool {
    matches!(warning, Warning::SeatsBelowUse { .. })
}

struct Shown<'a>(&'a Review);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let review = self.0;
        writeln!(f, "review {}", review.id)?;
        if review.changes_nothing() {
            writeln!(f, "  no settings change")?;
        }
        for object in &review.objects {
            object_lines(f, object)?;
        }
        for organization in &review.organizations {
            organization_lines(f, organization)?;
        }
        for objection in &review.objections {
            let label = if objection.code.starts_with("lockout") { "lockout" } else { "refused" };
            writeln!(f, "{label}: {}", objection.sentence)?;
        }
        Ok(())
    }
}

fn organization_lines(f: &mut Formatter<'_>, organization: &OrganizationReview) -> fmt::Result {
    let effects = &organization.effects;
    let id = &effects.organization;
    writeln!(f, "people of {id}, at their next login, by the groups last seen: {}", sums(effects))?;
    let mut known = effects.people.iter().filter(|effect| !is_unknown(effect));
    for effect in known.by_ref().take(NAMED_PEOPLE) {
        writeln!(f, "  {} in {id}: {} -> {}", name_of(effect), effect.before, effect.next)?;
    }
    let more = known.count();
    if more > 0 {
        writeln!(f, "  and {more} more; --json names all")?;
    }
    let tiers: Vec<String> = effects.seats.iter().map(|count| format!("{} {} of {}", count.tier, count.used, count.owned)).collect();
    if !tiers.is_empty() {
        writeln!(f, "seats after of {id}: {}", tiers.join(" · "))?;
    }
    let names: Vec<&str> = effects.administrators.iter().map(|administrator| administrator.name.as_str()).take(NAMED_PEOPLE).collect();
    writeln!(f, "administrators after of {id}: {}", if names.is_empty() { "nobody known".to_owned() } else { names.join(", ") })?;
    for line in seat_lines(organization) {
        writeln!(f, "seats: {line}")?;
    }
    for warning in effects.warnings.iter().filter(|warning| !is_about_seats(warning)) {
        writeln!(f, "warning: {id}: {}", warning.sentence())?;
    }
    Ok(())
}

/// `196 unchanged · 14 change role · 3 change seat · 7 lose access · 12 unknown`.
fn sums(effects: &Effects) -> String {
    let parts = [
        (effects.unchanged, "unchanged"),
        (effects.role_changes, "change role"),
        (effects.seat_changes, "change seat"),
        (effects.lose_access, "lose access"),
        (effects.unknown, "unknown"),
    ];
    parts.map(|(count, what)| format!("{count} {what}")).join(" · ")
}

fn object_lines(f: &mut Formatter<'_>, object: &Value) -> fmt::Result {
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
