//! Who it is: `NameID` and attributes of a verified assertion, by the names that the connection configured.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::SamlError;
use super::xml::{SAML, attribute, elements, is, value};
use crate::core::{EmailAddress, GroupClaim, SamlSettings, is_unseen};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
/// What Entra ID sends instead of more than 150 groups.
const GROUPS_LINK: &str = "http://schemas.microsoft.com/claims/groups.link";
const MAX_SUBJECT_CHARS: usize = 255;

/// What an assertion says about a person.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) email: Option<EmailAddress>,
    pub(super) name: Option<String>,
    pub(super) groups: GroupClaim,
    pub(super) name_id: String,
    pub(super) name_id_format: Option<String>,
    pub(super) name_id_qualifiers: (Option<String>, Option<String>),
}

/// Reads the person from an assertion. Attributes that no setting names are never looked into.
pub(super) fn read(assertion: Node<'_, '_>, settings: &SamlSettings) -> Result<Person, SamlError> {
    let name_id = find_name_id(assertion)?;
    let name_id_format = attribute(name_id, "Format");
    let qualifier = |name| attribute(name_id, name).map(str::to_owned);
    let name_id_qualifiers = (qualifier("NameQualifier"), qualifier("SPNameQualifier"));
    let name_id = value(name_id, "NameID")?;
    let subject = match &settings.subject_attribute {
        Some(name) => one_value(assertion, name, "subject")?.ok_or(SamlError::SubjectMissing)?,
        None if name_id_format == Some(TRANSIENT) => return Err(SamlError::SubjectTransient),
        None => name_id,
    };
    check_subject(subject)?;
    let email = match one_value(assertion, &settings.email_attribute, "email")? {
        None if name_id_format == Some(EMAIL) => Some(name_id),
        other => other,
    };
    let name = values(assertion, &settings.name_attribute)?.into_iter().flatten().map(str::trim).find(|name| !name.is_empty());
    Ok(Person {
        subject: subject.to_owned(),
        email: email.map(EmailAddress::parse).transpose().map_err(|_| SamlError::EmailMalformed)?,
        name: name.map(|name| name.chars().filter(|c| !is_unseen(*c)).take(MAX_SUBJECT_CHARS).collect()),
        groups: read_groups(assertion, &settings.groups_attribute)?,
        name_id: name_id.to_owned(),
        name_id_format: name_id_format.map(str::to_owned),
        name_id_qualifiers,
    })
}

/// Too many groups to list is unknown, never empty; and a list beside the link is not the whole list.
fn read_groups(assertion: Node<'_, '_>, name: &str) -> Result<GroupClaim, SamlError> {
    if values(assertion, GROUPS_LINK)?.is_some() {
        return Ok(GroupClaim::Overage);
    }
    Ok(values(assertion, name)?.map_or(GroupClaim::Absent, GroupClaim::from_values))
}

/// The one `NameID` of the subject; none may stand anywhere else in the subject, in any namespace.
fn find_name_id<'a, 'i>(assertion: Node<'a, 'i>) -> Result<Node<'a, 'i>, SamlError> {
    let subject = assertion.children().find(|child| is(*child, SAML, "Subject")).ok_or(SamlError::Structure("Subject"))?;
    let mut found = subject.descendants().filter(|node| node.tag_name().name() == "NameID");
    match (found.next(), found.next()) {
        (Some(name_id), None) if is(name_id, SAML, "NameID") && name_id.parent() == Some(subject) => Ok(name_id),
        (None, _) => Err(SamlError::NameIdMissing),
        _ => Err(SamlError::NameIdNotOne),
    }
}

/// The values of all attributes with this name, in order; `None` when no such attribute is there at all. An empty value counts as none.
fn values<'a>(assertion: Node<'a, '_>, name: &str) -> Result<Option<Vec<&'a str>>, SamlError> {
    let mut all: Option<Vec<&'a str>> = None;
    for statement in assertion.children().filter(|child| is(*child, SAML, "AttributeStatement")) {
        for found in statement.children().filter(|child| is(*child, SAML, "Attribute") && attribute(*child, "Name") == Some(name)) {
            let all = all.get_or_insert_default();
            for item in elements(found, "Attribute")? {
                if !is(item, SAML, "AttributeValue") {
                    return Err(SamlError::Structure("Attribute"));
                }
                if item.has_children() {
                    all.push(value(item, "AttributeValue")?);
                }
            }
        }
    }
    Ok(all)
}

fn one_value<'a>(assertion: Node<'a, '_>, name: &str, what: &'static str) -> Result<Option<&'a str>, SamlError> {
    let distinct: BTreeSet<&str> = values(assertion, name)?.into_iter().flatten().filter(|value| !value.trim().is_empty()).collect();
    if distinct.len() > 1 { Err(SamlError::AttributeAmbiguous(what)) } else { Ok(distinct.into_iter().next()) }
}

/// A subject is a key: compared byte by byte, shown to admins. Nothing in it may be invisible or look like the edge of something.
fn check_subject(subject: &str) -> Result<(), SamlError> {
    let invisible = |c: char| {
        c.is_control()
            || (c.is_whitespace() && c != ' ')
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let fine =
        !subject.is_empty() && subject.trim() == subject && subject.chars().count() <= MAX_SUBJECT_CHARS && !subject.contains(invisible);
    if fine { Ok(()) } else { Err(SamlError::SubjectMalformed) }
}
