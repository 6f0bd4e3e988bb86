//! Every page of the console, read from the lines that route to it: a page that is added is looked at from then on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails in a test's own helpers fails the test")]

use std::path::{Path, PathBuf};

/// Where pages are under `/admin/{organization}`, with what stands for something already filled in.
pub(crate) fn pages(known: &[(&str, &str)]) -> Vec<String> {
    let mut leaves: Vec<String> = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/admin")))
        .iter()
        .flat_map(|path| gets(&std::fs::read_to_string(path).unwrap()))
        .filter_map(|route| route.strip_prefix("/admin/{organization}").map(str::to_owned))
        .map(|leaf| known.iter().fold(leaf, |leaf, (name, value)| leaf.replace(&format!("{{{name}}}"), value)))
        .collect();
    leaves.sort();
    assert!(leaves.len() > 10, "the routes are not where they were: {leaves:?}");
    if let Some(unknown) = leaves.iter().find(|leaf| leaf.contains('{')) {
        panic!("say in `pages` what could stand in {unknown}");
    }
    leaves
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The first argument of each `.route(…)` that answers GET.
fn gets(source: &str) -> Vec<String> {
    let routes = source.split(".route(").skip(1).filter_map(|call| {
        let (_, rest) = call.split_once('"')?;
        let (route, methods) = rest.split_once('"')?;
        let methods = methods.split(['\n', ';']).next().unwrap_or_default();
        (methods.contains(" get(") || methods.contains(".get(")).then(|| route.to_owned())
    });
    routes.collect()
}

#[test]
fn routes_are_read_from_the_sources() {
    let source = r#"
        .route("/a", get(show).post(edit))
        .route("/b", post(edit))
        .route("/c", post(edit).get(show));
        fn get(get: &str) {}"#;
    assert_eq!(gets(source), ["/a", "/c"]);
}
