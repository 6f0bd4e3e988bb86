//! Values that live for a while under a secret key, in memory: waiting requests, codes, access tokens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::random::{self, RandomError};

/// More than this many values are not kept: the oldest go first.
const MOST: usize = 1024;

/// Values of one kind and one life.
#[derive(Debug)]
pub(super) struct Expiring<T> {
    life: SignedDuration,
    values: Mutex<HashMap<String, (Timestamp, T)>>,
}

impl<T: Clone> Expiring<T> {
    pub(super) fn new(life: SignedDuration) -> Self {
        Self { life, values: Mutex::default() }
    }

    /// Keeps a value and answers its key.
    pub(super) fn put(&self, value: T, now: Timestamp) -> Result<String, RandomError> {
        let key = random::token()?;
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.retain(|_, (since, _)| now.duration_since(*since) < self.life);
        if values.len() >= MOST
            && let Some(oldest) = values.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone())
        {
            values.remove(&oldest);
        }
        values.insert(key.clone(), (now, value));
        Ok(key)
    }

    /// Reads a value.
    pub(super) fn find(&self, key: &str, now: Timestamp) -> Option<T> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.get(key).filter(|(since, _)| now.duration_since(*since) < self.life).map(|(_, value)| value.clone())
    }

    /// Reads and deletes a value: only the first caller gets it.
    pub(super) fn take(&self, key: &str, now: Timestamp) -> Option<T> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.remove(key).filter(|(since, _)| now.duration_since(*since) < self.life).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_value_is_taken_once() {
        let codes = Expiring::new(SignedDuration::from_secs(60));
        let key = codes.put(7, START).unwrap();
        assert_eq!(codes.find(&key, START), Some(7));
        assert_eq!(codes.take(&key, START), Some(7));
        assert_eq!(codes.take(&key, START), None);
    }

    #[test]
    fn a_value_is_gone_when_its_life_is_over() {
        let codes = Expiring::new(SignedDuration::from_secs(60));
        let key = codes.put(7, START).unwrap();
        assert_eq!(codes.find(&key, START + SignedDuration::from_secs(59)), Some(7));
        assert_eq!(codes.take(&key, START + SignedDuration::from_secs(60)), None);
    }

    #[test]
    fn the_oldest_value_makes_room() {
        let codes = Expiring::new(SignedDuration::from_hours(1));
        let first = codes.put(0, START).unwrap();
        for n in 1..=MOST {
            codes.put(n, START + SignedDuration::from_secs(1)).unwrap();
        }
        assert_eq!(codes.find(&first, START + SignedDuration::from_secs(1)), None);
    }
}
