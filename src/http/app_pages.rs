//! The gateway's own pages on app hosts, in the same look as the auth host's.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;

use super::views::{self, BadGateway, Link, NotFound, ProblemKind, Reference, Unavailable, View as _};
use super::{assets, brand};
use crate::app::App;
use crate::proxy::{Page, Pages, Problem};

const RETRY_AFTER_SECONDS: u32 = 5;

/// Pages for what the proxy has to say.
#[derive(Debug)]
pub struct AppPages {
    app: Arc<App>,
}

impl AppPages {
    /// Pages that carry the names of this gateway's organizations.
    #[must_use]
    pub const fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    fn respond(&self, asked: &Page<'_>) -> Response {
        let route = self.app.config.routes.iter().find(|route| route.host == asked.host);
        let brand = route.map_or_else(|| self.app.default_brand(), |route| self.app.brand_of(&route.organization));
        let page = views::Page::of(&brand).on_app_host();
        let incident = asked.incident.map(|incident| incident.to_string());
        let reference = incident.as_deref().map(|incident| Reference { incident, at: self.app.clock.now(), code: asked.problem.reason() });
        let account = self.app.auth_origin().to_owned() + "/";
        let problem = |kind, action| views::Problem { page, kind, action, reference }.respond();
        match asked.problem {
            Problem::BadGateway | Problem::GatewayTimeout | Problem::Busy => {
                BadGateway { page, application: asked.host, signed_in: true, retry_href: asked.retry_path, reference }.respond()
            }
            Problem::Unavailable => {
                Unavailable { page, retry_href: asked.retry_path, retry_after_seconds: RETRY_AFTER_SECONDS, reference }.respond()
            }
            Problem::NotFound | Problem::UnknownHost => NotFound { page, home_href: None, reference }.respond(),
            Problem::Denied(_) => {
                problem(ProblemKind::AppNotAllowed { application: asked.host }, Some(Link { label: "Your account", href: &account }))
            }
            Problem::SignIn { login_url } => problem(ProblemKind::LoginExpired, Some(Link { label: "Sign in again", href: login_url })),
            Problem::CrossSite => problem(ProblemKind::CrossSite, None),
            Problem::CookieMissing => problem(ProblemKind::CookiesBlocked, None),
            Problem::Malformed(_) | Problem::MethodNotAllowed => problem(ProblemKind::BadRequest, None),
        }
    }
}

impl Pages for AppPages {
    fn render(&self, page: &Page<'_>) -> (HeaderMap, Bytes) {
        taken_apart(self.respond(page))
    }

    fn asset(&self, path: &str) -> Option<(HeaderMap, Bytes)> {
        assets::asset_response(path).or_else(|| brand::respond(&self.app, path)).map(taken_apart)
    }
}

/// Headers and bytes of a response whose body is in memory already.
fn taken_apart(response: Response<Body>) -> (HeaderMap, Bytes) {
    let (head, body) = response.into_parts();
    let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
    let bytes = match std::pin::pin!(body.collect()).as_mut().poll(&mut waker) {
        std::task::Poll::Ready(Ok(collected)) => collected.to_bytes(),
        // A page or an asset is one piece in memory; there is nothing to wait for.
        std::task::Poll::Ready(Err(_)) | std::task::Poll::Pending => Bytes::new(),
    };
    (head.headers, bytes)
}
