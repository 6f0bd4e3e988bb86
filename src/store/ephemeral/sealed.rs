//! What stands in a store outside of this machine, sealed: whoever reads it there learns no token, no address and no session, and whoever writes there
//! makes none up.
//!
//! A value is sealed to its key, so that none can be put in another's place. Names of keys, sets and counters are not sealed: they are made of hashes and of
//! our own words.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use bytes::Bytes;
use tokio::sync::broadcast;

use super::{Ephemeral, EphemeralError, Published};
use crate::metrics::Latency;
use crate::random;

/// The form of what is written here.
const FORM: u8 = 1;
const ID_LEN: usize = 8;
const HEAD_LEN: usize = 1 + ID_LEN + NONCE_LEN;

/// A value cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[error("a value cannot be sealed")]
struct Unsealable;

/// The key that seals, first, and those that only open.
pub struct SealingKeys(Vec<Key>);

struct Key {
    id: [u8; ID_LEN],
    key: LessSafeKey,
}

impl Key {
    /// RFC 5869: one secret for two purposes, each with a key of its own.
    fn derive(secret: &[u8]) -> Option<Self> {
        let derived = Salt::new(HKDF_SHA256, b"usher sealed store").extract(secret);
        let (mut id, mut key) = ([0; ID_LEN], [0; 32]);
        derived.expand(&[b"id"], Length(ID_LEN)).ok()?.fill(&mut id).ok()?;
        derived.expand(&[b"key"], Length(32)).ok()?.fill(&mut key).ok()?;
        Some(Self { id, key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?) })
    }
}

struct Length(usize);

impl aws_lc_rs::hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl SealingKeys {
    /// From secrets of 256 bits or more, the one in use first.
    #[must_use]
    pub fn new<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        Self(secrets.filter_map(Key::derive).collect())
    }

    fn seal(&self, name: &str, value: &[u8]) -> Result<Bytes, EphemeralError> {
        let fault = || EphemeralError(Box::new(Unsealable));
        let Key { id, key } = self.0.first().ok_or_else(fault)?;
        // Random: 2^32 values under one key before two could meet, which a rotation forestalls (NIST SP 800-38D 8.3).
        let nonce: [u8; NONCE_LEN] = random::bytes().map_err(|error| EphemeralError(Box::new(error)))?;
        let mut sealed = Vec::with_capacity(HEAD_LEN + value.len() + AES_256_GCM.tag_len());
        sealed.push(FORM);
        sealed.extend_from_slice(id);
        sealed.extend_from_slice(&nonce);
        let mut text = value.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut text).map_err(|_| fault())?;
        sealed.append(&mut text);
        Ok(sealed.into())
    }

    /// What was sealed for this name; `None`: by somebody else, for another name, or with a key that is gone.
    fn open(&self, name: &str, sealed: &[u8]) -> Option<Bytes> {
        let (&[FORM, ref head @ ..], text) = sealed.split_first_chunk::<HEAD_LEN>()? else { return None };
        let (id, nonce) = head.split_first_chunk::<ID_LEN>()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let Key { key, .. } = self.0.iter().find(|key| key.id == *id)?;
        let mut text = text.to_vec();
        let length = key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text.into())
    }
}

impl std::fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealingKeys").field("count", &self.0.len()).finish_non_exhaustive()
    }
}

/// A store in which every value is sealed.
#[derive(Debug)]
pub struct SealedStore {
    inner: Arc<dyn Ephemeral>,
    keys: ArcSwap<SealingKeys>,
}

impl SealedStore {
    /// Seals what goes into `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Ephemeral>, keys: SealingKeys) -> Self {
        Self { inner, keys: ArcSwap::from_pointee(keys) }
    }

    /// Takes other keys, which should open what those of before have sealed.
    pub fn replace_keys(&self, keys: SealingKeys) {
        self.keys.store(Arc::new(keys));
    }

    fn seal(&self, name: &str, value: &[u8]) -> Result<Bytes, EphemeralError> {
        self.keys.load().seal(name, value)
    }

    /// What cannot be opened is as good as not there: it is nobody's session.
    fn open(&self, name: &str, sealed: Option<Bytes>) -> Option<Bytes> {
        let opened = self.keys.load().open(name, &sealed?);
        if opened.is_none() {
            tracing::warn!("a value in the session store was not sealed with a key of this node");
        }
        opened
    }
}

