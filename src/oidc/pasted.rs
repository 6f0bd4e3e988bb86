//! An ID token that an administrator pasted, read to see what a login with it would mean. Nothing of it is verified, and it signs nobody in.

use super::OidcError;
use super::claims::Claims;
use super::issuer::Issuer;
use super::jws::read_unverified_claims;
use crate::core::{ConnectionId, Identity, OidcSettings};

/// Who a token says it is about, by the claims that the connection names. At most 64 KiB.
///
/// # Errors
/// [`OidcError`]: too large, no token, or without a subject.
pub fn read_unverified(connection: &ConnectionId, settings: &OidcSettings, unverified_token: &str) -> Result<Identity, OidcError> {
    let unverified = read_unverified_claims(unverified_token.trim())?;
    let claims = Claims { settings, id_token: &unverified, userinfo: None };
    Ok(Identity {
        connection: connection.clone(),
        subject: claims.subject(Issuer::of(settings)?.has_tenants())?,
        email: claims.email(),
        name: claims.name(),
        groups: claims.groups(),
        idp_initiated: false,
    })
}
