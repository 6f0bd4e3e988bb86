//! The pages for people against the tree that they describe: links, test names, commands and codes.

use std::path::{Path, PathBuf};
use std::process::Command;

use strum::IntoEnumIterator as _;
use usher::core::Reason;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let security = ["attacks", "guarantees", "testing", "threats"].map(|name| root().join(format!("docs/security/{name}.md")));
    docs.chain(security).chain([root().join("README.md"), root().join("CHANGELOG.md")]).collect()
}

/// What stands between each `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: char) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split_once(end)).map(|(inside, _)| inside).collect()
}

/// A heading as the address of its section: lower case, blanks to dashes, other characters gone.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim().to_lowercase());
    headings.map(|line| line.replace(' ', "-").chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_section_that_are_there() {
    for page in pages() {
        let text = read(&page);
        let targets =
            ["](", "src=\"", "srcset=\""].into_iter().flat_map(|start| between(&text, start, if start == "](" { ')' } else { '"' }));
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.is_file(), "{}: {target}", page.display());
            assert!(section.is_empty() || anchors(&read(&path)).contains(&section.to_owned()), "{}: {target}", page.display());
        }
    }
}

/// Tests that a page names, each with the file that it links.
fn named_tests(page: &str) -> Vec<(String, PathBuf)> {
    let text = read(page);
    let links = between(&text, "[`", ')').into_iter().filter_map(|link| link.split_once("`]("));
    let files = links.map(|(name, file)| (name.to_owned(), root().join(page).parent().unwrap().join(file)));
    files.filter(|(_, file)| file.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn every_promise_names_a_test_of_the_file_that_it_links() {
    for (page, least) in [("README.md", 10), ("docs/security/guarantees.md", 40)] {
        let promises = named_tests(page);
        assert!(promises.len() > least, "{page}: {}", promises.len());
        for (name, file) in promises {
            let text = read(&file);
            // The attacks are tests made from rows: an id, the name, the code.
            assert!(
                text.contains(&format!("fn {name}(")) || text.contains(&format!("\" {name} \"")),
                "{} has no test {name}",
                file.display()
            );
        }
    }
}

#[test]
fn every_command_in_the_pages_is_one_of_the_program() {
    let help = Command::new(env!("CARGO_BIN_EXE_usher")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    for page in pages() {
        for line in read(&page).lines() {
            // `./usher test` is the script's own.
            let said = ["`usher ", "./usher ", "$ usher ", "ExecStart=/usr/local/bin/usher "]
                .into_iter()
                .flat_map(|start| line.split(start).skip(1));
            for command in said.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default()) {
                assert!(command == "test" || commands.contains(&command), "{}: usher {command}", page.display());
            }
        }
    }
}

/// The variants of an enum in a source file, in snake case, as strum writes them.
fn codes(file: &str) -> Vec<String> {
    let text = read(file);
    let variants = text.lines().skip_while(|line| !line.starts_with("pub enum")).skip(1).take_while(|line| *line != "}");
    let variants = variants.filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let names = variants.map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect::<String>());
    names
        .map(|name| {
            name.chars().fold(
                String::new(),
                |code, c| if c.is_uppercase() && !code.is_empty() { code + "_" } else { code } + &c.to_lowercase().to_string(),
            )
        })
        .collect()
}

#[test]
fn every_code_of_a_refused_message_is_explained() {
    let page = read("docs/connections.md");
    let (saml, oidc) = page.split_once("### Codes of OpenID Connect").unwrap();
    for (part, file) in [(saml, "src/saml/error.rs"), (oidc, "src/oidc/error.rs")] {
        let codes = codes(file);
        assert!(codes.len() > 30, "{file}: {codes:?}");
        let rows: String = part.lines().filter(|line| line.starts_with("| `")).collect();
        for code in codes {
            assert!(rows.contains(&format!("`{code}`")), "{file}: {code} is not explained");
        }
    }
}

#[test]
fn every_reason_of_the_rules_is_explained() {
    let page = read("docs/rules.md");
    let rows: String = page.lines().filter(|line| line.starts_with("| `")).collect();
    for reason in Reason::iter() {
        assert!(rows.contains(&format!("`{reason}`")), "{reason} is not explained");
    }
}
