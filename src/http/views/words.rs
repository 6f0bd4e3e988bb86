//! What the error pages say. Plain words, no blame, no group names, and always something the reader can do.

use std::borrow::Cow;

use http::StatusCode;

use super::icon::Icon;
use crate::core::Reason;

type Text = Cow<'static, str>;

/// The fixed parts of a refusal, beside [`Reason::for_person`], which says what happened and whom to ask.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) icon: Icon,
    pub(super) headline: &'static str,
    pub(super) steps: &'static [&'static str],
}

const SEND: &str = "Send your administrator the reference below. It shows them what to change.";
const OTHER_ACCOUNT: &str = "If you have another work account, use that one.";
const THEN: &str = "After that, sign in again: it takes effect at once.";
const NOT_YOU: &str = "There is nothing wrong with your password or your computer.";

/// Headline and advice for a reason. The reasons that let people in never get here; they share the plainest words.
pub(super) fn refusal(reason: Reason) -> Refusal {
    let (icon, headline, steps): (_, _, &'static [&'static str]) = match reason {
        Reason::NotInvited => (Icon::Person, "You have not been invited yet", &[SEND, OTHER_ACCOUNT]),
        Reason::NotInDirectory => {
            (Icon::Person, "We do not know you yet", &["New here? It can take an hour until your company’s directory reaches us.", SEND])
        }
        Reason::NoRoleGroup => (Icon::Users, "Your account has no access here", &[SEND, OTHER_ACCOUNT]),
        Reason::NoSeatsLeft => (Icon::Seat, "All seats are taken", &[SEND, THEN]),
        Reason::AwaitingApproval => {
            (Icon::Hourglass, "You are waiting for a yes", &["Once an administrator has said yes, sign in again.", SEND])
        }
        Reason::SeatUnassigned => (Icon::Seat, "You have no seat at the moment", &[SEND, THEN]),
        Reason::GroupsClaimMissing => (Icon::Users, "Something was missing from your sign-in", &[SEND, NOT_YOU]),
        Reason::GroupsClaimMalformed => (Icon::Users, "A part of your sign-in could not be read", &[SEND, NOT_YOU]),
        Reason::GroupsOverage => (Icon::Users, "Your sign-in arrived incomplete", &[SEND, NOT_YOU]),
        Reason::BlockedByAdmin => {
            (Icon::Ban, "Your access is blocked", &["Only an administrator can lift this. Send yours the reference below."])
        }
        Reason::SubjectChanged => (
            Icon::Question,
            "We know your address, but not this account",
            &["This happens when a company renews its accounts or its sign-in.", SEND],
        ),
        Reason::EmailTaken => (Icon::Question, "Your address is in use by another account", &[SEND]),
        Reason::IdentityAmbiguous => (Icon::Question, "More than one account fits you", &[SEND]),
        Reason::DomainNotAllowed => (
            Icon::Question,
            "This address cannot be used here",
            &["Use the account with your work address.", "Is this your work address? Send your administrator the reference below."],
        ),
        Reason::AuthInvalid => (
            Icon::Shield,
            "Your sign-in could not be verified",
            &["Sign in again. If this page comes back, send your administrator the reference below."],
        ),
        Reason::OkNew
        | Reason::OkExisting
        | Reason::OkReadded
        | Reason::TierFullLowered
        | Reason::TierUpgradeQueued
        | Reason::GroupsKeptGrace
        | Reason::GuardPrimaryOwner
        | Reason::GuardLastAdmin
        | Reason::Pinned
        | Reason::ManagedByIdp => (Icon::Door, "You could not be let in", &[SEND]),
    };
    Refusal { icon, headline, steps }
}

