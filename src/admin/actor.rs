//! Who acts, and what they may.

use std::collections::BTreeSet;

use super::AdminError;
use crate::core::{MemberId, Organization, OrganizationId, PersonId, Role};
use crate::store::RequestOrigin;

/// One thing that may be allowed: also the scope of an API token, by its text form.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
pub enum Permission {
    /// See members, invites, requests, seats, and why somebody has what they have.
    #[serde(rename = "members:read")]
    #[strum(serialize = "members:read")]
    MembersRead,
    /// Change them.
    #[serde(rename = "members:write")]
    #[strum(serialize = "members:write")]
    MembersWrite,
    /// See mappings, policy, connections and branding.
    #[serde(rename = "settings:read")]
    #[strum(serialize = "settings:read")]
    SettingsRead,
    /// Change them, after a review.
    #[serde(rename = "settings:write")]
    #[strum(serialize = "settings:write")]
    SettingsWrite,
    /// See sessions.
    #[serde(rename = "sessions:read")]
    #[strum(serialize = "sessions:read")]
    SessionsRead,
    /// End sessions.
    #[serde(rename = "sessions:write")]
    #[strum(serialize = "sessions:write")]
    SessionsWrite,
    /// Read and export the audit log.
    #[serde(rename = "activity:read")]
    #[strum(serialize = "activity:read")]
    ActivityRead,
    /// See, make and revoke API tokens.
    #[serde(rename = "tokens:write")]
    #[strum(serialize = "tokens:write")]
    TokensWrite,
}

/// Who does something in one organization. Made for each request from the member row or the token as it is then, never kept.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// In this organization, and in no other.
    pub organization: OrganizationId,
    /// Where the request came from, for the audit line.
    pub origin: RequestOrigin,
}

/// The kinds of actors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Somebody at the console, who is an active member with an administrator's role.
    Person {
        /// The person.
        person: PersonId,
        /// The member.
        member: MemberId,
        /// The role now: nobody gives or takes what ranks above their own.
        role: Role,
        /// Whether this is the Primary Owner.
        primary_owner: bool,
        /// Signed in within the last ten minutes, and not by a recovery link: what the danger zone asks for.
        fresh: bool,
    },
    /// A program with an API token.
    Token {
        /// The token's id, as audit lines show it.
        id: String,
        /// What it may.
        scopes: BTreeSet<Permission>,
        /// The role that it cannot exceed: its owner's, now.
        role: Role,
        /// Whom it belongs to.
        owner: PersonId,
    },
    /// Whoever has a shell on the host.
    Operator,
}

impl Actor {
    /// Refuses who may not.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`].
    pub fn need(&self, permission: Permission) -> Result<(), AdminError> {
        let allowed = match &self.who {
            Who::Person { .. } | Who::Operator => true,
            Who::Token { scopes, .. } => scopes.contains(&permission),
        };
        if allowed { Ok(()) } else { Err(AdminError::NotAllowed(permission)) }
    }

    /// Refuses a role that ranks above the actor's own: an Admin makes no Owner and removes none (R12).
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `above_your_role`.
    pub fn need_rank(&self, organization: &Organization, role: &Role) -> Result<(), AdminError> {
        let own = match &self.who {
            Who::Operator => return Ok(()),
            Who::Person { role, .. } | Who::Token { role, .. } => organization.role_rank(role).unwrap_or(usize::MAX),
        };
        // A role that the organization no longer has ranks below all.
        if organization.role_rank(role).is_none_or(|theirs| own <= theirs) {
            return Ok(());
        }
        Err(AdminError::refused(
            "above_your_role",
            format!("{role} ranks above your own role, so only somebody with that role may do this"),
        ))
    }

    /// Refuses a sign-in that is too old for the danger zone, and one by a recovery link.
    ///
    /// # Errors
    /// [`AdminError::FreshSignInNeeded`].
    pub const fn need_fresh(&self) -> Result<(), AdminError> {
        match self.who {
            Who::Person { fresh: false, .. } => Err(AdminError::FreshSignInNeeded),
            Who::Person { .. } | Who::Token { .. } | Who::Operator => Ok(()),
        }
    }

    /// The actor's own member row; `None` for an API token and for the operator.
    #[must_use]
    pub const fn member(&self) -> Option<MemberId> {
        match self.who {
            Who::Person { member, .. } => Some(member),
            Who::Token { .. } | Who::Operator => None,
        }
    }

    /// The actor as audit lines name it: a person id, `token:…` or `cli`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.who {
            Who::Person { person, .. } => person.to_string(),
            Who::Token { id, .. } => format!("token:{id}"),
            Who::Operator => "cli".to_owned(),
        }
    }
}
