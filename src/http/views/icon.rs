//! The drawings on the pages: Lucide's outlines, written into the page so that they take its colours (`templates/icons/LICENSE`).

use std::fmt;

use askama::FastWritable;
use askama::filters::HtmlSafe;

/// A drawing. It says nothing that the text beside it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Icon {
    ArrowRight,
    Ban,
    ChevronRight,
    Clock,
    Cookie,
    Compass,
    Door,
    ExternalLink,
    Hourglass,
    Offline,
    Person,
    Question,
    Seat,
    Shield,
    SignOut,
    Unplugged,
    Users,
}

impl Icon {
    const fn svg(self) -> &'static str {
        match self {
            Self::ArrowRight => include_str!("../../../templates/icons/arrow-right.svg"),
            Self::Ban => include_str!("../../../templates/icons/ban.svg"),
            Self::ChevronRight => include_str!("../../../templates/icons/chevron-right.svg"),
            Self::Clock => include_str!("../../../templates/icons/clock.svg"),
            Self::Cookie => include_str!("../../../templates/icons/cookie.svg"),
            Self::Compass => include_str!("../../../templates/icons/compass.svg"),
            Self::Door => include_str!("../../../templates/icons/door-closed.svg"),
            Self::ExternalLink => include_str!("../../../templates/icons/external-link.svg"),
            Self::Hourglass => include_str!("../../../templates/icons/hourglass.svg"),
            Self::Offline => include_str!("../../../templates/icons/cloud-off.svg"),
            Self::Person => include_str!("../../../templates/icons/user-x.svg"),
            Self::Question => include_str!("../../../templates/icons/circle-help.svg"),
            Self::Seat => include_str!("../../../templates/icons/armchair.svg"),
            Self::Shield => include_str!("../../../templates/icons/shield-alert.svg"),
            Self::SignOut => include_str!("../../../templates/icons/log-out.svg"),
            Self::Unplugged => include_str!("../../../templates/icons/unplug.svg"),
            Self::Users => include_str!("../../../templates/icons/users.svg"),
        }
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.svg())
    }
}

impl FastWritable for Icon {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        dest.write_str(self.svg()).map_err(askama::Error::from)
    }
}

/// The text is ours, from this binary.
impl HtmlSafe for Icon {}
