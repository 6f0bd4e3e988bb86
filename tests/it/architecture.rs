//! Who may know whom: the `use` lines of `src/`, read and compared with the direction of knowledge (see the crate's own documentation).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may name. `clock`, `random`, `outbound` and `metrics` are tools: all but `core` may name them.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let tools = ["clock", "random", "outbound", "metrics"];
    let rules: [(&str, &[&str]); 23] = [
        ("core", &[]),
        ("clock", &[]),
        ("random", &[]),
        ("outbound", &["core"]),
        ("metrics", &[]),
        ("config", &["core"]),
        ("store", &["core"]),
        ("saml", &["core"]),
        ("oidc", &["core"]),
        ("session", &["core", "store", "config"]),
        ("login", &["core", "store"]),
        ("proxy", &["core", "store", "config", "session"]),
        ("doors", &["core", "saml", "oidc"]),
        ("admin", &["core", "store", "session"]),
        ("app", &["admin", "core", "config", "store", "session", "login", "proxy", "doors"]),
        ("traces", &["proxy"]),
        ("server", &["proxy", "traces"]),
        ("http", &["admin", "core", "config", "store", "session", "login", "saml", "oidc", "doors", "app", "proxy", "server"]),
        ("demo", &["core", "config", "store", "saml"]),
        ("gateway", &["config", "store", "session", "proxy", "saml", "doors", "app", "server", "http", "core"]),
        (
            "cli",
            &[
                "admin", "core", "config", "store", "session", "proxy", "saml", "oidc", "doors", "app", "gateway", "server", "demo",
                "login", "traces",
            ],
        ),
        ("lib", &[]),
        ("main", &["cli"]),
    ];
    rules
        .into_iter()
        .map(|(module, known)| {
            let tools = tools.iter().filter(|_| !matches!(module, "core" | "clock" | "random" | "metrics" | "lib" | "main"));
            (module, known.iter().chain(tools).copied().collect())
        })
        .collect()
}

/// Crates that stay inside one folder.
const CONFINED: [(&str, &[&str]); 5] = [
    ("samael", &["src/saml"]),
    ("openidconnect", &["src/oidc"]),
    ("sqlx", &["src/store"]),
    ("rusqlite", &["src/store"]),
    ("tower_sessions", &["src/session", "src/http"]),
];

#[test]
fn knowledge_goes_one_way() {
    let allowed = allowed();
    let breaches: Vec<String> = sources()
        .iter()
        .flat_map(|(path, text)| {
            let module = module_of(path);
            let may_know = &allowed[module.as_str()];
            let known = named_modules(text).into_iter().filter(move |known| *known != module_of(path));
            known
                .filter(|known| !may_know.contains(known.as_str()))
                .map(|known| format!("{} names {known}", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn a_crate_of_the_edge_stays_in_its_folder() {
    let breaches: Vec<String> = sources()
        .iter()
        .flat_map(|(path, text)| {
            let strays = CONFINED.iter().filter(|(name, folders)| {
                code_lines(text).any(|line| names_crate(line, name)) && !folders.iter().any(|folder| path.starts_with(folder))
            });
            strays.map(|(name, _)| format!("{} names {name}", path.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn only_the_doors_vouch_for_an_identity() {
    let elsewhere = |(path, text): &&(PathBuf, String)| {
        code_lines(text).any(|line| line.contains("VerifiedIdentity::vouch"))
            && !["src/saml", "src/oidc"].iter().any(|door| path.starts_with(door))
    };
    let sources = sources();
    let strangers: Vec<_> = sources.iter().filter(elsewhere).map(|(path, _)| path).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn a_breach_would_be_seen() {
    assert_eq!(
        named_modules("use crate::http::views;\n// use crate::demo::x;\nlet x = crate::store::y();"),
        ["http", "store"].map(str::to_owned).into()
    );
    assert_eq!(named_modules("use crate::{core::Role, store};"), ["core", "store"].map(str::to_owned).into());
    assert!(names_crate("use sqlx::Row;", "sqlx") && !names_crate("let sqlx_like = 1;", "sqlx"));
}

fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// Lines outside of comments.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

/// The top-level modules of this crate that a file names.
fn named_modules(text: &str) -> BTreeSet<String> {
    let code: String = code_lines(text).collect::<Vec<_>>().join("\n");
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => named.extend(list.split('}').next().unwrap_or_default().split(',').map(|item| word(item.trim()))),
            None => drop(named.insert(word(rest))),
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

fn module_of(path: &Path) -> String {
    let first = path.strip_prefix("src").unwrap().components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_string_lossy().into_owned()
}

/// Every source file, by its path from the project's folder.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(sources.len() > 50, "the sources were not found");
    sources
}
