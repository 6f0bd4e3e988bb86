//! The way in that needs no identity provider (row 60): made on the host, good once, for a quarter of an hour.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{Actor, Admin, AdminError, Who};
use crate::core::{EmailAddress, MemberStatus, Organization, Settings};
use crate::random;
use crate::store::{MemberQuery, NewRecoveryLink, RecoveryKey, StoreError};

/// How long a link works: long enough to type it into another machine, too short to lie about.
const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// Members that are looked through for administrators at once.
const PAGE: u32 = 500;

/// A recovery link.
#[derive(Debug, Clone)]
pub struct RecoveryLink {
    /// Its secret, shown once: what follows `/recovery/`.
    pub token: String,
    /// Whom it signs in.
    pub email: EmailAddress,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// The key of a link's secret.
#[must_use]
pub fn recovery_key(token: &str) -> RecoveryKey {
    RecoveryKey(Sha256::digest(token.as_bytes()).into())
}

impl Admin {
    /// Makes a recovery link for an administrator of the actor's organization, or for its Primary Owner, who need not have come yet. Without an address it
    /// is the Primary Owner's, or else that of the only administrator. An older unused link of the organization stops working.
    ///
    /// # Errors
    /// [`AdminError::Refused`] `operator_only` for anybody without a shell on the host, `no_administrator` when the address does not fit;
    /// [`AdminError::Invalid`] when it has to be said whom; [`AdminError::Store`].
    pub async fn create_recovery_link(&self, actor: &Actor, email: Option<&EmailAddress>) -> Result<RecoveryLink, AdminError> {
        if actor.who != Who::Operator {
            return Err(AdminError::refused("operator_only", "a recovery link is made on the host, with `usher admin link`"));
        }
        let settings = self.store.find_settings().await?.ok_or(AdminError::NoSuch("organization"))?.settings;
        let organization = settings.find_organization(&actor.organization).ok_or(AdminError::NoSuch("organization"))?;
        let email = match email {
            Some(email) => email.clone(),
            None => self.default_administrator(organization).await?,
        };
        let token = random::token().map_err(StoreError::from)?;
        let now = self.clock.now();
        let expires_at = now.checked_add(LIFE).unwrap_or(now);
        let link = NewRecoveryLink {
            key: recovery_key(&token),
            organization: &organization.id,
            email: &email,
            expires_at,
            actor: &actor.name(),
            origin: &actor.origin,
            now,
        };
        self.store.create_recovery_link(link).await.map_err(|error| match error {
            StoreError::Refused(why) => AdminError::refused("no_administrator", why),
            other => other.into(),
        })?;
        Ok(RecoveryLink { token, email, expires_at })
    }

    async fn default_administrator(&self, organization: &Organization) -> Result<EmailAddress, AdminError> {
        let administrators = self.list_administrators(organization).await?;
        let primary_owner = administrators.iter().find(|(_, primary_owner)| *primary_owner).map(|(email, _)| email);
        match (primary_owner.or(organization.primary_owner.as_ref()), administrators.as_slice()) {
            (Some(email), _) | (None, [(email, _)]) => Ok(email.clone()),
            (None, []) => Err(AdminError::refused(
                "no_administrator",
                format!("{} has no administrator and no primary_owner; write primary_owner into org.toml and apply it", organization.id),
            )),
            (None, several) => {
                let known: Vec<&str> = several.iter().map(|(email, _)| email.as_str()).collect();
                Err(AdminError::invalid("email", format!("say for whom: {}", known.join(", "))))
            }
        }
    }

    /// Addresses of those who administer, and whether each is the Primary Owner.
    async fn list_administrators(&self, organization: &Organization) -> Result<Vec<(EmailAddress, bool)>, AdminError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list_members(MemberQuery { organization: &organization.id, search: None, after, limit: PAGE }).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.member.id);
            found.extend(page.into_iter().filter_map(|row| {
                let member = row.member;
                let administers = member.status == MemberStatus::Active && organization.is_administrator(&member.role);
                row.person.email.filter(|_| administers).map(|email| (email, member.primary_owner))
            }));
        }
    }

    /// Whether settings may be saved as far as "Require SSO" goes: an organization that newly requires it has proven both ways in. The store checks
    /// the same once more when it saves.
    ///
    /// # Errors
    /// [`AdminError::Refused`] `sso_not_proven`; [`AdminError::Store`].
    pub async fn check_required_sso(&self, before: Option<&Settings>, after: &Settings) -> Result<(), AdminError> {
        for organization in after.organizations.iter().filter(|organization| organization.policy.require_sso) {
            if before.and_then(|before| before.find_organization(&organization.id)).is_some_and(|old| old.policy.require_sso) {
                continue;
            }
            let proof = self.store.find_sso_proof(&organization.id).await?;
            proof.check(organization).map_err(|why| AdminError::refused("sso_not_proven", why))?;
        }
        Ok(())
    }
}
