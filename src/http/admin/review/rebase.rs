//! A change that was begun before somebody else's save is moved on top of that save: it takes back nothing that it is not about.

use serde_json::{Map, Value};

use crate::core::Organization;

/// What tells the entries of a list apart.
const KEYS: [&str; 3] = ["role", "tier", "value"];

/// `wanted` was made from `base`: the same difference, made to `now`.
pub(super) fn rebase(base: &Organization, wanted: &Organization, now: &Organization) -> serde_json::Result<Organization> {
    let value = |organization: &Organization| serde_json::to_value(organization);
    serde_json::from_value(merge(&value(base)?, &value(wanted)?, &value(now)?))
}

/// Where both changed the same thing, `wanted` counts: its review shows what becomes of the other.
fn merge(base: &Value, wanted: &Value, now: &Value) -> Value {
    if wanted == base {
        return now.clone();
    }
    match (base, wanted, now) {
        (Value::Object(base), Value::Object(wanted), Value::Object(now)) => Value::Object(merge_fields(base, wanted, now)),
        (Value::Array(base), Value::Array(wanted), Value::Array(now)) if keyed(base) && keyed(wanted) && keyed(now) => {
            Value::Array(merge_entries(base, wanted, now))
        }
        _ => wanted.clone(),
    }
}

fn merge_fields(base: &Map<String, Value>, wanted: &Map<String, Value>, now: &Map<String, Value>) -> Map<String, Value> {
    let one = |name: &String| match (base.get(name), wanted.get(name), now.get(name)) {
        (Some(base), Some(wanted), Some(now)) => Some(merge(base, wanted, now)),
        (Some(_), None, _) => None,
        (_, wanted, now) => wanted.or(now).cloned(),
    };
    let names = now.keys().chain(wanted.keys().filter(|name| !now.contains_key(*name)));
    names.filter_map(|name| Some((name.clone(), one(name)?))).collect()
}

fn merge_entries(base: &[Value], wanted: &[Value], now: &[Value]) -> Vec<Value> {
    let kept = now.iter().filter_map(|entry| match (find(base, entry), find(wanted, entry)) {
        (Some(base), Some(wanted)) => Some(merge(base, wanted, entry)),
        (Some(_), None) => None,
        (None, wanted) => Some(wanted.unwrap_or(entry).clone()),
    });
    // One that somebody else took out stays out, unless something was done to it here.
    let added = wanted.iter().filter(|entry| find(now, entry).is_none() && find(base, entry) != Some(entry)).cloned();
    kept.chain(added).collect()
}

fn keyed(entries: &[Value]) -> bool {
    entries.iter().all(|entry| key(entry).is_some())
}

fn key(entry: &Value) -> Option<&Value> {
    KEYS.iter().find_map(|key| entry.get(key))
}

fn find<'a>(entries: &'a [Value], like: &Value) -> Option<&'a Value> {
    entries.iter().find(|entry| key(entry) == key(like))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(value: &str) -> Value {
        json!({ "value": value, "label": null })
    }

    #[test]
    fn two_changes_of_different_things_are_both_kept() {
        let base = json!({ "mode": "jit", "roles": [{ "role": "Admin", "groups": [group("a")] }], "tiers": [] });
        let wanted = json!({ "mode": "jit", "roles": base["roles"], "tiers": [{ "tier": "Premium", "groups": [group("d")] }] });
        let now = json!({ "mode": "manual", "roles": [{ "role": "Admin", "groups": [group("a"), group("b")] }], "tiers": [] });
        let merged = json!({ "mode": "manual", "roles": now["roles"], "tiers": wanted["tiers"] });
        assert_eq!(merge(&base, &wanted, &now), merged);
    }

    #[test]
    fn two_changes_of_one_list_are_both_kept() {
        let list = |groups: &[&str]| json!([{ "role": "Admin", "groups": groups.iter().map(|value| group(value)).collect::<Vec<_>>() }]);
        assert_eq!(merge(&list(&["a", "b"]), &list(&["b", "mine"]), &list(&["a", "b", "theirs"])), list(&["b", "theirs", "mine"]));
        assert_eq!(merge(&list(&["a", "b"]), &list(&["a", "b", "mine"]), &list(&["a"])), list(&["a", "mine"]));
    }

    #[test]
    fn where_both_changed_one_thing_the_own_change_counts() {
        assert_eq!(merge(&json!({ "mode": "jit" }), &json!({ "mode": "manual" }), &json!({ "mode": "scim" })), json!({ "mode": "manual" }));
    }
}
