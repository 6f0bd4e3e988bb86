//! What the proxy counts: requests that passed, by route and with their time, and requests that did not, by route and reason.

use std::collections::BTreeMap;

use super::answer::Problem;
use super::decide::Denial;
use super::forward::Proxy;
use crate::metrics::{Count, Latency, Tally};

/// Requests of one route.
#[derive(Debug)]
pub(super) struct RouteCounts {
    /// From the request until the head of the app's answer.
    pub(super) passed: Latency,
    /// A yes to another proxy.
    pub(super) asked: Count,
    /// By reason.
    pub(super) refused: Tally<&'static str>,
}

impl Default for RouteCounts {
    fn default() -> Self {
        // What an operator waits for. What only a fault of a client causes is counted from when it comes.
        let denials = [Denial::NotAMember, Denial::Blocked, Denial::Role, Denial::Tier].map(Problem::Denied);
        let ours = [Problem::BadGateway, Problem::Busy, Problem::GatewayTimeout, Problem::Unavailable];
        let problems = denials.iter().chain(&ours).map(Problem::reason);
        let refused = Tally::from_nothing_of(problems.chain(["sign_in"]));
        Self { passed: Latency::default(), asked: Count::default(), refused }
    }
}

/// What was counted for one route.
#[derive(Debug)]
pub struct RouteReport<'a> {
    /// The app's host.
    pub host: &'a str,
    /// Requests that the app answered.
    pub passed: &'a Latency,
    /// Requests that another proxy asked about and may pass on.
    pub asked: u64,
    /// Requests that did not pass, by reason (`sign_in`, `role_required`, `app_unreachable`, …).
    pub refused: BTreeMap<&'static str, u64>,
    /// Each upstream's address and how many requests it has now.
    pub upstreams: Vec<(String, usize)>,
}

impl Proxy {
    /// What was counted since the start, by route.
    #[must_use]
    pub fn report(&self) -> Vec<RouteReport<'_>> {
        let routes = self.routes.iter();
        routes
            .map(|route| RouteReport {
                host: &route.host,
                passed: &route.counts.passed,
                asked: route.counts.asked.total(),
                refused: route.counts.refused.totals(),
                upstreams: route.upstreams.report(),
            })
            .collect()
    }
}
