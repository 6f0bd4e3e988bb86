//! What is counted beside the work: cheap to add to, read when somebody asks for `/metrics`. Labels are bounded: never a path, an address or a name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Upper bounds of the buckets, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts by what happened, for what is rare beside the requests that pass. Keys are a bounded set.
#[derive(Debug)]
pub struct Tally<K>(Mutex<BTreeMap<K, u64>>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone> Tally<K> {
    /// One in which these are counted from the start, at nothing: to Prometheus, a count that begins at 1 has not grown.
    pub fn from_nothing_of(keys: impl IntoIterator<Item = K>) -> Self {
        Self(Mutex::new(keys.into_iter().map(|key| (key, 0)).collect()))
    }

    /// `n` more of `key`.
    pub fn add(&self, key: K, n: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += n as u64;
    }

    /// All counts so far.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<K, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How long something took, without a lock: it is on the way of every request.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [Count; BOUNDS.len()],
    longer: Count,
    sum_micros: AtomicU64,
}

impl Latency {
    /// Adds one observation.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().zip(&self.buckets).find(|(bound, _)| seconds <= **bound).map_or(&self.longer, |(_, bucket)| bucket);
        bucket.add();
        self.sum_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Waits for an answer, and observes how long that took; no answer is no observation.
    ///
    /// # Errors
    /// Those of what is waited for.
    pub async fn of<T, E>(&self, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let began = Instant::now();
        let answer = answer.await;
        if answer.is_ok() {
            self.observe(began.elapsed());
        }
        answer
    }

    /// Observations so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(Count::total).sum::<u64>() + self.longer.total()
    }

    /// Their sum, in seconds.
    #[must_use]
    pub fn sum_seconds(&self) -> f64 {
        Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)).as_secs_f64()
    }

    /// Upper bound in seconds and observations of each bucket, not added up; the last one has no bound, without which Prometheus
    /// computes no quantile.
    #[must_use]
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounded = BOUNDS.iter().zip(&self.buckets).map(|(bound, bucket)| (*bound, bucket.total()));
        bounded.chain([(f64::INFINITY, self.longer.total())]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_observation_is_in_one_bucket() {
        let latency = Latency::default();
        for millis in [0, 1, 3, 40, 60_000] {
            latency.observe(Duration::from_millis(millis));
        }
        assert_eq!(latency.count(), 5);
        let filled: Vec<(f64, u64)> = latency.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.001, 2), (0.005, 1), (0.05, 1), (f64::INFINITY, 1)]);
        assert!((latency.sum_seconds() - 60.044).abs() < 1e-9);
    }
}
