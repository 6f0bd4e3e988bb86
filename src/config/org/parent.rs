//! The parent organization's name and domains.

use std::collections::BTreeSet;

use crate::config::code::Code;
use crate::config::section::{Section, Wrong};
use crate::config::value;
use crate::core::{Domain, DomainVerification};

/// `[parent]`; without a name, the first organization's is used.
pub(super) fn name(mut section: Section<'_>) -> Option<String> {
    let name = section.parsed("name", value::not_blank);
    section.finish();
    name
}

/// `[[domain]]`. A domain that waits for its TXT record is not verified.
pub(super) fn domains(root: &mut Section<'_>) -> Vec<Domain> {
    let mut seen = BTreeSet::new();
    let mut domains = Vec::new();
    for mut section in root.sections("domain") {
        let name = section.parsed_required("name", "name = \"acme.example\"", value::domain);
        let ways = [("operator", Some(DomainVerification::Operator)), ("dns", None)];
        let verified = section.parsed("verified", |text| value::choice(text, &ways)).flatten();
        if let Some(name) = name {
            if verified.is_none() {
                let wrong = Wrong::new(
                    Code::DomainUnverified,
                    format!("nobody can sign in with {name} until it is verified, and verifying by DNS is not in this version yet"),
                );
                section.wrong("verified", wrong.suggest("if the domain is yours, say so: verified = \"operator\""));
            }
            if !seen.insert(name.clone()) {
                section
                    .wrong("name", Wrong::new(Code::Duplicate, format!("the domain {name} is here twice")).suggest("take one of them out"));
            }
            domains.push(Domain { name, verified });
        }
        section.finish();
    }
    domains
}
