//! `/metrics` on the operations listener, in Prometheus' text form. Everything is read at that moment; labels are what the configuration names and
//! fixed sets of words, never a path, an address or a person.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use strum::IntoEnumIterator as _;

use super::ops::Node;
use crate::app::App;
use crate::core::provision::SeatCount;
use crate::core::{Connection, ConnectionId, Organization, Reason, SeatTier};
use crate::metrics::Latency;

/// How long whoever scrapes waits for what a database has to be asked for, beside whether it is there.
const PATIENCE: Duration = Duration::from_secs(5);

type Labels = Vec<(&'static str, String)>;
type LoginTotals = BTreeMap<(ConnectionId, &'static str), u64>;

/// `GET /metrics`. A store that is down leaves its numbers out, and its own says 0.
pub(super) async fn show(State(node): State<Arc<ArcSwap<Node>>>) -> Response {
    let snapshot = Snapshot::take(node.load_full()).await;
    let mut registry = Registry::with_prefix("usher");
    registry.register_collector(Box::new(snapshot));
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], body).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What had to be asked for.
#[derive(Debug)]
struct Snapshot {
    node: Arc<Node>,
    /// Each store and how long a small question took, in seconds; `None`: it is down.
    stores: Vec<(&'static str, Option<f64>)>,
    /// Seats by organization.
    seats: Vec<(String, Vec<SeatCount>)>,
    /// Connections whose groups decide something, and whether they came for anyone lately.
    claims: Vec<(ConnectionId, bool)>,
}

impl Snapshot {
    async fn take(node: Arc<Node>) -> Self {
        let app = &node.app;
        let started = Instant::now();
        let database = app.store.probe().await.is_ok().then(|| started.elapsed().as_secs_f64());
        let started = Instant::now();
        let sessions = app.ephemeral.ping().await.is_ok().then(|| started.elapsed().as_secs_f64());
        // A database that has just not answered is not asked more: whoever scrapes does not wait for long.
        let (seats, claims) = if database.is_some() {
            let asked = async { (count_seats(app).await, look_at_claims(app).await) };
            tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default()
        } else {
            Default::default()
        };
        Self { stores: vec![("database", database), ("sessions", sessions)], seats, claims, node }
    }

    fn encode_proxy(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let report = self.node.proxy.report();
        let mut metric = out.encode_descriptor(
            "proxy_request_duration",
            "Requests that an app answered, until the head of its answer",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for route in &report {
            let labels: Labels = vec![("route", route.host.to_owned())];
            histogram(&mut metric, &labels, route.passed)?;
        }
        let asked = report.iter().map(|route| (vec![("route", route.host.to_owned())], route.asked));
        counter(out, "forward_auth_allowed", "Requests that another proxy asked about and may pass on", asked)?;
        let refused = report.iter().flat_map(|route| {
            let labels = |reason: &str| vec![("route", route.host.to_owned()), ("reason", reason.to_owned())];
            route.refused.iter().map(move |(reason, count)| (labels(reason), *count))
        });
        counter(out, "proxy_refused", "Requests that did not reach an app, by reason", refused)?;
        let upstreams = report.iter().flat_map(|route| {
            let labels = |address: &str| vec![("route", route.host.to_owned()), ("upstream", address.to_owned())];
            route.upstreams.iter().map(move |(address, open)| (labels(address), number(*open)))
        });
        gauge(out, "upstream_open_requests", "Requests that an app is answering now", upstreams)
    }

    fn encode_logins(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let app = &self.node.app;
        let by = |word: &'static str, counts: LoginTotals| {
            let labels = move |connection: ConnectionId, code: &str| vec![("connection", connection.to_string()), (word, code.to_owned())];
            counts.into_iter().map(move |((connection, code), count)| (labels(connection, code), count))
        };
        let (asides, reasons): (Vec<Reason>, Vec<Reason>) = Reason::iter().partition(|reason| reason.is_note());
        let ended = self.with_zeros(&reasons, app.logins.ended.totals());
        counter(
            out,
            "logins",
            "Logins by how they ended: a reason code of the rules, or the code of a refused message",
            by("reason", ended),
        )?;
        let noted = self.with_zeros(&asides, app.logins.noted.totals());
        counter(out, "login_notes", "What was noticed of logins that were let in: a reason code of the rules", by("note", noted))?;
        let closed = app.doors.closed();
        let connections = app.settings().connections.iter().map(|connection| connection.id.clone()).collect::<Vec<_>>().into_iter();
        let up = connections.map(|id| {
            let open = closed.iter().all(|(closed, _)| *closed != id);
            (vec![("connection", id.to_string())], f64::from(u8::from(open)))
        });
        gauge(out, "connection_up", "Whether a connection's provider can be used", up)?;
        let healthy = self.claims.iter().map(|(id, healthy)| (vec![("connection", id.to_string())], f64::from(u8::from(*healthy))));
        gauge(out, "groups_claim_healthy", "Whether a connection whose groups decide something sent them for anyone within a day", healthy)
    }

    /// With those that have not been counted yet: to Prometheus, a count that begins at 1 has not grown.
    fn with_zeros(&self, codes: &[Reason], counts: LoginTotals) -> LoginTotals {
        let settings = self.node.app.settings();
        let of = |connection: &Connection| codes.iter().map(|code| ((connection.id.clone(), code.code()), 0)).collect::<Vec<_>>();
        let mut all: BTreeMap<_, _> = settings.connections.iter().flat_map(of).collect();
        all.extend(counts);
        all
    }

    fn encode_sessions(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.node.app.sessions.counts();
        let lookups = [("hit", counts.hits.total()), ("miss", counts.misses.total())];
        let lookups = lookups.map(|(result, count)| (vec![("result", result.to_owned())], count));
        counter(out, "session_lookups", "Sessions found in memory, and sessions that the store was asked for", lookups.into_iter())?;
        let ended = counts.ended.totals().into_iter().map(|(cause, count)| (vec![("cause", cause.to_owned())], count));
        counter(out, "sessions_ended", "Sessions that this node ended, by cause", ended)?;
        let now = |count| std::iter::once((Vec::new(), number(count)));
        gauge(out, "sessions_cached", "Sessions in the memory of this node", now(self.node.app.sessions.count_cached()))?;
        gauge(
            out,
            "open_streams",
            "Answers that last and are open: WebSockets, event streams, long downloads",
            now(self.node.app.sessions.count_streams()),
        )
    }

    fn encode_stores(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let labels = |store: &str| vec![("store", store.to_owned())];
        let up = self.stores.iter().map(|(store, took)| (labels(store), f64::from(u8::from(took.is_some()))));
        gauge(out, "store_up", "Whether a store answers", up)?;
        let took = self.stores.iter().filter_map(|(store, took)| Some((labels(store), (*took)?)));
        gauge(out, "store_ping_seconds", "How long a store takes for the smallest question", took)?;
        self.encode_waits(out)?;
        let by_tier = |count: fn(&SeatCount) -> u32| {
            let labels = |organization: &str, tier: &SeatTier| vec![("organization", organization.to_owned()), ("tier", tier.to_string())];
            let seats = self.seats.iter();
            seats.flat_map(move |(organization, seats)| seats.iter().map(move |s| (labels(organization, &s.tier), f64::from(count(s)))))
        };
        gauge(out, "seats_owned", "Seats that an organization owns", by_tier(|seats| seats.owned))?;
        gauge(out, "seats_used", "Seats that members have or open invites hold", by_tier(|seats| seats.used))
    }

    /// What logins and requests waited for. The console is not among it: what it reads may take long, and nobody else waits.
    fn encode_waits(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let app = &self.node.app;
        let waits = [
            ("database", "read_member", Some(app.sessions.members().asked())),
            ("database", "read_login", Some(&app.logins.read)),
            ("database", "write_login", Some(&app.logins.written)),
            ("sessions", "ask", app.ephemeral.took()),
        ];
        let help = "How long logins and requests waited for a store";
        let mut metric = out.encode_descriptor("store_duration", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (store, operation, took) in waits {
            if let Some(took) = took {
                histogram(&mut metric, &vec![("store", store.to_owned()), ("operation", operation.to_owned())], took)?;
            }
        }
        Ok(())
    }
}

async fn count_seats(app: &App) -> Vec<(String, Vec<SeatCount>)> {
    let mut seats = Vec::new();
    for organization in &app.settings().organizations {
        if let Ok(counted) = app.store.count_seats(&organization.id, app.clock.now()).await {
            seats.push((organization.id.to_string(), counted));
        }
    }
    seats
}

/// Of connections through which groups came once. Nothing where no organization maps groups: that none come is as it should be, and so it is where people only
/// enter organizations that do not.
async fn look_at_claims(app: &App) -> Vec<(ConnectionId, bool)> {
    let settings = app.settings();
    if !settings.organizations.iter().any(Organization::maps_at_login) {
        return Vec::new();
    }
    let (now, claims) = (app.clock.now(), app.store.list_claims().await.unwrap_or_default());
    let is_on = |id: &ConnectionId| settings.find_connection(id).is_some_and(|connection| connection.enabled);
    claims.into_iter().filter(|(id, _)| is_on(id)).map(|(id, health)| (id, health.is_healthy(now))).collect()
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_proxy(&mut encoder)?;
        self.encode_logins(&mut encoder)?;
        self.encode_sessions(&mut encoder)?;
        self.encode_stores(&mut encoder)?;
        let version: Labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        encoder.encode_descriptor("build", "What is running", None, MetricType::Info)?.encode_info(&version)
    }
}

fn counter(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, counts: impl Iterator<Item = (Labels, u64)>) -> fmt::Result {
    let mut metric = out.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in counts {
        metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
    }
    Ok(())
}

fn histogram(metric: &mut MetricEncoder<'_>, labels: &Labels, took: &Latency) -> fmt::Result {
    metric.encode_family(labels)?.encode_histogram::<NoLabelSet>(took.sum_seconds(), took.count(), &took.buckets(), None)
}

fn gauge(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, values: impl Iterator<Item = (Labels, f64)>) -> fmt::Result {
    let mut metric = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
