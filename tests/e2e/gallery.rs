//! Every page for people, with the sort of values it will see, served on loopback: to look at, and to test in a real browser.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use axum::Router;
use axum::extract::{OriginalUri, Path};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use strum::IntoEnumIterator as _;
use tokio::net::TcpListener;
use url::Url;
use usher::core::Reason;
use usher::http::assets::{self, asset_response};
use usher::http::headers;
use usher::http::views::{
    Access, Account, AppLink, BadGateway, Choose, ConnectionChoice, Email, EmailProblem, Link, NotFound, Page, PostForm, Problem,
    ProblemKind, Recovery, Reference, Refused, Seat, SignedOut, Taking, Unavailable, View as _,
};

const INCIDENT: &str = "inc_019ab2f47c1e7d3a9c0e5b8f21d4a667";

fn page() -> Page<'static> {
    Page::new("Acme", Some("it-help@acme.example"))
}

fn reference(code: &str) -> Reference<'_> {
    Reference { incident: INCIDENT, at: "2026-11-03T09:14:22Z".parse().unwrap(), code }
}

/// The name of every page.
pub(crate) fn names() -> Vec<String> {
    let login = ["choose", "choose-several", "choose-long", "email", "email-unknown", "email-malformed", "taking", "post", "recovery"];
    let account = ["account", "account-bare", "account-long", "signed-out", "signed-out-everywhere"];
    let trouble = ["bad-gateway", "bad-gateway-public", "unavailable", "not-found"];
    let fixed = [&login[..], &account, &trouble].concat().into_iter().map(str::to_owned);
    let problems = problems().into_iter().map(|kind| format!("problem-{}", kind.code()));
    fixed.chain(problems).chain(refusals().map(|reason| format!("refused-{reason}"))).collect()
}

fn refusals() -> impl Iterator<Item = Reason> {
    use Reason::{GroupsKeptGrace, GuardLastAdmin, GuardPrimaryOwner, Pinned, TierFullLowered, TierUpgradeQueued};
    let notes = [GroupsKeptGrace, GuardLastAdmin, GuardPrimaryOwner, Pinned, TierFullLowered, TierUpgradeQueued];
    Reason::iter().filter(move |reason| !reason.is_admission() && !notes.contains(reason))
}

fn problems() -> Vec<ProblemKind<'static>> {
    let provider = "Okta";
    vec![
        ProblemKind::LoginExpired,
        ProblemKind::LoginLoop,
        ProblemKind::CookiesBlocked,
        ProblemKind::ClockWrong { provider, ahead_seconds: 312 },
        ProblemKind::ProviderUnreachable { provider },
        ProblemKind::ProviderRefused { provider },
        ProblemKind::SignInTimeMissing { provider },
        ProblemKind::AppNotAllowed { application: "app.acme.example" },
        ProblemKind::NotSetUp,
        ProblemKind::BadRequest,
        ProblemKind::CrossSite,
        ProblemKind::RecoveryLink,
        ProblemKind::TooManyRequests,
        ProblemKind::Internal,
    ]
}

/// The page of that name. `port`: where the gallery itself is served.
pub(crate) fn response(name: &str, port: u16) -> Option<Response> {
    if let Some(code) = name.strip_prefix("refused-") {
        let reason = refusals().find(|reason| reason.code() == code)?;
        let view = Refused {
            page: page(),
            reason,
            signed_in_as: Some("noah.fischer@acme.example"),
            access: match reason {
                Reason::NotInvited => Access::Open { form: "nothing" },
                Reason::AwaitingApproval => Access::Asked { at: "2026-11-03T09:14:22Z".parse().unwrap() },
                Reason::NoSeatsLeft => {
                    Access::Declined { at: "2026-11-03T09:14:22Z".parse().unwrap(), note: Some("We buy more seats in January <soon>.") }
                }
                _ => Access::Closed,
            },
            other_account_href: Some("/nowhere?prompt=login"),
            reference: Some(reference(reason.code())),
        };
        return Some(view.respond());
    }
    if let Some(code) = name.strip_prefix("problem-") {
        let kind = problems().into_iter().find(|kind| kind.code() == code)?;
        let action = Some(Link { label: "Sign in again", href: "/nowhere" });
        return Some(Problem { page: page(), kind, action, reference: Some(reference(code)) }.respond());
    }
    login(name, port).or_else(|| account(name)).or_else(|| trouble(name))
}