/// Everything that can go wrong besides a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind<'a> {
    /// The login took too long, or its page was used twice.
    LoginExpired,
    /// Sent to sign in again and again, and we cannot tell why.
    LoginLoop,
    /// The browser does not send back our cookie.
    CookiesBlocked,
    /// The clock of one side is off by more than may be.
    ClockWrong {
        /// The provider's name.
        provider: &'a str,
        /// How far the provider's time is ahead of ours (negative: behind).
        ahead_seconds: i64,
    },
    /// The provider does not answer.
    ProviderUnreachable {
        /// The provider's name.
        provider: &'a str,
    },
    /// The provider sent the person back without a login: cancelled there, or not assigned to this app.
    ProviderRefused {
        /// The provider's name.
        provider: &'a str,
    },
    /// The provider did not say when the person signed in, and something needs to know.
    SignInTimeMissing {
        /// The provider's name.
        provider: &'a str,
    },
    /// Signed in, but this app is for others.
    AppNotAllowed {
        /// The app's name or host.
        application: &'a str,
    },
    /// Nobody has set up a way to sign in.
    NotSetUp,
    /// We could not read the request.
    BadRequest,
    /// A form was sent to us from another site.
    CrossSite,
    /// A recovery link that was used, is too old, or was never made.
    RecoveryLink,
    /// Too many tries.
    TooManyRequests,
    /// Our own fault.
    Internal,
}

/// All that a problem page says.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) icon: Icon,
    pub(super) headline: Text,
    pub(super) happened: Text,
    pub(super) steps: Vec<Text>,
}

