//! Why somebody has what they have, and what something else would give. Nothing is written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Admin, AdminError, Permission};
use crate::core::provision::{Decision, Facts, decide};
use crate::core::{
    ConnectionId, EmailAddress, Explanation, GroupClaim, Identity, MemberId, Organization, OrganizationId, PersonId, Role, explain,
};
use crate::store::{DecisionRecord, FactsQuery, MemberRow, StoreError};

/// A subject that no provider sends: it stands for somebody who was never here.
const STRANGER: &str = "usher-whatif";

/// One member, explained. Console, API and command line show this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberExplanation {
    /// In which organization.
    pub organization: OrganizationId,
    /// Who, and as what now.
    pub member: MemberRow,
    /// The newest decision, with the claims that came, and the audit line's id; `None`: has not signed in yet.
    pub decision: Option<DecisionRecord>,
    /// That decision in plain lines.
    pub explanation: Option<Explanation>,
    /// The same claims under today's rules and with today's seats; `None`: never seen, or the connection is gone.
    pub replay: Option<Answer>,
    /// What would give each role at a login, highest first.
    pub ways: Vec<Way>,
}

/// How one gets a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The role.
    pub role: Role,
    /// Being in one of these gives it; as people read them.
    pub groups: Vec<String>,
    /// Whether the member has it now.
    pub current: bool,
    /// "Be in app-admins or it-platform."
    pub sentence: String,
}

/// What would happen at a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked with. Nobody has verified it.
    pub identity: Identity,
    /// Whom it leads to, if to somebody known.
    pub person: Option<PersonId>,
    /// When it was asked.
    pub at: Timestamp,
    /// What would be decided.
    pub decision: Decision,
    /// The same in plain lines.
    pub explanation: Explanation,
}

/// What to ask with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hypothesis {
    /// These groups, of somebody with this address, or of a newcomer in the connection's domain.
    Groups {
        /// Through which connection.
        connection: ConnectionId,
        /// Somebody.
        email: Option<EmailAddress>,
        /// The claim.
        groups: GroupClaim,
    },
    /// What a pasted message says. It was only read: nobody has verified it.
    Pasted(Identity),
}

impl Admin {
    /// Why a member has their role and seat, or was refused.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] for a member of another organization; [`AdminError::Store`].
    pub async fn explain_member(&self, actor: &Actor, member: MemberId) -> Result<MemberExplanation, AdminError> {
        actor.need(Permission::MembersRead)?;
        let organization = self.load_organization(actor).await?;
        let row = self.store.find_member_by_id(&organization.id, member).await?.ok_or(AdminError::NoSuch("member"))?;
        let decision = self.store.find_last_decision(&organization.id, row.person.id).await?;
        let replay = match &decision {
            Some(record) => self.ask(&organization, record.identity.clone()).await?,
            None => None,
        };
        Ok(MemberExplanation {
            ways: ways(&organization, &row),
            organization: organization.id,
            explanation: decision.as_ref().map(|record| explain(&record.decision)),
            member: row,
            decision,
            replay,
        })
    }

    /// What would happen to somebody at a login. Nothing is written.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] for an unknown connection; [`AdminError::Invalid`] when no address can be made up;
    /// [`AdminError::Store`].
    pub async fn what_if(&self, actor: &Actor, hypothesis: Hypothesis) -> Result<Answer, AdminError> {
        actor.need(Permission::MembersRead)?;
        let organization = self.load_organization(actor).await?;
        let identity = match hypothesis {
            Hypothesis::Pasted(identity) => identity,
            Hypothesis::Groups { connection, email, groups } => self.make_up(&organization, connection, email, groups).await?,
        };
        self.ask(&organization, identity).await?.ok_or(AdminError::NoSuch("connection"))
    }

    /// Somebody with an address comes with the subject that their link names.
    async fn make_up(
        &self,
        organization: &Organization,
        connection: ConnectionId,
        email: Option<EmailAddress>,
        groups: GroupClaim,
    ) -> Result<Identity, AdminError> {
        let stored = self.store.find_settings().await?.ok_or(AdminError::NoSuch("organization"))?;
        let settings = stored.settings.find_connection(&connection).ok_or(AdminError::NoSuch("connection"))?;
        let newcomer = || settings.domains.first().and_then(|domain| EmailAddress::parse(&format!("newcomer@{domain}")).ok());
        let email = email.or_else(newcomer).ok_or_else(|| AdminError::invalid("email", "the connection has no domain: say for whom"))?;
        let mut identity =
            Identity { connection, subject: STRANGER.to_owned(), email: Some(email), name: None, groups, idp_initiated: false };
        let query = FactsQuery { organization: &organization.id, identity: &identity, now: self.clock.now() };
        let facts = self.store.load_facts(query).await?;
        if let Some(subject) = known_subject(&facts, &identity.connection) {
            identity.subject = subject;
        }
        Ok(identity)
    }

    /// `None` when the connection is gone.
    async fn ask(&self, organization: &Organization, identity: Identity) -> Result<Option<Answer>, AdminError> {
        let now = self.clock.now();
        let facts = match self.store.load_facts(FactsQuery { organization: &organization.id, identity: &identity, now }).await {
            Ok(facts) => facts,
            Err(StoreError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let decision = decide(&facts, &identity, now);
        let person = facts.linked.as_ref().or(facts.same_email.first()).map(|known| known.person.id);
        Ok(Some(Answer { person, at: now, explanation: explain(&decision), decision, identity }))
    }
}

fn known_subject(facts: &Facts, connection: &ConnectionId) -> Option<String> {
    let [known] = facts.same_email.as_slice() else { return None };
    known.links.iter().find(|link| &link.connection == connection).map(|link| link.subject.clone())
}

/// "What would make Jo an Admin?"
fn ways(organization: &Organization, row: &MemberRow) -> Vec<Way> {
    let mapped = |role: &Role| -> Vec<String> {
        let of_role = organization.role_mappings.iter().filter(|mapping| &mapping.role == role).flat_map(|mapping| &mapping.groups);
        of_role.map(|group| group.label.clone().unwrap_or_else(|| group.value.clone())).collect()
    };
    let way = |role: &Role| {
        let groups = if organization.maps_at_login() { mapped(role) } else { Vec::new() };
        let sentence = if !organization.maps_at_login() {
            "Groups do not decide here: an administrator gives it by hand.".to_owned()
        } else if groups.is_empty() {
            "No group is mapped to it.".to_owned()
        } else {
            format!("Be in {}{}.", groups.join(" or "), unless_higher(organization, role))
        };
        Way { current: &row.member.role == role, role: role.clone(), groups, sentence }
    };
    organization.roles.iter().map(way).collect()
}

/// The highest role wins, so the others count only without its groups.
fn unless_higher(organization: &Organization, role: &Role) -> String {
    let higher: Vec<&str> = organization
        .roles
        .iter()
        .take_while(|candidate| *candidate != role)
        .filter(|candidate| organization.role_mappings.iter().any(|mapping| &mapping.role == *candidate && !mapping.groups.is_empty()))
        .map(Role::as_str)
        .collect();
    if higher.is_empty() { String::new() } else { format!(", and in no group of {}", higher.join(" or ")) }
}
