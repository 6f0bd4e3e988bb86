//! The hash chain of the audit log: each line's hash covers the line before it, so a line that was changed, added or taken away shows.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::AuditLine;

/// What the first line's hash covers in place of a line before it.
pub const FIRST: &str = "";

/// The hash of a line after `previous` (the hash of the line before, or [`FIRST`]): SHA-256 over that hash and the line, whose own `hash` is left out,
/// as JSON without blanks and with sorted keys; in lower-case hexadecimal.
#[must_use]
pub fn hash(previous: &str, line: &AuditLine) -> String {
    seal(previous, &around_the_number(line), line.sequence)
}

/// The same by what it covers around the line's number.
pub(in crate::store) fn seal(previous: &str, [before, after]: &[String; 2], number: i64) -> String {
    hexadecimal(&Sha256::digest(format!("{previous}{before}{number}{after}")))
}

/// What a line's hash covers before and after the line's number, for whoever learns that last. Field by field, because every login waits for this and the
/// details need not be copied for it.
pub(in crate::store) fn around_the_number(line: &AuditLine) -> [String; 2] {
    let AuditLine { id, sequence: _, at, event, actor, organization, target, reason, detail, origin, hash: _ } = line;
    let [mut before, mut after] = [String::new(), String::new()];
    write_scalar("{\"actor\":", actor, &mut before);
    write_scalar(",\"at\":", at, &mut before);
    before.push_str(",\"detail\":");
    write_canonical(detail, &mut before);
    write_scalar(",\"event\":", event, &mut before);
    write_scalar(",\"id\":", id, &mut before);
    write_scalar(",\"organization\":", organization, &mut before);
    before.push_str(",\"origin\":");
    write_canonical(&serde_json::to_value(origin).unwrap_or(Value::Null), &mut before);
    write_scalar(",\"reason\":", reason, &mut before);
    before.push_str(",\"sequence\":");
    write_scalar(",\"target\":", target, &mut after);
    after.push('}');
    [before, after]
}

/// The first line of `lines` that does not follow from `previous` in place or hash, in plain words; otherwise the hash that the next line builds on.
///
/// # Errors
/// The fault.
pub fn verify<'a>(previous: (i64, &'a str), lines: &'a [AuditLine]) -> Result<(i64, &'a str), String> {
    let (mut sequence, mut before) = previous;
    for line in lines {
        if line.sequence != sequence + 1 {
            return Err(format!("the audit log goes from line {sequence} to line {}", line.sequence));
        }
        if line.hash != hash(before, line) {
            return Err(format!("audit line {} was changed after it was written", line.sequence));
        }
        (sequence, before) = (line.sequence, &line.hash);
    }
    Ok((sequence, before))
}

/// Keys sorted here and not by the map's type: another crate of the build may turn on `serde_json`'s `preserve_order`.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            write_list(sorted, ('{', '}'), out, |(key, value), out| {
                write_scalar("", key, out);
                out.push(':');
                write_canonical(value, out);
            });
        }
        Value::Array(items) => write_list(items, ('[', ']'), out, write_canonical),
        scalar => write_scalar("", scalar, out),
    }
}

/// A name, and what it has.
fn write_scalar(name: &str, scalar: &impl Serialize, out: &mut String) {
    out.push_str(name);
    // Texts and numbers can always be written.
    out.push_str(&serde_json::to_string(scalar).unwrap_or_default());
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for half in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
        text
    })
}

fn write_list<T>(items: impl IntoIterator<Item = T>, (open, close): (char, char), out: &mut String, write: impl Fn(T, &mut String)) {
    out.push(open);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::core::AuditId;
    use crate::store::RequestOrigin;

    fn chain(length: i64) -> Vec<AuditLine> {
        let mut previous = FIRST.to_owned();
        (1..=length)
            .map(|sequence| {
                let mut line = AuditLine {
                    id: AuditId::from_uuid(uuid::Uuid::from_u128(sequence.unsigned_abs().into())),
                    sequence,
                    at: Timestamp::UNIX_EPOCH,
                    event: "login.admitted".to_owned(),
                    actor: "system".to_owned(),
                    organization: None,
                    target: None,
                    reason: None,
                    detail: json!({"b": [1, {"z": null, "a": "\"x\""}], "a": true}),
                    origin: RequestOrigin::default(),
                    hash: String::new(),
                };
                line.hash = hash(&previous, &line);
                previous.clone_from(&line.hash);
                line
            })
            .collect()
    }

    #[test]
    fn a_chain_verifies_also_in_two_pieces() {
        let lines = chain(5);
        let middle = verify((0, FIRST), &lines[..2]).unwrap();
        assert_eq!(verify(middle, &lines[2..]), Ok((5, lines[4].hash.as_str())));
    }

    #[test]
    fn a_changed_line_shows() {
        let mut lines = chain(3);
        "logout".clone_into(&mut lines[1].event);
        assert_eq!(verify((0, FIRST), &lines).unwrap_err(), "audit line 2 was changed after it was written");
    }

    #[test]
    fn a_changed_line_with_a_fitting_hash_breaks_the_next_one() {
        let mut lines = chain(3);
        "logout".clone_into(&mut lines[0].event);
        lines[0].hash = hash(FIRST, &lines[0]);
        assert_eq!(verify((0, FIRST), &lines).unwrap_err(), "audit line 2 was changed after it was written");
    }

    #[test]
    fn a_missing_line_shows() {
        let mut lines = chain(3);
        lines.remove(1);
        assert_eq!(verify((0, FIRST), &lines).unwrap_err(), "the audit log goes from line 1 to line 3");
    }

    #[test]
    fn keys_are_sorted_and_text_is_escaped() {
        let mut out = String::new();
        write_canonical(&json!({"b": [1, {"z": null, "a": "\"x\""}], "a": true}), &mut out);
        assert_eq!(out, r#"{"a":true,"b":[1,{"a":"\"x\"","z":null}]}"#);
    }

    #[test]
    fn a_hash_covers_the_whole_line_but_the_hash() {
        let [plain] = chain(1).try_into().unwrap();
        let full = AuditLine {
            organization: Some(crate::core::OrganizationId::parse("acme").unwrap()),
            target: Some("per_\u{e9}\n".to_owned()),
            reason: Some(crate::core::Reason::OkNew),
            origin: RequestOrigin { address: Some("192.0.2.1".to_owned()), ..RequestOrigin::default() },
            ..plain.clone()
        };
        for line in [plain, full] {
            let mut value = serde_json::to_value(&line).unwrap();
            value.as_object_mut().unwrap().remove("hash").unwrap();
            let mut text = "the hash before".to_owned();
            write_canonical(&value, &mut text);
            assert_eq!(hash("the hash before", &line), hexadecimal(&Sha256::digest(text.as_bytes())));
        }
    }
}
