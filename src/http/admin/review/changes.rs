//! What a change is about, in words: before anybody reads what it does to people, they see that it is what they meant.

use jiff::SignedDuration;
use serde_json::Value;

use crate::core::{MappedGroup, Organization};
use crate::http::admin::access::{role_groups, tier_groups, words_of_choice};

/// One thing that becomes different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) what: String,
    /// What was there and is not any more.
    pub(super) gone: Vec<String>,
    /// What is there then.
    pub(super) new: Vec<String>,
}

/// In the order of the pages on which they are made.
pub(super) fn changes(now: &Organization, wanted: &Organization) -> Vec<Change> {
    let (before, after) = (fields(now), fields(wanted));
    let mut changes: Vec<Change> = ["/name", "/mode", "/group_mappings"].iter().filter_map(|path| field(&before, &after, path)).collect();
    let roles = wanted.roles.iter().map(|role| (format!("Groups of {role}"), role_groups(now, role), role_groups(wanted, role)));
    changes.extend(roles.filter_map(|(what, before, after)| groups(what, before, after)));
    let tiers = wanted.seat_tiers.iter().map(|seats| &seats.tier);
    let tiers = tiers.map(|tier| (format!("Groups of {tier} seats"), tier_groups(now, tier), tier_groups(wanted, tier)));
    changes.extend(tiers.filter_map(|(what, before, after)| groups(what, before, after)));
    for part in ["policy", "branding"] {
        let names = after.get(part).and_then(Value::as_object).map(|fields| fields.keys().cloned().collect::<Vec<_>>());
        let paths = names.unwrap_or_default().into_iter().map(|name| format!("/{part}/{name}"));
        changes.extend(paths.filter_map(|path| field(&before, &after, &path)));
    }
    changes
}

fn fields(organization: &Organization) -> Value {
    // An organization is kept as JSON everywhere: it has no other form that could fail here.
    serde_json::to_value(organization).unwrap_or_default()
}

fn groups(what: String, before: &[MappedGroup], after: &[MappedGroup]) -> Option<Change> {
    let without = |groups: &[MappedGroup], others: &[MappedGroup]| -> Vec<String> {
        let own = groups.iter().filter(|group| others.iter().all(|other| other.value != group.value));
        own.map(|group| group.label.clone().unwrap_or_else(|| group.value.clone())).collect()
    };
    let change = Change { what, gone: without(before, after), new: without(after, before) };
    (!change.gone.is_empty() || !change.new.is_empty()).then_some(change)
}

fn field(before: &Value, after: &Value, path: &str) -> Option<Change> {
    let (before, after) = (before.pointer(path)?, after.pointer(path)?);
    let name = path.rsplit('/').next().unwrap_or_default();
    let one = |value: &Value| said(name, value).into_iter().collect();
    (before != after).then(|| Change { what: called(name), gone: one(before), new: one(after) })
}

fn called(name: &str) -> String {
    match name {
        "mode" => "Provisioning".to_owned(),
        "group_mappings" => "Groups decide role and seat".to_owned(),
        "no_role_match" => "In none of the groups of a role".to_owned(),
        "no_seat_match" => "In none of the groups of a seat tier".to_owned(),
        "on_tier_full" => "Tier is full".to_owned(),
        "accent" => "Colour".to_owned(),
        "require_sso" => "Require SSO".to_owned(),
        other => {
            let words = other.replace('_', " ");
            let mut letters = words.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
        }
    }
}

/// `None`: nothing is there.
fn said(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::String(text) => {
            Some(words_of_choice(name, text).map(str::to_owned).or_else(|| lasting(text)).unwrap_or_else(|| text.clone()))
        }
        Value::Object(_) if name == "logo" => Some("a picture".to_owned()),
        Value::Object(fields) => {
            let parts = fields.iter().filter_map(|(name, value)| Some(format!("{} {}", name.replace('_', " "), said(name, value)?)));
            Some(parts.collect::<Vec<_>>().join(", "))
        }
        other => Some(other.to_string()),
    }
}

/// `PT168H` is 7 days.
fn lasting(text: &str) -> Option<String> {
    let span = text.parse::<SignedDuration>().ok()?;
    Some(match span.as_hours() {
        _ if span.as_mins() % 60 != 0 => format!("{} minutes", span.as_mins()),
        24 => "1 day".to_owned(),
        days if days % 24 == 0 => format!("{} days", days / 24),
        hours => format!("{hours} hours"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization(groups: &Value, grace: &str) -> Organization {
        serde_json::from_value(serde_json::json!({
            "id": "acme", "name": "Acme", "plan": "enterprise", "roles": ["Owner", "User"], "administrators": ["Owner"], "default_role": "User",
            "seat_tiers": [], "mode": "jit", "group_mappings": true, "role_mappings": [{ "role": "User", "groups": groups }],
            "seat_tier_mappings": [], "primary_owner": null,
            "policy": { "no_role_match": "remove", "no_seat_match": "highest_available", "on_tier_full": "next_lower", "groups_absent_grace": grace,
                "stale_after": "PT720H", "pin_max": "PT720H", "undo_window": "PT720H", "removal_threshold": { "percent": 10, "people": 5 } },
        }))
        .unwrap()
    }

    #[test]
    fn a_change_is_told_as_somebody_would_who_made_it() {
        let group = |value: &str| serde_json::json!({ "value": value, "label": null });
        let now = organization(&serde_json::json!([group("a"), group("b")]), "PT168H");
        let wanted = organization(&serde_json::json!([group("b"), group("c")]), "PT24H");
        let told: Vec<String> =
            changes(&now, &wanted).iter().map(|change| format!("{}: -{:?} +{:?}", change.what, change.gone, change.new)).collect();
        assert_eq!(told, ["Groups of User: -[\"a\"] +[\"c\"]", "Groups absent grace: -[\"7 days\"] +[\"1 day\"]"]);
        assert_eq!(changes(&now, &now), []);
    }
}
