//! A document of the provider, kept for a while and fetched by one task at a time.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use super::OidcError;

/// How long a document is used without asking again.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How long the last good one stands in while the provider does not answer.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// How long after a failure nobody tries again.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// The least time between two fetches that a token of one origin provoked: whoever sends random key ids gets one a minute.
const FLOOR: SignedDuration = SignedDuration::from_secs(60);

/// Whose token did not fit the document. Each has fetches of its own: anybody may send logout tokens, and must not use up what lets logins follow a
/// change of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// The provider, in answer to a request of ours.
    Provider,
    /// Anybody.
    Stranger,
}

/// One document. Readers of a fresh one never wait for a fetch.
#[derive(Debug)]
pub(super) struct Kept<T> {
    slot: RwLock<Slot<T>>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Slot<T> {
    good: Option<(Arc<T>, Timestamp)>,
    failure: Option<(OidcError, Timestamp)>,
    forced_by_provider: Option<Timestamp>,
    forced_by_stranger: Option<Timestamp>,
    /// Counts finished fetches, so that who has waited for one takes its outcome instead of fetching again.
    fetches: u64,
}

impl<T> Kept<T> {
    pub(super) const fn new() -> Self {
        let slot = Slot { good: None, failure: None, forced_by_provider: None, forced_by_stranger: None, fetches: 0 };
        Self { slot: RwLock::new(slot), flight: tokio::sync::Mutex::const_new(()) }
    }

    /// The document: the kept one, or a new one, or the last good one when there is no new one.
    pub(super) async fn load<F>(&self, now: Timestamp, fetch: impl FnOnce() -> F) -> Result<Arc<T>, OidcError>
    where
        F: Future<Output = Result<T, OidcError>>,
    {
        let before = match self.read(|slot| slot.answer(now).ok_or(slot.fetches)) {
            Ok(answer) => return answer,
            Err(fetches) => fetches,
        };
        let _flight = self.flight.lock().await;
        if let Some(answer) = self.read(|slot| if slot.fetches == before { slot.answer(now) } else { slot.outcome(now) }) {
            return answer;
        }
        let fetched = fetch().await;
        self.write(|slot| slot.note(fetched, now));
        self.read(|slot| slot.outcome(now)).unwrap_or(Err(OidcError::SettingsInvalid("nothing was fetched")))
    }

