//! The one decision: may this session pass this route? One exit type; every error is a denial.

use std::sync::Arc;

use crate::config::Allow;
use crate::core::{MemberStatus, Organization, OrganizationId};
use crate::session::{Asked, Session, SessionError, Sessions};
use crate::store::{MemberRow, StoreError};

/// Why someone who is signed in may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// No member, or one that was removed.
    NotAMember,
    /// Removed, and not to come back.
    Blocked,
    /// A member whose role is too low.
    Role,
    /// A member without a seat, or with one of too low a tier.
    Tier,
}

impl Denial {
    /// The reason code. The first two are those of a login; the others exist only here, because only a route asks for a role or a tier.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAMember => "not_invited",
            Self::Blocked => "blocked_by_admin",
            Self::Role => "role_required",
            Self::Tier => "tier_required",
        }
    }

    /// One plain sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotAMember => "You are signed in, but you are not a member of this organization.",
            Self::Blocked => "An administrator has blocked your access.",
            Self::Role => "This app needs a role that you do not have.",
            Self::Tier => "This app needs a seat that you do not have.",
        }
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// This login was not decided for the route's organization: sign in, for it.
    SignIn,
    Deny(Denial),
}

/// Judges someone who is signed in. `row` is their member in the route's organization, read a moment ago. The verdict is as old as that and as the settings
/// that it took.
pub(super) async fn judge(
    sessions: &Sessions,
    allow: &Allow,
    organization: &OrganizationId,
    session: &Session,
    row: &Asked<Option<Arc<MemberRow>>>,
) -> Result<Asked<Verdict>, SessionError> {
    let as_of = |answer| Asked { answer, at: row.at };
    if session.is_recovery() && *allow != Allow::Public && requires_sso(sessions, organization).await? {
        return Ok(as_of(Verdict::SignIn));
    }
    if matches!(allow, Allow::Public | Allow::SignedIn) {
        return Ok(as_of(Verdict::Pass));
    }
    let Some(decided) = session.member_of(organization) else { return Ok(as_of(Verdict::SignIn)) };
    let Some(member) = row.answer.as_ref().filter(|row| row.member.id == decided) else {
        return Ok(as_of(Verdict::Deny(Denial::NotAMember)));
    };
    match member.member.status {
        MemberStatus::Active => {}
        MemberStatus::Removed => return Ok(as_of(Verdict::Deny(Denial::NotAMember))),
        MemberStatus::Blocked => return Ok(as_of(Verdict::Deny(Denial::Blocked))),
    }
    if *allow == Allow::Members {
        return Ok(as_of(Verdict::Pass));
    }
    let settings = sessions.members().load_settings().await?;
    let ranks = settings.answer.find_organization(organization).ok_or_else(|| StoreError::Missing(organization.to_string()))?;
    Ok(Asked { answer: judge_rank(allow, ranks, member), at: row.at.min(settings.at) })
}

/// Row 60: with a recovery link one mends the sign-in; the apps are for those whom a provider vouches for.
async fn requires_sso(sessions: &Sessions, organization: &OrganizationId) -> Result<bool, SessionError> {
    let settings = sessions.members().load_settings().await?;
    Ok(settings.answer.find_organization(organization).is_none_or(|organization| organization.policy.require_sso))
}

/// A role or tier that the organization no longer has ranks below all others, and one that a route asks for and nobody has lets nobody in.
fn judge_rank(allow: &Allow, ranks: &Organization, row: &MemberRow) -> Verdict {
    let reaches = |has: Option<usize>, needs: Option<usize>| matches!((has, needs), (Some(has), Some(needs)) if has <= needs);
    match allow {
        Allow::Public | Allow::SignedIn | Allow::Members => Verdict::Pass,
        Allow::Role(needed) if reaches(ranks.role_rank(&row.member.role), ranks.role_rank(needed)) => Verdict::Pass,
        Allow::Role(_) => Verdict::Deny(Denial::Role),
        Allow::Tier(needed) if reaches(row.member.seat.as_ref().and_then(|seat| ranks.tier_rank(seat)), ranks.tier_rank(needed)) => {
            Verdict::Pass
        }
        Allow::Tier(_) => Verdict::Deny(Denial::Tier),
    }
}
