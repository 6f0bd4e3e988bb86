//! Seeds, changed at random: what can be had without the fuzzer, which watches where each change leads.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const WORDS: &str = include_str!("../../fuzz/words.dict");

/// Makes one input after another, the same ones for the same number.
pub(super) struct Mutations {
    seeds: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    random: StdRng,
}

impl Mutations {
    pub(super) fn of(seeds: Vec<Vec<u8>>, number: u64) -> Self {
        let quoted = WORDS.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
        let words = quoted.map(|word| word.replace("\\\"", "\"").replace("\\x0A", "\n").into_bytes()).collect();
        Self { seeds, words, random: StdRng::seed_from_u64(number) }
    }

    fn any<'a>(random: &mut StdRng, all: &'a [Vec<u8>]) -> &'a [u8] {
        &all[random.random_range(0..all.len())]
    }

    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut input = Self::any(&mut self.random, &self.seeds).to_vec();
        for _ in 0..self.random.random_range(1..4) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let at = random.random_range(0..=input.len());
        let end = at + random.random_range(0..=(input.len() - at).min(200));
        match random.random_range(0..6) {
            0 => drop(input.drain(at..end)),
            1 => {
                let piece = input[at..end].to_vec();
                let to = random.random_range(0..=input.len());
                drop(input.splice(to..to, piece));
            }
            2 => {
                let word = Self::any(random, &self.words).to_vec();
                drop(input.splice(at..at, word));
            }
            3 => {
                let word = Self::any(random, &self.words).to_vec();
                drop(input.splice(at..end, word));
            }
            4 => {
                let other = Self::any(random, &self.seeds);
                let from = random.random_range(0..=other.len());
                let to = from + random.random_range(0..=(other.len() - from).min(2000));
                drop(input.splice(at..end, other[from..to].to_vec()));
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = random.random();
                }
            }
        }
    }
}
