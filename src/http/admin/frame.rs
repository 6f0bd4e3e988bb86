//! What all pages of the console share.

use std::fmt;

use askama::FastWritable;
use askama::filters::HtmlSafe;

use super::console::Console;
use super::parts::{Crumb, When};
use super::theme::Theme;
use crate::http::assets::AssetBase;
use crate::http::brand;
use crate::http::headers::ContentPolicy;
use jiff::Timestamp;

/// Where in the navigation a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub(super) enum Section {
    /// The first page.
    Overview,
    /// SSO connections.
    Connections,
    /// Identity & access.
    Access,
    /// Who is a member.
    Members,
    /// Seats by tier.
    Seats,
    /// Who is signed in.
    Sessions,
    /// Who waits to be let in.
    Requests,
    /// The audit log.
    Activity,
    /// API tokens.
    Tokens,
    /// Settings.
    Settings,
    /// Nowhere: an error page, a page that is reached from another one.
    Elsewhere,
}

impl Section {
    /// Group, label and the end of the address; `None` when it is not in the navigation.
    const fn entry(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Overview => Some(("", "Overview", "")),
            Self::Connections => Some(("Sign-in", "SSO connections", "connections")),
            Self::Members => Some(("People", "Members", "members")),
            Self::Seats => Some(("People", "Seats", "seats")),
            Self::Sessions => Some(("People", "Sessions", "sessions")),
            Self::Requests => Some(("People", "Requests", "requests")),
            Self::Activity => Some(("", "Activity", "activity")),
            Self::Tokens => Some(("System", "API tokens", "tokens")),
            Self::Access => Some(("Access", "Identity & access", "access")),
            Self::Settings => Some(("System", "Settings", "settings")),
            Self::Elsewhere => None,
        }
    }
}

/// The navigation in groups; the order is that of [`Section`].
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) links: Vec<NavLink>,
}

/// One link of the navigation.
pub(super) struct NavLink {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) current: bool,
}

/// The frame around one page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) console: Console,
    section: Section,
    pub(super) crumbs: Vec<Crumb>,
}

impl Frame {
    /// Around a page of this section.
    pub(super) fn new(console: &Console, section: Section) -> Self {
        Self { console: console.clone(), section, crumbs: Vec::new() }
    }

    /// Around a page below the section's first: what it is called is the last crumb.
    pub(super) fn below(mut self, label: impl Into<String>) -> Self {
        if self.crumbs.is_empty()
            && let Some((_, section, leaf)) = self.section.entry()
        {
            self.crumbs.push(Crumb { label: section.to_owned(), href: Some(self.console.path(leaf)) });
        }
        self.crumbs.push(Crumb { label: label.into(), href: None });
        self
    }

    /// The same for a page in between, which has an address.
    pub(super) fn below_link(mut self, label: impl Into<String>, href: String) -> Self {
        self = self.below(label);
        if let Some(last) = self.crumbs.last_mut() {
            last.href = Some(href);
        }
        self
    }

    /// The policy that the page is answered with.
    pub(super) fn policy(&self) -> ContentPolicy<'_> {
        ContentPolicy::Console(&self.console.nonce)
    }

    /// The name of the organization.
    pub(super) fn organization(&self) -> &str {
        &self.console.organization.name
    }

    pub(super) fn accent_href(&self) -> Option<String> {
        self.console.organization.branding.accent.map(|accent| brand::accent_address(AssetBase::AuthHost, accent))
    }

    pub(super) fn logo_href(&self) -> Option<String> {
        let logo = self.console.organization.branding.logo.as_ref();
        logo.map(|logo| brand::logo_address(AssetBase::AuthHost, &logo.file_name()))
    }

    pub(super) fn initial(&self) -> String {
        let first = self.organization().chars().find(|c| c.is_alphanumeric());
        first.map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
    }

    /// What to call the administrator.
    pub(super) fn person(&self) -> &str {
        let person = &self.console.row.person;
        let email = person.email.as_ref().map(crate::core::EmailAddress::as_str);
        person.name.as_deref().or(email).unwrap_or("You")
    }

    pub(super) fn role(&self) -> String {
        if self.console.row.member.primary_owner { "Primary Owner".to_owned() } else { self.console.row.member.role.to_string() }
    }

    pub(super) fn groups(&self) -> Vec<Group> {
        use strum::IntoEnumIterator as _;
        let mut groups: Vec<Group> = Vec::new();
        for section in Section::iter() {
            let Some((group, label, leaf)) = section.entry() else { continue };
            if groups.last().is_none_or(|last| last.label != group) {
                groups.push(Group { label: group, links: Vec::new() });
            }
            let link = NavLink { label, href: self.console.path(leaf), current: section == self.section };
            if let Some(last) = groups.last_mut() {
                last.links.push(link);
            }
        }
        groups
    }

    /// Value, label, and whether it is the one in force.
    pub(super) fn themes(&self) -> [(&'static str, &'static str, bool); 3] {
        let chosen = self.console.theme;
        [
            ("system", "System", chosen.is_none()),
            ("light", "Light", chosen == Some(Theme::Light)),
            ("dark", "Dark", chosen == Some(Theme::Dark)),
        ]
    }

    /// The session was decided for several organizations: there is something to switch to.
    pub(super) fn several(&self) -> bool {
        self.console.session.organizations.len() > 1
    }

    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(super) fn asset(&self, name: &str) -> String {
        AssetBase::AuthHost.address(name)
    }

    pub(super) fn nonce(&self) -> &str {
        self.console.nonce.as_str()
    }

    /// When a session by a recovery link ends.
    pub(super) fn until(&self) -> String {
        self.console.session.ends_at.strftime("%H:%M UTC").to_string()
    }

    /// How long ago, with the time itself behind it.
    pub(super) fn when(&self, at: &Timestamp) -> When {
        When { at: *at, now: self.console.now }
    }

    /// A day, for what is far away.
    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(super) fn date(&self, at: &Timestamp) -> String {
        at.strftime("%-d %b %Y").to_string()
    }

    /// Attributes for a form of filters: htmx asks while one types, takes `region` (`#list`) out of the answer, swaps only that, and keeps the address
    /// true. Without a script the same address answers.
    pub(super) fn live(&self, region: &'static str) -> Htmx<'_> {
        Htmx { nonce: self.nonce(), region }
    }
}

/// The attributes that make htmx take over; they carry the page's nonce, without which they would be taken off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Htmx<'a> {
    nonce: &'a str,
    region: &'static str,
}

impl Htmx<'_> {
    /// With the address, which htmx wants once more.
    pub(super) fn to<'t>(&'t self, href: &'t str) -> Aimed<'t> {
        Aimed { htmx: self, href }
    }
}

/// [`Htmx`] with its address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aimed<'a> {
    htmx: &'a Htmx<'a>,
    href: &'a str,
}

impl fmt::Display for Aimed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Htmx { nonce, region } = self.htmx;
        f.write_str("hx-get=\"")?;
        escape(f, self.href)?;
        write!(f, "\" hx-nonce=\"{nonce}\" hx-select=\"{region}\" hx-target=\"{region}\" hx-swap=\"outerHTML\" hx-push-url=\"true\"")?;
        f.write_str(" hx-trigger=\"input delay:250ms, submit\"")
    }
}

fn escape(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    use askama::filters::Escaper as _;
    askama::filters::Html.write_escaped_str(f, text)
}

impl FastWritable for Aimed<'_> {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        write!(dest, "{self}").map_err(askama::Error::from)
    }
}

/// Everything that came from outside is escaped above.
impl HtmlSafe for Aimed<'_> {}
