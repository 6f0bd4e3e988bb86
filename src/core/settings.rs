//! Everything that org.toml and the console set, for one parent organization.

use serde::{Deserialize, Serialize};

use super::{Connection, ConnectionId, DomainName, EmailAddress, Organization, OrganizationId};

/// A parent organization: owns domains and connections; its organizations share them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The parent's name for people.
    pub parent_name: String,
    /// Domains; one belongs to one parent only.
    pub domains: Vec<Domain>,
    /// Connections, in the order in which sign-in offers them.
    pub connections: Vec<Connection>,
    /// Organizations.
    pub organizations: Vec<Organization>,
}

/// A domain and how it was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// The domain.
    pub name: DomainName,
    /// `None`: not verified yet, and logins with it are refused `domain_not_allowed` (row 62).
    pub verified: Option<DomainVerification>,
}

/// How a domain was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DomainVerification {
    /// The operator of this installation says so in the file.
    Operator,
    /// The TXT record was seen.
    Dns,
}

impl Settings {
    /// Finds a connection.
    #[must_use]
    pub fn find_connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connections.iter().find(|connection| &connection.id == id)
    }

    /// Finds an organization.
    #[must_use]
    pub fn find_organization(&self, id: &OrganizationId) -> Option<&Organization> {
        self.organizations.iter().find(|organization| &organization.id == id)
    }

    /// Whether this domain is one of the parent's, verified or not. Anybody else's is a guest's.
    #[must_use]
    pub fn has_domain(&self, domain: &DomainName) -> bool {
        self.domains.iter().any(|candidate| &candidate.name == domain)
    }

    /// Whether an address is a guest's in this organization: a stranger's domain, where guests are allowed (row 39).
    #[must_use]
    pub fn is_guest(&self, organization: &Organization, email: Option<&EmailAddress>) -> bool {
        organization.policy.allow_guests && email.is_some_and(|email| !self.has_domain(email.domain()))
    }

    /// Whether people with this domain may sign in through this connection: listed there, and verified for the parent.
    #[must_use]
    pub fn allows_domain(&self, connection: &Connection, domain: &DomainName) -> bool {
        connection.domains.contains(domain)
            && self.domains.iter().any(|candidate| &candidate.name == domain && candidate.verified.is_some())
    }
}
