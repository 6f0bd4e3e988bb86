//! What changed between two settings, object by object, for the audit log. Secrets are never in it.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::core::Settings;

/// Fields whose values are too long for a log: the bytes of a logo, whose name says which it is.
const LONG_FIELDS: [&str; 1] = ["content"];
/// Fields whose values nobody may read in a log.
const SECRET_FIELDS: [&str; 3] = ["client_secret", "client_key", "service_account"];

/// One entry for every object that was added, removed or changed; a changed object lists only its changed fields, by path, with before and after.
/// A secret shows that it changed, and nothing of its value.
#[must_use]
pub fn diff(before: Option<&Settings>, after: &Settings) -> Vec<Value> {
    let mut entries = Vec::new();
    let old_name = before.map(|settings| settings.parent_name.as_str());
    if old_name != Some(&after.parent_name) {
        entries.push(json!({"object": "parent", "change": if old_name.is_some() { "changed" } else { "added" },
            "fields": {"name": {"before": old_name, "after": after.parent_name}}}));
    }
    diff_list("domain", before.map_or(&[], |s| &s.domains), &after.domains, |domain| domain.name.to_string(), &mut entries);
    diff_list(
        "connection",
        before.map_or(&[], |s| &s.connections),
        &after.connections,
        |connection| connection.id.to_string(),
        &mut entries,
    );
    diff_list("organization", before.map_or(&[], |s| &s.organizations), &after.organizations, |found| found.id.to_string(), &mut entries);
    entries
}

fn diff_list<T: Serialize>(kind: &str, before: &[T], after: &[T], id: impl Fn(&T) -> String, entries: &mut Vec<Value>) {
    let find = |list: &[T], wanted: &str| list.iter().find(|item| id(item) == wanted).map(to_value);
    for old in before.iter().filter(|old| find(after, &id(old)).is_none()) {
        entries.push(json!({"object": kind, "id": id(old), "change": "removed", "before": masked(to_value(old))}));
    }
    for new in after {
        match find(before, &id(new)) {
            None => entries.push(json!({"object": kind, "id": id(new), "change": "added", "after": masked(to_value(new))})),
            Some(old) => {
                let mut fields = Map::new();
                diff_fields(&old, &to_value(new), "", &mut fields);
                if !fields.is_empty() {
                    entries.push(json!({"object": kind, "id": id(new), "change": "changed", "fields": fields}));
                }
            }
        }
    }
    let order = |list: &[T]| list.iter().map(&id).collect::<Vec<_>>();
    let kept_before: Vec<_> = order(before).into_iter().filter(|id| order(after).contains(id)).collect();
    let kept_after: Vec<_> = order(after).into_iter().filter(|id| order(before).contains(id)).collect();
    if kept_before != kept_after {
        entries.push(json!({"object": kind, "change": "reordered", "before": order(before), "after": order(after)}));
    }
}

fn diff_fields(before: &Value, after: &Value, path: &str, fields: &mut Map<String, Value>) {
    if before == after {
        return;
    }
    if let (Value::Object(old), Value::Object(new)) = (before, after) {
        for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let side = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or(Value::Null);
            diff_fields(&side(old), &side(new), &path, fields);
        }
        return;
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    fields.insert(path.to_owned(), json!({"before": mask(name, before.clone()), "after": mask(name, after.clone())}));
}

fn to_value<T: Serialize>(item: &T) -> Value {
    serde_json::to_value(item).unwrap_or(Value::Null)
}

fn mask(name: &str, value: Value) -> Value {
    match name {
        _ if value.is_null() => value,
        secret if SECRET_FIELDS.contains(&secret) => "[secret]".into(),
        long if LONG_FIELDS.contains(&long) => "[bytes]".into(),
        _ => masked(value),
    }
}

fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = mask(&name, value);
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        scalar => scalar,
    }
}
