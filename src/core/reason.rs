//! Reason codes: why a login came out as it did. One enum for explain, audit and the error page (rules.md, "Reason codes").

use serde::{Deserialize, Serialize};

/// Why. The text form (`no_role_group`) is part of the interface.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// A new member.
    OkNew,
    /// A member who was one before.
    OkExisting,
    /// A removed member who is one again.
    OkReadded,
    /// Not invited, and nobody comes in by themselves.
    NotInvited,
    /// Not in the directory.
    NotInDirectory,
    /// In no mapped role group.
    NoRoleGroup,
    /// No seat is free.
    NoSeatsLeft,
    /// The rules say yes, and an administrator has not said so yet.
    AwaitingApproval,
    /// An admin took the seat away.
    SeatUnassigned,
    /// The wanted tier was full: a lower one was given.
    TierFullLowered,
    /// The wanted tier was full: a place in its queue was given.
    TierUpgradeQueued,
    /// The group claim is missing.
    GroupsClaimMissing,
    /// The group claim cannot be read.
    GroupsClaimMalformed,
    /// The provider had too many groups to list.
    GroupsOverage,
    /// Role and seat were kept although the groups are unknown.
    GroupsKeptGrace,
    /// Blocked by an admin.
    BlockedByAdmin,
    /// The same address with another subject.
    SubjectChanged,
    /// The new address belongs to another member.
    EmailTaken,
    /// More than one person fits.
    IdentityAmbiguous,
    /// The address is not in a domain of this connection.
    DomainNotAllowed,
    /// The Primary Owner was kept.
    GuardPrimaryOwner,
    /// The last administrator was kept.
    GuardLastAdmin,
    /// A pin decided.
    Pinned,
    /// The identity provider manages this.
    ManagedByIdp,
    /// The login message was not valid.
    AuthInvalid,
}

impl Reason {
    /// The code as text.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Whether this is the reason of a person who is let in.
    #[must_use]
    pub const fn is_admission(self) -> bool {
        matches!(self, Self::OkNew | Self::OkExisting | Self::OkReadded)
    }