    /// A newer document than `used`, which did not fit; `None` when asking again has to wait.
    pub(super) async fn refetch<F>(
        &self,
        used: &Arc<T>,
        asker: Asker,
        now: Timestamp,
        fetch: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, OidcError>
    where
        F: Future<Output = Result<T, OidcError>>,
    {
        let _flight = self.flight.lock().await;
        if let Some(newer) = self.read(|slot| slot.newer_than(used)) {
            return Ok(Some(newer));
        }
        if self.write(|slot| slot.forced_at(asker).is_some_and(|at| within(FLOOR, at, now))) {
            return Ok(None);
        }
        self.write(|slot| *slot.forced_at(asker) = Some(now));
        let fetched = fetch().await;
        let failed = fetched.as_ref().err().cloned();
        self.write(|slot| slot.note(fetched, now));
        match failed {
            Some(error) => Err(error),
            None => Ok(self.read(|slot| slot.newer_than(used))),
        }
    }

    fn read<R>(&self, look: impl FnOnce(&Slot<T>) -> R) -> R {
        look(&self.slot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, change: impl FnOnce(&mut Slot<T>) -> R) -> R {
        change(&mut self.slot.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Slot<T> {
    /// What can be said without a fetch.
    fn answer(&self, now: Timestamp) -> Option<Result<Arc<T>, OidcError>> {
        if let Some((good, at)) = &self.good
            && within(FRESH, *at, now)
        {
            return Some(Ok(Arc::clone(good)));
        }
        let (_, failed_at) = self.failure.as_ref()?;
        if within(RETRY_AFTER, *failed_at, now) { self.outcome(now) } else { None }
    }

    /// What the last fetch left: its document, or an older one that may stand in, or its error.
    fn outcome(&self, now: Timestamp) -> Option<Result<Arc<T>, OidcError>> {
        match (&self.good, &self.failure) {
            (Some((good, _)), None) => Some(Ok(Arc::clone(good))),
            (Some((good, at)), Some(_)) if within(STALE, *at, now) => Some(Ok(Arc::clone(good))),
            (_, Some((error, _))) => Some(Err(error.clone())),
            (None, None) => None,
        }
    }

    /// When a token of this origin last provoked a fetch.
    const fn forced_at(&mut self, asker: Asker) -> &mut Option<Timestamp> {
        match asker {
            Asker::Provider => &mut self.forced_by_provider,
            Asker::Stranger => &mut self.forced_by_stranger,
        }
    }

    fn newer_than(&self, used: &Arc<T>) -> Option<Arc<T>> {
        self.good.as_ref().map(|(good, _)| good).filter(|good| !Arc::ptr_eq(good, used)).cloned()
    }

    fn note(&mut self, fetched: Result<T, OidcError>, now: Timestamp) {
        self.fetches += 1;
        match fetched {
            Ok(document) => {
                self.good = Some((Arc::new(document), now));
                self.failure = None;
            }
            Err(error) => self.failure = Some((error, now)),
        }
    }
}

/// Whether `now` is less than `span` away from `at`, in either direction: a clock that was set back must not keep a document for ever.
fn within(span: SignedDuration, at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() < span
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    const DOWN: OidcError = OidcError::KeyNotFound;

    #[tokio::test]
    async fn a_document_is_fetched_once_an_hour() {
        let (kept, count) = (Kept::new(), AtomicU32::new(0));
        let fetch = || async { Ok(count.fetch_add(1, Ordering::SeqCst)) };
        for (second, expected) in [(0, 0), (1, 0), (3599, 0), (3600, 1), (3601, 1)] {
            assert_eq!(*kept.load(at(second), fetch).await.unwrap(), expected, "after {second} s");
        }
    }

    #[tokio::test]
    async fn many_who_wait_share_one_fetch() {
        let (kept, count) = (Arc::new(Kept::new()), Arc::new(AtomicU32::new(0)));
        let gate = Arc::new(tokio::sync::Barrier::new(2));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (kept, count, gate) = (Arc::clone(&kept), Arc::clone(&count), Arc::clone(&gate));
                tokio::spawn(async move {
                    let fetch = || async {
                        count.fetch_add(1, Ordering::SeqCst);
                        gate.wait().await;
                        Err::<u32, _>(DOWN)
                    };
                    kept.load(at(0), fetch).await
                })
            })
            .collect();
        gate.wait().await;
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap_err(), DOWN);
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_forgotten_after_a_few_seconds() {
        let kept = Kept::new();
        assert_eq!(kept.load(at(0), async || Err::<u32, _>(DOWN)).await.unwrap_err(), DOWN);
        assert_eq!(kept.load(at(4), async || Ok(1)).await.unwrap_err(), DOWN);
        assert_eq!(*kept.load(at(5), async || Ok(1)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_last_good_document_stands_in_for_a_day() {
        let kept = Kept::new();
        kept.load(at(0), async || Ok(7)).await.unwrap();
        for hours in [1, 5, 23] {
            assert_eq!(*kept.load(at(hours * 3600), async || Err(DOWN)).await.unwrap(), 7);
        }
        assert_eq!(kept.load(at(24 * 3600), async || Err(DOWN)).await.unwrap_err(), DOWN);
    }

    #[tokio::test]
    async fn a_refetch_is_granted_once_a_minute() {
        let (kept, count) = (Kept::new(), AtomicU32::new(0));
        let fetch = || async { Ok(count.fetch_add(1, Ordering::SeqCst)) };
        let mut used = kept.load(at(0), fetch).await.unwrap();
        for (second, granted) in [(1, true), (2, false), (60, false), (61, true), (62, false)] {
            let newer = kept.refetch(&used, Asker::Provider, at(second), fetch).await.unwrap();
            assert_eq!(newer.is_some(), granted, "after {second} s");
            used = newer.unwrap_or(used);
        }
    }

    #[tokio::test]
    async fn who_used_an_old_document_gets_the_newer_one_without_a_fetch() {
        let kept = Kept::new();
        let old = kept.load(at(0), async || Ok(1)).await.unwrap();
        kept.refetch(&old, Asker::Provider, at(1), async || Ok(2)).await.unwrap();
        let newer = kept.refetch(&old, Asker::Provider, at(2), async || Ok(3)).await.unwrap();
        assert_eq!(newer.as_deref(), Some(&2));
    }
}
