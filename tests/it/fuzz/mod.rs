//! What fuzzing starts from and what it has found, on every run: each input goes through the same functions that the fuzzer calls (`tests/fuzz`).
//!
//! - here: the run
//! - `mutations`: a few thousand random changes of the seeds; `USHER_FUZZ_SECONDS=N` goes on for so long with each target
//! - `seeds`: what fuzzing starts from: the attacks of this suite, and a few good and bad inputs of every other kind
//!
//! `USHER_WRITE_SEEDS=DIRECTORY` writes the seeds for the fuzzer; `tests/fuzz/run` does that, and fuzzes.

#[path = "../../fuzz/harness/mod.rs"]
mod harness;
mod mutations;
mod seeds;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::TARGETS;
use mutations::Mutations;

/// Inputs that were found, with what is worth keeping of the corpora.
fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(files) = std::fs::read_dir(corpus(target)) else { return Vec::new() };
    let paths = files.map(|file| file.unwrap().path());
    paths.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// Names what is under way when it panics.
fn run(target: &str, name: &str, harness: harness::Harness, input: &[u8]) {
    let answered = std::panic::catch_unwind(|| harness(input));
    assert!(answered.is_ok(), "{target}: {name}: {}", String::from_utf8_lossy(input));
}

#[test]
fn every_seed_and_everything_that_was_found_is_answered() {
    let mut tried = BTreeMap::new();
    for (target, harness) in TARGETS {
        let seeds = seeds::of(target);
        assert!(seeds.len() > 5, "{target}: {}", seeds.len());
        for (number, input) in seeds.iter().enumerate() {
            run(target, &format!("seed {number}"), harness, input);
        }
        let kept = kept(target);
        for (name, input) in &kept {
            run(target, name, harness, input);
        }
        tried.insert(target, seeds.len() + kept.len());
    }
    if let Some(directory) = std::env::var_os("USHER_WRITE_SEEDS") {
        write(Path::new(&directory));
    }
    println!("{tried:?}");
}

#[test]
fn no_random_change_of_a_seed_breaks_a_promise() {
    let variable = |name: &str| std::env::var_os(name).map(|text| text.to_str().unwrap().parse::<u64>().unwrap());
    // Without the variable, always the same ones.
    let seconds = variable("USHER_FUZZ_SECONDS");
    let number = variable("USHER_FUZZ_NUMBER").unwrap_or_default();
    for (target, harness) in TARGETS {
        let start = Instant::now();
        let mut mutations = Mutations::of(seeds::of(target), number);
        let mut tried = 0;
        while seconds.map_or(tried < 200, |seconds| start.elapsed() < Duration::from_secs(seconds)) {
            run(target, "changed at random", harness, &mutations.next());
            tried += 1;
        }
        println!("{target}: {tried}");
    }
}

fn write(directory: &Path) {
    for (target, _) in TARGETS {
        let directory = directory.join(target);
        std::fs::create_dir_all(&directory).unwrap();
        for (number, input) in seeds::of(target).into_iter().enumerate() {
            std::fs::write(directory.join(format!("seed-{number:03}")), input).unwrap();
        }
    }
}

#[test]
fn every_target_is_one_of_the_fuzzers_programs() {
    let manifest = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/Cargo.toml")).unwrap();
    for (target, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
