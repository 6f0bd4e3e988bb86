//! Randomness: the only place that asks the machine for it. Every secret and id of Usher comes from here.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

/// The machine has no randomness to give: nothing that needs it may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct RandomError;

/// Fills an array with random bytes.
///
/// # Errors
/// [`RandomError`] when the system cannot give any.
pub fn bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RandomError)?;
    Ok(bytes)
}

/// A secret of 256 bits in base64url, 43 characters: session ids, states, nonces, PKCE verifiers, tickets.
///
/// # Errors
/// [`RandomError`] when the system cannot give any.
pub fn token() -> Result<String, RandomError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A version 7 UUID, so that ids sort by the time they were made.
///
/// # Errors
/// [`RandomError`] when the system cannot give any.
pub fn uuid(now: Timestamp) -> Result<Uuid, RandomError> {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bytes::<10>()?).into_uuid())
}