    /// Whether it is said beside the reason of a person who is let in. No login ends with it.
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(
            self,
            Self::TierFullLowered
                | Self::TierUpgradeQueued
                | Self::GroupsKeptGrace
                | Self::GuardPrimaryOwner
                | Self::GuardLastAdmin
                | Self::Pinned
        )
    }

    /// For the person: what happened and what they can do. Names no group, rule or protocol (rules.md, "Reason codes").
    #[must_use]
    pub const fn for_person(self) -> &'static str {
        match self {
            Self::OkNew => "Welcome: your access has been set up.",
            Self::OkExisting => "Welcome back.",
            Self::OkReadded => "Welcome back: your access has been set up again.",
            Self::NotInvited => "You have not been invited to this app. Ask an administrator to invite you.",
            Self::NotInDirectory => {
                "Your organization has not given you access to this app yet. Ask an administrator to add you, then sign in again."
            }
            Self::NoRoleGroup => "Your account does not include access to this app. Ask an administrator if you need it.",
            Self::NoSeatsLeft => "All seats of this app are taken. The administrators can see that you tried; ask them for a seat.",
            Self::AwaitingApproval => "Your access waits for an administrator to say yes. They can see that you are waiting.",
            Self::SeatUnassigned => "You do not have a seat in this app at the moment. Ask an administrator to give you one.",
            Self::TierFullLowered => "The kind of seat meant for you was full, so you have another one for now. You need not do anything.",
            Self::TierUpgradeQueued => {
                "You are waiting for another kind of seat and will get it when one is free. You need not do anything."
            }
            Self::GroupsClaimMissing => {
                "Your organization's sign-in service left out something that decides your access. Ask an administrator to look into it."
            }
            Self::GroupsClaimMalformed => {
                "Your organization's sign-in service sent something about your access that could not be read. Ask an administrator to look into it."
            }
            Self::GroupsOverage => {
                "Your organization's sign-in service could not send everything that decides your access. Ask an administrator to look into it."
            }
            Self::GroupsKeptGrace => "Your access could not be checked this time, so it stays as it was for now. You need not do anything.",
            Self::BlockedByAdmin => "An administrator has blocked your access to this app. Ask them if you think that this is a mistake.",
            Self::SubjectChanged => {
                "Your email address belongs to an account that signs in differently. Ask an administrator to connect this sign-in to it."
            }
            Self::EmailTaken => "Your new email address already belongs to another account here. Ask an administrator to sort this out.",
            Self::IdentityAmbiguous => "More than one account fits you, so we could not choose. Ask an administrator to sort this out.",
            Self::DomainNotAllowed => {
                "This way of signing in is not open for your email address. Check that you chose the right account, or ask an administrator."
            }
            Self::GuardPrimaryOwner => "Your access stays as it is because you own this organization here.",
            Self::GuardLastAdmin => "Your access stays as it is because nobody else could administer this app.",
            Self::Pinned => "An administrator has set your access by hand for now.",
            Self::ManagedByIdp => "Your organization's sign-in service decides this. Ask an administrator to change it there.",
            Self::AuthInvalid => "We could not confirm this sign-in. Please start again from the sign-in page.",
        }
    }

    /// For an admin: which rule it was and where to look.
    #[must_use]
    pub const fn for_admin(self) -> &'static str {
        match self {
            Self::OkNew => "Became a member at this login.",
            Self::OkExisting => "Was a member already.",
            Self::OkReadded => "Had been removed and is a member again.",
            Self::NotInvited => "Nobody becomes a member here without an invite, and there was no open one for this address.",
            Self::NotInDirectory => "Members come from the directory sync, and it has not brought this person.",
            Self::NoRoleGroup => {
                "None of the person's groups is mapped to a role. Add one of them to a role mapping, or the person to a mapped group."
            }
            Self::NoSeatsLeft => "No seat was free in any tier open to this person. Free or add a seat; the person is on the waiting list.",
            Self::AwaitingApproval => {
                "The rules would have let this new person in, and first logins wait for approval here. Approve or decline the request."
            }
            Self::SeatUnassigned => {
                "The person has no seat: an administrator took it away or pinned none, or the policy gives none without a seat group."
            }
            Self::TierFullLowered => {
                "The wanted seat tier was full, so a lower one was given. The member moves up at a login after a seat is free."
            }
            Self::TierUpgradeQueued => {
                "The wanted seat tier was full, so the member waits for it. The member moves at a login after a seat is free."
            }
            Self::GroupsClaimMissing => {
                "The group claim was missing, and nobody had it on this connection for a day. Check the claim's name here and at the provider."
            }
            Self::GroupsClaimMalformed => "The group claim was not a text or a list of texts. Check at the provider what it sends.",
            Self::GroupsOverage => {
                "The provider left the groups out because there are too many. Let it send only the groups assigned to the application."
            }
            Self::GroupsKeptGrace => {
                "The groups were unknown, so role and seat were kept; after the grace period the login will be refused."
            }
            Self::BlockedByAdmin => "The member was removed and blocked. Unblock them to let them in.",
            Self::SubjectChanged => {
                "The address belongs to a person who is linked to another subject or connection. Relink this person, or open a relink window."
            }
            Self::EmailTaken => {
                "The provider now sends an address that another person here has. Correct one of the two; they are never merged."
            }
            Self::IdentityAmbiguous => "Several people or links fit this login, so none was chosen. The trace names them.",
            Self::DomainNotAllowed => {
                "The connection is off, no address came, or its domain is not verified or not one of the connection's domains."
            }
            Self::GuardPrimaryOwner => "The rules would have changed or ended the access of the Primary Owner, who is always kept.",
            Self::GuardLastAdmin => {
                "The rules would have demoted or removed the last administrator who can log in, who was kept. Check the role mappings."
            }
            Self::Pinned => "A pin decided instead of the mappings, until it ends.",
            Self::ManagedByIdp => "Group mappings decide this, so it is not changed by hand. Change the person's groups, or set a pin.",
            Self::AuthInvalid => "The login message was not acceptable. The log has the exact check under the incident id.",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use strum::IntoEnumIterator as _;

    use super::*;

    fn sentences(text: &str) -> usize {
        text.split_inclusive(['.', '?', '!']).filter(|part| !part.trim().is_empty()).count()
    }

    #[test]
    fn each_reason_has_one_or_two_sentences_of_its_own_for_either_reader() {
        for text in [Reason::for_person, Reason::for_admin] {
            let mut seen = HashSet::new();
            for reason in Reason::iter() {
                let text = text(reason);
                assert!(text.ends_with('.') && (1..=2).contains(&sentences(text)), "{reason}: {text}");
                assert!(seen.insert(text), "{reason} repeats another one: {text}");
            }
        }
    }

    #[test]
    fn the_person_reads_no_jargon() {
        let jargon =
            ["group", "claim", "saml", "oidc", "openid", "idp", "provider", "mapp", "subject", "tier", "scim", "policy", "rule", "_"];
        for reason in Reason::iter() {
            let text = reason.for_person().to_lowercase();
            for word in jargon {
                assert!(!text.contains(word), "{reason}: {word}");
            }
        }
    }

    #[test]
    fn codes_are_those_of_the_interface() {
        assert_eq!(Reason::NoRoleGroup.code(), "no_role_group");
        assert_eq!("ok_readded".parse(), Ok(Reason::OkReadded));
        assert_eq!(Reason::iter().filter(|reason| reason.is_admission()).count(), 3);
        assert_eq!(Reason::iter().count(), 25);
    }
}
