//! Verified claims into an identity: strict about meaning, lenient about shape, because providers differ.

use jiff::Timestamp;
use serde_json::Value;

use super::OidcError;
use super::id_token::{is_subject, seconds, text};
use super::json::Object;
use crate::core::{EmailAddress, GroupClaim, OidcSettings, is_unseen};

/// A longer list is as good as none: Entra ID stops at 200, and a mapping that needs more is a mistake.
const MAX_GROUPS: usize = 2000;
const MAX_GROUP_CHARS: usize = 256;
const MAX_NAME_CHARS: usize = 200;

/// The claims of the ID token, and those of userinfo where the connection asks for them. Userinfo only fills gaps.
pub(super) struct Claims<'a> {
    pub(super) settings: &'a OidcSettings,
    pub(super) id_token: &'a Object,
    pub(super) userinfo: Option<&'a Object>,
}

impl Claims<'_> {
    /// Whether the ID token lacks something that userinfo could fill.
    pub(super) fn has_gaps(&self) -> bool {
        [&self.settings.email_claim, &self.settings.name_claim, &self.settings.groups_claim]
            .into_iter()
            .any(|name| find(self.id_token, name).is_none())
    }

    /// The provider's name for the person, from the ID token only. Where one issuer stands for many tenants, the tenant is part of the name: what one
    /// tenant calls its people says nothing about those of another.
    pub(super) fn subject(&self, many_tenants: bool) -> Result<String, OidcError> {
        let subject = find(self.id_token, &self.settings.subject_claim).and_then(Value::as_str).map(str::to_owned);
        let subject = match (subject, text(self.id_token, "tid")) {
            (Some(subject), Some(tenant)) if many_tenants => Some(format!("{tenant}/{subject}")),
            (subject, _) => subject.filter(|_| !many_tenants),
        };
        subject.filter(|subject| is_subject(subject)).ok_or(OidcError::SubjectInvalid)
    }

    /// The address. `None` when there is none, when it is not one, or when the provider says anything but true about its being verified;
    /// providers that say nothing about it are believed, and the domains of the connection decide.
    pub(super) fn email(&self) -> Option<EmailAddress> {
        let verified = [Some(self.id_token), self.userinfo].into_iter().flatten().all(|claims| match claims.get("email_verified") {
            None | Some(Value::Bool(true)) => true,
            Some(Value::String(text)) => text == "true",
            Some(_) => false,
        });
        let text = match self.find(&self.settings.email_claim)? {
            Value::String(text) => text,
            // AD FS sends a list of one.
            Value::Array(list) => match list.as_slice() {
                [Value::String(text)] => text,
                _ => return None,
            },
            _ => return None,
        };
        EmailAddress::parse(text).ok().filter(|_| verified)
    }

    /// The display name, without control characters and without characters that change the direction of the text around it.
    pub(super) fn name(&self) -> Option<String> {
        let text = self.find(&self.settings.name_claim)?.as_str()?;
        let shown: String = text.chars().filter(|c| !is_unseen(*c)).collect();
        let name: String = shown.trim().chars().take(MAX_NAME_CHARS).collect();
        let name = name.trim_end();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The groups. More than 2,000 count as [`GroupClaim::Overage`]: the list was not meant to be read. A single group over 256 characters
    /// makes the claim [`GroupClaim::Malformed`], as a control character does.
    pub(super) fn groups(&self) -> GroupClaim {
        let name = &self.settings.groups_claim;
        if has_overage_marker(self.id_token, name) {
            return GroupClaim::Overage;
        }
        match self.find(name) {
            None if self.userinfo.is_some_and(|claims| has_overage_marker(claims, name)) => GroupClaim::Overage,
            None => GroupClaim::Absent,
            Some(Value::String(one)) => read_groups(&[one]),
            Some(Value::Array(list)) => {
                list.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map_or(GroupClaim::Malformed, |list| read_groups(&list))
            }
            // Zitadel: the roles are the members.
            Some(Value::Object(members)) => read_groups(&members.keys().collect::<Vec<_>>()),
            Some(Value::Null | Value::Bool(_) | Value::Number(_)) => GroupClaim::Malformed,
        }
    }

    /// The provider's own name for the person, for logout.
    pub(super) fn sub(&self) -> Option<String> {
        self.id_token.get("sub").and_then(Value::as_str).map(str::to_owned)
    }

    /// When the ID token was issued, for a logout that overtakes its login.
    pub(super) fn issued_at(&self) -> Option<Timestamp> {
        seconds(self.id_token, "iat").and_then(|issued| Timestamp::from_second(issued).ok())
    }

    /// When the person last authenticated at the provider, as far as it says.
    pub(super) fn authenticated_at(&self) -> Option<Timestamp> {
        seconds(self.id_token, "auth_time").and_then(|at| Timestamp::from_second(at).ok())
    }

    /// The provider's name for its session, for logout.
    pub(super) fn session(&self) -> Option<String> {
        self.id_token.get("sid").and_then(Value::as_str).filter(|sid| is_subject(sid)).map(str::to_owned)
    }

    fn find(&self, name: &str) -> Option<&Value> {
        find(self.id_token, name).or_else(|| find(self.userinfo?, name))
    }
}

/// A claim by name, or by JSON pointer when the name starts with a slash (RFC 6901).
fn find<'a>(claims: &'a Object, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else { return claims.get(name) };
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let member = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
    rest.map_or(Some(member), |rest| member.pointer(&format!("/{rest}")))
}

/// Entra ID lists no groups and points to a place where they are (`_claim_names`), or only says that there are some (`hasgroups`). The
/// place is never followed: it is an address out of a token.
fn has_overage_marker(claims: &Object, name: &str) -> bool {
    let pointed = claims.get("_claim_names").and_then(Value::as_object).is_some_and(|names| names.contains_key(name));
    let some =
        matches!(claims.get("hasgroups"), Some(Value::Bool(true))) || claims.get("hasgroups").and_then(Value::as_str) == Some("true");
    pointed || (some && find(claims, name).is_none())
}

fn read_groups<S: AsRef<str>>(values: &[S]) -> GroupClaim {
    if values.len() > MAX_GROUPS {
        return GroupClaim::Overage;
    }
    if values.iter().any(|value| value.as_ref().chars().count() > MAX_GROUP_CHARS) {
        return GroupClaim::Malformed;
    }
    GroupClaim::from_values(values)
}

#[cfg(test)]
mod tests;
