//! Every key is on the page of docs/configuration.md.

use std::collections::BTreeSet;

use usher::config::Faults;

use super::Folder;

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// Tables of usher.toml with a key that cannot be: the answer lists the keys that can.
const PROCESS: &str = r"
zzzzzzzzzzzz = 1
[server]
zzzzzzzzzzzz = 1
[tls]
zzzzzzzzzzzz = 1
[ops]
zzzzzzzzzzzz = 1
[session]
zzzzzzzzzzzz = 1
[limits]
zzzzzzzzzzzz = 1
[[route]]
zzzzzzzzzzzz = 1
[route.aliases]
zzzzzzzzzzzz = 1
[log]
zzzzzzzzzzzz = 1
[org]
zzzzzzzzzzzz = 1
";

const ORGANIZATION: &str = r#"
zzzzzzzzzzzz = 1
[parent]
zzzzzzzzzzzz = 1
[[domain]]
zzzzzzzzzzzz = 1
[[connection]]
protocol = "saml"
zzzzzzzzzzzz = 1
[connection.attributes]
zzzzzzzzzzzz = 1
[[connection]]
protocol = "oidc"
zzzzzzzzzzzz = 1
[connection.claims]
zzzzzzzzzzzz = 1
[connection.group_lookup]
zzzzzzzzzzzz = 1
[[organization]]
seat_tiers = [{ zzzzzzzzzzzz = 1 }]
zzzzzzzzzzzz = 1
[organization.role_mappings]
User = [{ zzzzzzzzzzzz = 1 }]
[organization.policy]
zzzzzzzzzzzz = 1
[organization.policy.removal_threshold]
zzzzzzzzzzzz = 1
"#;

fn known_keys() -> BTreeSet<String> {
    let folder = Folder::new().with("usher.toml", PROCESS).with("org.toml", ORGANIZATION);
    let found = [folder.load().map(|_| ()), folder.load_org().map(|_| ())];
    let found: Vec<_> = found.into_iter().flat_map(|result| result.map_or_else(Faults::into_list, |()| Vec::new())).collect();
    let unknown: Vec<_> = found.iter().filter(|fault| fault.code.as_str() == "U003").collect();
    assert_eq!(unknown.len(), PROCESS.matches("zzz = 1").count() + ORGANIZATION.matches("zzz = 1").count(), "each table must answer");
    let lists = unknown.iter().map(|fault| fault.suggestion.clone().unwrap().strip_prefix("known here: ").unwrap().to_owned());
    lists.flat_map(|list| list.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_key_is_on_the_page() {
    let missing: Vec<_> = known_keys().into_iter().filter(|key| !PAGE.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/configuration.md does not say what these are: {missing:?}");
}

#[test]
fn the_page_explains_no_key_that_does_not_exist() {
    let known = known_keys();
    let first_cell = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let explained: Vec<_> = PAGE.lines().filter_map(first_cell).collect();
    assert!(explained.len() > 50);
    let unknown: Vec<_> = explained.iter().filter(|key| !known.contains(*key)).collect();
    assert!(unknown.is_empty(), "docs/configuration.md explains keys that are not there: {unknown:?}");
}