fn login(name: &str, port: u16) -> Option<Response> {
    let choice = |name, used_last| ConnectionChoice { name, href: "/nowhere", used_last };
    let email = |email, problem| Email {
        page: page(),
        application: Some("Acme Wiki"),
        return_to: Some("/wiki/a?b=c"),
        enter: None,
        email,
        problem,
    };
    Some(match name {
        "choose" => Choose {
            page: page(),
            application: Some("Acme Wiki"),
            connections: &[choice("Acme (Okta)", false)],
            email_href: None,
            other_account_href: Some("/nowhere"),
        }
        .respond(),
        "choose-several" => Choose {
            page: page(),
            application: Some("Acme Wiki"),
            connections: &[choice("Acme (Okta)", true), choice("Acme Labs (Entra ID)", false), choice("Partners", false)],
            email_href: Some("/nowhere"),
            other_account_href: Some("/nowhere"),
        }
        .respond(),
        "choose-long" => Choose {
            page: Page::new("Internationale Gesellschaft für Donaudampfschifffahrtselektrizitäten", Some("Room 4.12, or call 1234")),
            application: Some("donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft.example"),
            connections: &[choice("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", false)],
            email_href: None,
            other_account_href: None,
        }
        .respond(),
        "email" => email("", None).respond(),
        "email-unknown" => email("ada@acme.exmaple", Some(EmailProblem::UnknownDomain("acme.exmaple"))).respond(),
        "email-malformed" => email("ada", Some(EmailProblem::NotAnAddress)).respond(),
        "taking" => Taking { page: page(), provider: "Okta", href: "/nowhere", host: Some("acme.okta.example") }.respond(),
        "recovery" => Recovery { page: page() }.respond(),
        "post" | "post-and-arrive" => {
            // Another origin than the page's: the policy must let the form leave.
            let action = Url::parse(&format!("http://idp.localhost:{port}/{}", if name == "post" { "nowhere" } else { "posted" })).unwrap();
            let fields = [("SAMLRequest", "PHNhbWxwOkF1dGhuUmVxdWVzdC8+"), ("RelayState", "a\"><script>alert(1)</script>")];
            PostForm::new(page(), "Okta", &action, &fields).unwrap().respond()
        }
        _ => return None,
    })
}

fn account(name: &str) -> Option<Response> {
    let app = |name, host| AppLink { name, host, href: "/nowhere" };
    Some(match name {
        "account" => Account {
            page: page(),
            name: "Ada Lindqvist",
            email: Some("ada.lindqvist@acme.example"),
            provider: Some("Okta"),
            role: "Admin",
            role_why: "Given by a group you are in at your company.",
            seat: Some(Seat { tier: "Premium", why: "Given by a group you are in at your company." }),
            apps: &[app("Wiki", "wiki.acme.example"), app("Dashboards", "grafana.acme.example")],
            console_href: Some("/admin"),
        }
        .respond(),
        "account-bare" => Account {
            page: Page::new("Acme", None),
            name: "jo@acme.example",
            email: None,
            provider: None,
            role: "User",
            role_why: "What everybody starts with.",
            seat: None,
            apps: &[],
            console_href: None,
        }
        .respond(),
        "account-long" => Account {
            page: page(),
            name: "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh",
            email: Some("hubert.blaine.wolfeschlegelsteinhausenbergerdorff@mail.subsidiary.acme.example"),
            provider: Some("Okta"),
            role: "Regional-Compliance-Administrator",
            role_why: "Set by hand by an administrator, until 3 Dec 2026.",
            seat: Some(Seat { tier: "Standard", why: "The Premium seats are taken. You get one as soon as one is free." }),
            apps: &[app("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", "donaudampfschifffahrt.subsidiary.apps.acme.example")],
            console_href: None,
        }
        .respond(),
        "signed-out" => SignedOut {
            page: page(),
            apps: &["wiki.acme.example", "grafana.acme.example"],
            sign_in_href: "/nowhere",
            provider: Some(Link { label: "Okta", href: "/nowhere" }),
        }
        .respond(),
        "signed-out-everywhere" => SignedOut { page: page(), apps: &[], sign_in_href: "/nowhere", provider: None }.respond(),
        _ => return None,
    })
}

fn trouble(name: &str) -> Option<Response> {
    let application = "wiki.acme.example";
    Some(match name {
        "bad-gateway" => BadGateway {
            page: page().on_app_host(),
            application,
            signed_in: true,
            retry_href: Some("/nowhere"),
            reference: Some(reference("app_down")),
        }
        .respond(),
        "bad-gateway-public" => {
            BadGateway { page: page().on_app_host(), application, signed_in: false, retry_href: None, reference: None }.respond()
        }
        "unavailable" => Unavailable {
            page: page().on_app_host(),
            retry_href: Some("/nowhere"),
            retry_after_seconds: 5,
            reference: Some(reference("store_unavailable")),
        }
        .respond(),
        "not-found" => NotFound { page: page(), home_href: Some("/nowhere"), reference: None }.respond(),
        _ => return None,
    })
}

/// The gallery as a server: `/` lists the pages, `/{name}` is one. Links and forms on them lead to an answer that leaves the browser where it is.
fn router(port: u16) -> Router {
    Router::new()
        .route("/", get(async || index()))
        .route("/nowhere", any(StatusCode::NO_CONTENT))
        .route("/{name}", get(move |Path(name): Path<String>| async move { one(&name, port) }))
        .route("/posted", any(|| async { "Arrived." }))
        .route("/login", post(move || async move { one("taking", port) }))
        .route("/login/ask", post(StatusCode::NO_CONTENT))
        .route("/logout", any(StatusCode::NO_CONTENT))
        .route("/.usher/assets/{*path}", get(|OriginalUri(uri): OriginalUri| async move { asset_response(uri.path()).unwrap() }))
        .merge(assets::routes())
        .layer(headers::layer(false))
}

/// Serves the gallery until the task is dropped.
pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let service = TowerToHyperService::new(router(listener.local_addr()?.port()));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(stream), service).await });
    }
}

fn index() -> Html<String> {
    let items: Vec<String> = names().iter().map(|name| format!("<li><a href=\"/{name}\">{name}</a>")).collect();
    Html(format!("<!doctype html><html lang=en><title>Gallery</title><h1>Gallery</h1><ul>{}</ul>", items.join("\n")))
}

fn one(name: &str, port: u16) -> Response {
    response(name, port).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
