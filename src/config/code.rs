//! The code of every fault: stable, so that people can search for it and scripts can match it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The page that `check --explain` and the documentation share: one `## CODE: title` section each.
const EXPLANATIONS: &str = include_str!("../../docs/faults.md");

static SECTIONS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    EXPLANATIONS.split("\n## ").skip(1).filter_map(|section| section.split_once(": ").map(|(code, _)| (code, section))).collect()
});

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// Usher starts all the same.
    Warning,
    /// Usher does not start with this.
    Error,
}

/// The code of a fault (`U…`) or a warning (`W…`). A code is never given a second meaning.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::EnumString, strum::EnumIter, strum::IntoStaticStr,
)]
pub enum Code {
    /// The file cannot be read.
    #[strum(serialize = "U001")]
    Unreadable,
    /// Not TOML.
    #[strum(serialize = "U002")]
    Syntax,
    /// No such key.
    #[strum(serialize = "U003")]
    UnknownKey,
    /// A text where a list should be, and the like.
    #[strum(serialize = "U004")]
    WrongType,
    /// A key that must be there is not.
    #[strum(serialize = "U005")]
    Missing,
    /// Not a duration.
    #[strum(serialize = "U006")]
    Duration,
    /// Not a size.
    #[strum(serialize = "U007")]
    Size,
    /// `env:` or `file:` leads nowhere.
    #[strum(serialize = "U008")]
    Indirect,
    /// An environment variable `USHER__…` fits no place.
    #[strum(serialize = "U009")]
    Override,
    /// Not one of the words that are allowed here.
    #[strum(serialize = "U010")]
    Choice,
    /// Nothing stands where something must.
    #[strum(serialize = "U011")]
    Empty,
    /// `public_url` is not the address of a host.
    #[strum(serialize = "U012")]
    PublicUrl,
    /// `public_url` is plain http.
    #[strum(serialize = "U013")]
    PlainHttp,
    /// Not a host name.
    #[strum(serialize = "U014")]
    RouteHost,
    /// The host has another owner already.
    #[strum(serialize = "U015")]
    HostTaken,
    /// Not an upstream.
    #[strum(serialize = "U016")]
    Upstream,
    /// The upstream is a cloud's metadata service.
    #[strum(serialize = "U017")]
    MetadataAddress,
    /// A key that everyone has.
    #[strum(serialize = "U018")]
    DevelopmentKey,
    /// Not in this version yet.
    #[strum(serialize = "U019")]
    NotYet,
    /// The idle limit is longer than the whole session.
    #[strum(serialize = "U020")]
    SessionLimits,
    /// https without a certificate.
    #[strum(serialize = "U021")]
    TlsMissing,
    /// Two ways to speak TLS at once.
    #[strum(serialize = "U022")]
    TlsContradiction,
    /// Not PEM.
    #[strum(serialize = "U023")]
    Pem,
    /// Not an address.
    #[strum(serialize = "U024")]
    Address,
    /// Not a public path.
    #[strum(serialize = "U025")]
    PublicPath,
    /// Not a header that can be an alias.
    #[strum(serialize = "U026")]
    Alias,
    /// Not a log level.
    #[strum(serialize = "U027")]
    LogLevel,
    /// Not a short name.
    #[strum(serialize = "U028")]
    ShortName,
    /// The route's organization is not in the org file.
    #[strum(serialize = "U029")]
    UnknownOrganization,
    /// Not a domain name.
    #[strum(serialize = "U030")]
    Domain,
    /// The same thing twice.
    #[strum(serialize = "U031")]
    Duplicate,
    /// A connection's domain is not the parent's.
    #[strum(serialize = "U032")]
    UnlistedDomain,
    /// A connection without domains.
    #[strum(serialize = "U033")]
    NoDomains,
    /// None or several ways to know the identity provider.
    #[strum(serialize = "U034")]
    IdpSource,
    /// Not SAML metadata at first sight.
    #[strum(serialize = "U035")]
    Metadata,
    /// Not a certificate at first sight.
    #[strum(serialize = "U036")]
    Certificate,
    /// Not an https address.
    #[strum(serialize = "U037")]
    InsecureUrl,
    /// A private address without `internal = true`.
    #[strum(serialize = "U038")]
    PrivateAddress,
    /// A signature algorithm that is not accepted.
    #[strum(serialize = "U039")]
    Algorithm,
    /// No such role.
    #[strum(serialize = "U040")]
    UnknownRole,
    /// No such seat tier.
    #[strum(serialize = "U041")]
    UnknownTier,
    /// The Primary Owner is not a role.
    #[strum(serialize = "U042")]
    PrimaryOwnerRole,
    /// The plan does not have this mode.
    #[strum(serialize = "U043")]
    ModeNotInPlan,
    /// The plan leaves the roles to the file, and the file has none.
    #[strum(serialize = "U044")]
    RolesMissing,
    /// Not an email address.
    #[strum(serialize = "U045")]
    Email,
    /// The Primary Owner could not sign in.
    #[strum(serialize = "U046")]
    PrimaryOwnerDomain,
    /// Not a number of seats.
    #[strum(serialize = "U047")]
    Seats,
    /// Not an address of a database or of Redis.
    #[strum(serialize = "U048")]
    StoreAddress,
    /// Not a limit.
    #[strum(serialize = "U050")]
    Limit,
    /// Not a threshold.
    #[strum(serialize = "U051")]
    Threshold,
    /// How the client proves itself does not fit together.
    #[strum(serialize = "U052")]
    ClientAuth,
    /// Not a tenant, or everybody's.
    #[strum(serialize = "U053")]
    Tenant,
    /// Not the key file of a service account.
    #[strum(serialize = "U054")]
    KeyFile,
    /// One group gives two roles.
    #[strum(serialize = "W001")]
    GroupInTwoRoles,
    /// Seat mappings with nothing to choose.
    #[strum(serialize = "W002")]
    SingleTierMapping,
    /// A domain waits for its proof.
    #[strum(serialize = "W003")]
    DomainUnverified,
    /// Directory sync is not in this version.
    #[strum(serialize = "W004")]
    NoDirectorySync,
    /// Mappings that no mode uses.
    #[strum(serialize = "W005")]
    MappingsInManual,
    /// Nobody could administer.
    #[strum(serialize = "W006")]
    NobodyAdministers,
    /// One domain, two connections.
    #[strum(serialize = "W007")]
    DomainInTwoConnections,
    /// Mappings are on and map no role.
    #[strum(serialize = "W008")]
    NoRoleMapping,
    /// Nobody can sign in.
    #[strum(serialize = "W009")]
    NoConnection,
    /// Everyone would administer.
    #[strum(serialize = "W010")]
    DefaultAdministers,
    /// Seats are not counted.
    #[strum(serialize = "W011")]
    SeatsNotCounted,
}

impl Code {
    /// The code as text, `U001`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether Usher starts with it.
    #[must_use]
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// What it means, with a wrong and a right example; Markdown, without the heading's marks.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        SECTIONS.get(self.as_str()).copied().unwrap_or_default().trim_end()
    }
}
