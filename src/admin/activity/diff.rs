//! What changed, field by field, whatever event it was: audit lines say it as `objects` (settings) or as `before` and `after`.

use serde_json::Value;

use crate::store::AuditLine;

/// One field that changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    /// Which, in words: `organization acme: role_mappings`, `role`.
    pub field: String,
    /// What it was; `None`: it was not there.
    pub before: Option<String>,
    /// What it is; `None`: it is not there any more.
    pub after: Option<String>,
}

/// Fields that move with every write and say nothing to people.
const UNSAID: [&str; 3] = ["revision", "last_login_at", "last_groups_at"];

pub(super) fn of(line: &AuditLine) -> Vec<FieldChange> {
    let detail = &line.detail;
    if let Some(objects) = detail.get("objects").and_then(Value::as_array) {
        return objects.iter().flat_map(settings_object).collect();
    }
    match (detail.get("before"), detail.get("after")) {
        (None, None) => Vec::new(),
        (before, after) => {
            let mut changes = Vec::new();
            compare(before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null), "", &mut changes);
            changes
        }
    }
}

fn settings_object(object: &Value) -> Vec<FieldChange> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let name = [text("object"), text("id")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    if let Some(fields) = object.get("fields").and_then(Value::as_object) {
        let change = |(field, sides): (&String, &Value)| FieldChange {
            field: format!("{name}: {field}"),
            before: sides.get("before").and_then(said),
            after: sides.get("after").and_then(said),
        };
        return fields.iter().map(change).collect();
    }
    if text("change") == Some("reordered") {
        let side = |key: &str| object.get(key).and_then(said);
        return vec![FieldChange { field: format!("{name}: order"), before: side("before"), after: side("after") }];
    }
    let whole = |key: &str| object.get(key).map(|_| name.clone());
    vec![FieldChange { before: whole("before"), after: whole("after"), field: name.clone() }]
}

/// Objects are walked into; anything else is compared as a whole.
fn compare(before: &Value, after: &Value, path: &str, changes: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    if before.is_object() || after.is_object() {
        let keys = |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let mut fields = keys(before);
        fields.extend(keys(after).into_iter().filter(|key| before.get(key).is_none()));
        for key in fields.iter().filter(|key| !UNSAID.contains(&key.as_str())) {
            let side = |value: &Value| value.get(key).cloned().unwrap_or(Value::Null);
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            compare(&side(before), &side(after), &path, changes);
        }
        return;
    }
    changes.push(FieldChange { field: path.to_owned(), before: said(before), after: said(after) });
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(before: &Value, after: &Value) -> Vec<String> {
        let mut changes = Vec::new();
        compare(before, after, "", &mut changes);
        let side = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
        changes.into_iter().map(|change| format!("{}: {} > {}", change.field, side(change.before), side(change.after))).collect()
    }

    #[test]
    fn only_what_changed_is_said_and_by_its_path() {
        let before = json!({"member": {"role": "User", "seat": null, "revision": 3}, "person": {"name": "Jo"}});
        let after = json!({"member": {"role": "Admin", "seat": "Premium", "revision": 4}, "person": {"name": "Jo"}});
        assert_eq!(changed(&before, &after), ["member.role: User > Admin", "member.seat: - > Premium"]);
    }

    #[test]
    fn what_came_into_being_has_no_before() {
        assert_eq!(changed(&Value::Null, &json!({"role": "User", "pin": null})), ["role: - > User"]);
    }
}
