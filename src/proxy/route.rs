//! App hosts, compiled from configuration: everything that can be worked out once is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::clean::Reserved;
use super::counts::RouteCounts;
use super::introduce;
use super::upstream::Upstreams;
use crate::config::{self, Alias, Allow, Config};
use crate::core::OrganizationId;

/// One app host.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) host: String,
    /// Scheme, host and port as the browser sees them.
    pub(super) origin: String,
    /// Host and port of that.
    pub(super) authority: HeaderValue,
    pub(super) proto: HeaderValue,
    pub(super) organization: OrganizationId,
    pub(super) allow: Allow,
    public_paths: Vec<String>,
    pub(super) aliases: Vec<(Alias, HeaderName)>,
    /// The headers that say who it is.
    pub(super) told: Arc<[HeaderName]>,
    pub(super) idle_timeout: Duration,
    pub(super) upstreams: Upstreams,
    pub(super) counts: Arc<RouteCounts>,
}

impl Route {
    /// Whether anyone may reach a path: equal to a public prefix, or below it after a slash. Compared as it is sent, so an odd spelling is not public.
    pub(super) fn is_public(&self, path: &str) -> bool {
        self.allow == Allow::Public
            || self.public_paths.iter().any(|public| match path.strip_prefix(public.as_str()) {
                Some(rest) => rest.is_empty() || rest.starts_with('/') || public.ends_with('/'),
                None => false,
            })
    }
}

/// All app hosts.
#[derive(Debug)]
pub(super) struct Routes {
    by_host: BTreeMap<String, Arc<Route>>,
    pub(super) reserved: Reserved,
}

impl Routes {
    pub(super) fn compile(config: &Config) -> Self {
        let reserved = Reserved::new(config.routes.iter().flat_map(|route| route.aliases.values()));
        let by_host = config.routes.iter().map(|route| (route.host.clone(), Arc::new(compile(route, &config.public_url)))).collect();
        Self { by_host, reserved }
    }

    /// Goes on with what was counted for the same hosts before: a reload is no restart.
    pub(super) fn count_on_from(&mut self, before: &Self) {
        for (host, route) in &mut self.by_host {
            // Nobody else knows a route that was compiled a moment ago.
            if let (Some(before), Some(route)) = (before.find(host), Arc::get_mut(route)) {
                route.counts = Arc::clone(&before.counts);
            }
        }
    }

    pub(super) fn find(&self, host: &str) -> Option<&Arc<Route>> {
        self.by_host.get(host)
    }

    /// By host.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.by_host.values()
    }
}

fn compile(route: &config::Route, public_url: &Url) -> Route {
    let mut origin = public_url.clone();
    // Fails only for names that configuration has refused already.
    let _ = origin.set_host(Some(&route.host));
    let origin = origin.origin().ascii_serialization();
    let authority = origin.split_once("://").map_or(route.host.as_str(), |(_, authority)| authority);
    let aliases: Vec<_> = route.aliases.iter().map(|(alias, name)| (*alias, name.clone())).collect();
    Route {
        host: route.host.clone(),
        // Configuration has checked that the host is a name; an empty one is refused by every app.
        authority: HeaderValue::from_str(authority).unwrap_or_else(|_| HeaderValue::from_static("")),
        origin,
        proto: if public_url.scheme() == "https" { HeaderValue::from_static("https") } else { HeaderValue::from_static("http") },
        organization: route.organization.clone(),
        allow: route.allow.clone(),
        public_paths: route.public_paths.clone(),
        told: introduce::names(&aliases),
        aliases,
        idle_timeout: route.idle_timeout,
        upstreams: Upstreams::new(&route.upstreams),
        counts: Arc::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(public_paths: &[&str]) -> Route {
        let config = config::Route {
            host: "app.acme.example".to_owned(),
            upstreams: vec![],
            organization: OrganizationId::parse("acme").unwrap(),
            allow: Allow::Members,
            public_paths: public_paths.iter().map(|&path| path.to_owned()).collect(),
            aliases: std::collections::BTreeMap::new(),
            idle_timeout: Duration::from_mins(1),
        };
        compile(&config, &Url::parse("https://auth.acme.example:8443").unwrap())
    }

    #[test]
    fn a_public_path_is_public_with_all_below_it_and_nothing_beside_it() {
        let route = route(&["/healthz", "/static/"]);
        for public in ["/healthz", "/healthz/", "/healthz/db", "/static/", "/static/a.css"] {
            assert!(route.is_public(public), "{public}");
        }
        for closed in ["/", "/healthz2", "/Healthz", "/%68ealthz", "/static", "/x/healthz"] {
            assert!(!route.is_public(closed), "{closed}");
        }
    }

    #[test]
    fn the_origin_of_an_app_has_the_port_of_the_auth_host() {
        assert_eq!(route(&[]).origin, "https://app.acme.example:8443");
    }
}
