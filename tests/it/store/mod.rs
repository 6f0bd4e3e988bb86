//! Storage. `conformance` and `ephemeral` are suites over the traits: every backend passes them whole.

// Says to clippy that helpers of tests are tests too.
#![cfg(test)]

mod conformance;
mod crash;
mod disk;
mod ephemeral;
pub(crate) mod fixtures;
pub(crate) mod postgres;
mod property;
pub(crate) mod sqlite;
mod tls;

#[test]
fn both_databases_have_every_step_of_the_schema() {
    let steps = ["sqlite", "postgres"].map(|database| {
        let folder = format!("{}/src/store/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let opening = std::fs::read_to_string(format!("{}/src/store/{database}/open.rs", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        for file in &files {
            assert!(opening.contains(&format!("migrations/{database}/{file}")), "{database} never makes the step {file}");
        }
        files
    });
    assert_eq!(steps[0], steps[1]);
}