#[async_trait]
impl Ephemeral for SealedStore {
    async fn ping(&self) -> Result<(), EphemeralError> {
        self.inner.ping().await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), EphemeralError> {
        self.inner.put(key, self.seal(key, &value)?, ttl).await
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, EphemeralError> {
        self.inner.replace(key, self.seal(key, &value)?, ttl).await
    }

    async fn find(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        Ok(self.open(key, self.inner.find(key).await?))
    }

    async fn take(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        Ok(self.open(key, self.inner.take(key).await?))
    }

    async fn claim(&self, key: &str, ttl: Duration) -> Result<bool, EphemeralError> {
        self.inner.claim(key, ttl).await
    }

    async fn delete(&self, key: &str) -> Result<bool, EphemeralError> {
        self.inner.delete(key).await
    }

    async fn insert_into_set(&self, set: &str, member: &str, ttl: Duration) -> Result<(), EphemeralError> {
        self.inner.insert_into_set(set, member, ttl).await
    }

    async fn remove_from_set(&self, set: &str, member: &str) -> Result<(), EphemeralError> {
        self.inner.remove_from_set(set, member).await
    }

    async fn list_set(&self, set: &str) -> Result<Vec<String>, EphemeralError> {
        self.inner.list_set(set).await
    }

    async fn list_oldest(&self, set: &str, at_most: u32) -> Result<Vec<String>, EphemeralError> {
        self.inner.list_oldest(set, at_most).await
    }

    async fn count(&self, key: &str, window: Duration) -> Result<u64, EphemeralError> {
        self.inner.count(key, window).await
    }

    async fn publish(&self, message: Bytes) -> Result<(), EphemeralError> {
        self.inner.publish(message).await
    }

    fn took(&self) -> Option<&Latency> {
        self.inner.took()
    }

    fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.inner.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[&str]) -> SealingKeys {
        SealingKeys::new(secrets.iter().map(|secret| secret.as_bytes()))
    }

    #[test]
    fn a_value_opens_under_its_own_name_only() {
        let sealed = keys(&["one"]).seal("session:ada", b"geheim").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"geheim"));
        assert_eq!(keys(&["one"]).open("session:ada", &sealed).as_deref(), Some(&b"geheim"[..]));
        assert_eq!(keys(&["one"]).open("session:eve", &sealed), None);
        assert_ne!(keys(&["one"]).seal("session:ada", b"geheim").unwrap(), sealed, "twice the same looks different");
        assert_eq!(keys(&["one"]).open("e", &keys(&["one"]).seal("e", b"").unwrap()).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn keys_of_before_and_after_open_and_strangers_keys_do_not() {
        let (before, after) = (keys(&["one", "two"]), keys(&["two", "three", "one"]));
        let (old, new) = (before.seal("k", b"old").unwrap(), after.seal("k", b"new").unwrap());
        assert_eq!(after.open("k", &old).as_deref(), Some(&b"old"[..]));
        assert_eq!(before.open("k", &new).as_deref(), Some(&b"new"[..]), "a node that was not reloaded yet");
        assert_eq!(keys(&["four"]).open("k", &old), None);
    }

    #[test]
    fn what_was_changed_cut_or_never_sealed_does_not_open() {
        let keys = keys(&["one"]);
        let sealed = keys.seal("k", b"geheim").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[at] ^= 1;
            assert_eq!(keys.open("k", &changed), None, "byte {at}");
            assert_eq!(keys.open("k", &sealed[..at]), None, "the first {at} bytes");
        }
        assert_eq!(keys.open("k", br#"{"login":{"person":"eve"}}"#), None);
    }
}
