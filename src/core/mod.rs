//! The rules, pure: no async, no I/O, no clock, no randomness. Everything else knows this folder; it knows nobody.
//!
//! - `ids`, `email`: names of things
//! - `organization`, `connection`, `oidc_settings`: settings, as data
//! - `member`, `identity`, `groups`: who is who, and what a provider said
//! - [`provision`]: the decision
//! - [`hand`]: what may be done to people by hand
//! - `gone`: mapped groups that nobody has any more
//! - `reason`: why, in one code and two sentences
//! - [`explain`](fn@explain): a decision in plain lines
//! - [`preview`]: what a save of settings would mean for everyone
//! - [`switch`]: what another connection would mean
//! - `pending`, `return_to`: a login on its way
//! - `redis_address`: where Redis is; `text`: characters that nobody sees; `describe`: why something failed

mod branding;
mod connection;
mod describe;
mod email;
mod explain;
mod gone;
mod groups;
pub mod hand;
mod identity;
mod ids;
mod member;
mod oidc_settings;
mod organization;
mod pending;
pub mod preview;
pub mod provision;
mod reason;
mod redis_address;
mod return_to;
mod settings;
pub mod switch;
mod text;

pub use branding::{Accent, Brand, Branding, Logo, LogoKind, NotAColour, NotALogo};
pub use connection::{Cbc, Connection, IdpSource, Protocol, RequestBinding, SamlSettings, Secret};
pub use describe::describe;
pub use email::{DomainName, EmailAddress, EmailError};
pub use explain::{Explanation, explain, groups_behind_role, groups_behind_seat};
pub use gone::{GoneGroup, SeenLogin, gone_groups};
pub use groups::{ClaimHealth, GroupClaim};
pub use identity::{DoorSession, FirstUse, Identity, ProviderLogout, RefreshGrant, VerifiedIdentity};
pub use ids::{
    AuditId, ConnectionId, DecisionId, IdError, IncidentId, InviteId, LinkId, MemberId, OrganizationId, PersonId, RemovalId, TokenId,
};
pub use member::{Invite, Link, Member, MemberRow, MemberStatus, Person, Pin, WantedTier};
pub use oidc_settings::{ClientAuth, GroupLookup, OidcSettings, Refresh, ResponseMode};
pub use organization::{
    MappedGroup, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, OwnedSeats, Plan, Policy, RemovalThreshold, Role, RoleMapping,
    SeatTier, SeatTierMapping,
};
pub use pending::{Asking, PendingLogin, PendingOidc, PendingProtocol};
pub use reason::Reason;
pub use redis_address::{RedisAddress, RedisAddressError, RedisClientFiles, RedisCredentials, RedisTopology};
pub use return_to::{ReturnTo, ReturnToError};
pub use settings::{Domain, DomainVerification, Settings};
pub use text::is_unseen;