impl Words {
    fn new(icon: Icon, headline: impl Into<Text>, happened: impl Into<Text>, steps: &[&'static str]) -> Self {
        Self { icon, headline: headline.into(), happened: happened.into(), steps: steps.iter().map(|&step| Text::from(step)).collect() }
    }
}

impl ProblemKind<'_> {
    /// The status of the page.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::LoginExpired | Self::LoginLoop | Self::CookiesBlocked | Self::ClockWrong { .. } | Self::BadRequest => {
                StatusCode::BAD_REQUEST
            }
            Self::ProviderRefused { .. } | Self::SignInTimeMissing { .. } | Self::AppNotAllowed { .. } | Self::CrossSite => {
                StatusCode::FORBIDDEN
            }
            Self::RecoveryLink => StatusCode::GONE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::ProviderUnreachable { .. } => StatusCode::BAD_GATEWAY,
            Self::NotSetUp => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word for the log line and for [`super::Reference::code`].
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LoginExpired => "login_expired",
            Self::LoginLoop => "login_loop",
            Self::CookiesBlocked => "cookies_blocked",
            Self::ClockWrong { .. } => "clock_wrong",
            Self::ProviderUnreachable { .. } => "provider_unreachable",
            Self::ProviderRefused { .. } => "provider_refused",
            Self::SignInTimeMissing { .. } => "auth_time_missing",
            Self::AppNotAllowed { .. } => "app_not_allowed",
            Self::NotSetUp => "not_set_up",
            Self::BadRequest => "bad_request",
            Self::CrossSite => "cross_site",
            Self::RecoveryLink => "recovery_link",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "internal",
        }
    }

    pub(super) fn words(self) -> Words {
        match self {
            Self::LoginExpired => Words::new(
                Icon::Hourglass,
                "This sign-in has expired",
                "It was left open for too long, or this page was already used once. Nothing is lost.",
                &["Sign in again. You get back to the page you wanted."],
            ),
            Self::LoginLoop => Words::new(
                Icon::Compass,
                "Signing in keeps going in circles",
                "You were sent to sign in several times within a minute and came back without success each time. We stopped here.",
                &[
                    "Close this tab, open the app again and sign in once.",
                    "Try a private window: it leaves out old cookies and extensions.",
                    SEND,
                ],
            ),
            Self::CookiesBlocked => Words::new(
                Icon::Cookie,
                "Your browser blocks our cookie",
                "Signing in needs one cookie from this site. Your browser did not send it back.",
                &[
                    "Allow cookies for this site. Cookies of other sites are not needed.",
                    "Turn off extensions that remove cookies, then sign in again.",
                    "Did you come here in a window inside another app? Open the app in your browser.",
                ],
            ),
            Self::ClockWrong { provider, ahead_seconds } => Words::new(
                Icon::Clock,
                "Two clocks do not agree",
                format!(
                    "The clock of {provider} is {} {} ours, so its sign-in looks {}. Your cookie and your password are fine.",
                    duration(ahead_seconds.unsigned_abs()),
                    if ahead_seconds >= 0 { "ahead of" } else { "behind" },
                    if ahead_seconds >= 0 { "as if it came from the future" } else { "too old" },
                ),
                &[
                    "Send the reference below to your administrator: one of the two servers needs its time set.",
                    "Your own computer’s clock plays no part in this.",
                ],
            ),
            Self::ProviderUnreachable { provider } => Words::new(
                Icon::Offline,
                format!("{provider} does not answer"),
                format!("We need {provider} to sign you in, and could not reach it. Whoever is signed in already stays signed in."),
                &["Wait a minute, then try again.", "If it lasts, tell your administrator and send the reference below along."],
            ),
            Self::ProviderRefused { provider } => Words::new(
                Icon::Ban,
                format!("{provider} did not let you in"),
                format!("{provider} sent you back without a sign-in. It was cancelled, or your account there may not use this app."),
                &[
                    "Sign in again, and pick the right account there.",
                    "If it says no again, ask your administrator to assign the app to you.",
                ],
            ),
            Self::SignInTimeMissing { provider } => sign_in_time_missing(provider),
            Self::AppNotAllowed { application } => Words::new(
                Icon::Door,
                "This app is not for your role",
                format!("You are signed in, but {application} is open to other roles or seats only."),
                &[SEND],
            ),
            Self::NotSetUp => Words::new(
                Icon::Door,
                "Signing in is not set up yet",
                "No identity provider is connected here.",
                &["Are you the administrator? Add a connection to org.toml, then run “usher check”."],
            ),
            Self::BadRequest => Words::new(
                Icon::Question,
                "We could not read that request",
                "The address or the data that came with it is incomplete or damaged.",
                &["Open the app again, and sign in from there.", "Bookmarked this page? Bookmark the app instead."],
            ),
            Self::CrossSite => Words::new(
                Icon::Shield,
                "That came from another site",
                "A form on another site tried to act here in your name. We did nothing.",
                &["If you pressed a button of ours, open its page again and press it there."],
            ),
            Self::RecoveryLink => Words::new(
                Icon::Hourglass,
                "This link does not work",
                "A recovery link works once, and for 15 minutes. This one was used, is too old, or was never made here.",
                &["Make a new one on the server: “usher admin link”.", "If you can sign in as usual, do that instead."],
            ),
            Self::TooManyRequests => Words::new(
                Icon::Hourglass,
                "Too many tries",
                "There were more sign-ins from here than a person makes.",
                &["Wait a minute, then sign in again."],
            ),
            Self::Internal => Words::new(
                Icon::Shield,
                "Something broke on our side",
                "It is not your fault, and you were not let in or signed out by it.",
                &["Try again in a moment.", SEND],
            ),
        }
    }
}

fn sign_in_time_missing(provider: &str) -> Words {
    Words::new(
        Icon::Clock,
        format!("{provider} does not say when you signed in"),
        format!(
            "What you were about to do needs a fresh sign-in. {provider} signed you in, but without the time, so nobody can tell whether it \
             asked you again. Nothing was done, and you are still signed in as before."
        ),
        &[
            "Have the provider send the claim “auth_time” with its ID tokens. In Entra ID it is an optional claim: App registrations, Token configuration.",
            "Until then, or if your provider has no such claim: do it on the server, by Usher’s command line.",
        ],
    )
}

/// A length of time in the unit that a person would use.
fn duration(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_length_of_time_is_said_in_the_unit_a_person_would_use() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7200, "2 hours"),
            (86_400, "24 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(duration(seconds), said);
        }
    }
}
