//! OpenTelemetry traces, in builds with the feature `otel`: one span for each request, from its head to the head of its answer. It goes on with the trace
//! that `traceparent` names (W3C Trace Context), and is what the app gets as its parent.
//!
//! Where spans go, and how many of them, is said by the variables of OpenTelemetry (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, …); without an
//! endpoint there are none. Neither path nor address is in a span: both can be secrets of people.

use std::sync::OnceLock;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::proxy::REQUEST_ID;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What sends the spans; the last ones go out with [`Exporting::finish`].
#[derive(Debug)]
pub struct Exporting(Option<SdkTracerProvider>);

impl Exporting {
    /// Starts for the whole process, where an endpoint is named.
    ///
    /// # Errors
    /// The endpoint cannot be used.
    pub fn start() -> Result<Self, ExporterBuildError> {
        let said = |name| std::env::var_os(name).is_some();
        if !said("OTEL_EXPORTER_OTLP_ENDPOINT") && !said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return Ok(Self(None));
        }
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build()?;
        let resource = Resource::builder();
        let resource = if said("OTEL_SERVICE_NAME") { resource } else { resource.with_service_name("usher") };
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        // Set before anything is answered, and never again.
        let _ = TRACER.set(provider.tracer("usher"));
        Ok(Self(Some(provider)))
    }

    /// Sends what has not been sent. Waits for the collector: not for a thread that answers requests.
    pub fn finish(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last spans were not sent");
        }
    }
}

/// The span of a request that is being answered.
#[derive(Debug)]
pub struct RequestSpan(Option<Context>);

/// Begins the span of a request, and makes it the parent of what the app does.
pub fn begin<B>(mut request: Request<B>) -> (Request<B>, RequestSpan) {
    let Some(tracer) = TRACER.get() else { return (request, RequestSpan(None)) };
    let propagator = TraceContextPropagator::new();
    let before = propagator.extract(&Headers(request.headers_mut()));
    let host = request.uri().host().or_else(|| request.headers().get(http::header::HOST)?.to_str().ok()).unwrap_or_default();
    let attributes = [KeyValue::new("http.request.method", request.method().to_string()), KeyValue::new("server.address", host.to_owned())];
    let span = tracer.span_builder(request.method().to_string()).with_kind(SpanKind::Server).with_attributes(attributes);
    let context = before.with_span(span.start_with_context(tracer, &before));
    propagator.inject_context(&context, &mut Headers(request.headers_mut()));
    (request, RequestSpan(Some(context)))
}

impl RequestSpan {
    /// Ends it with the head of its answer.
    pub fn end<B>(self, response: &Response<B>) {
        let Some(context) = self.0 else { return };
        let (span, status) = (context.span(), response.status());
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if let Some(id) = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()) {
            span.set_attribute(KeyValue::new("request.id", id.to_owned()));
        }
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Injector for Headers<'_> {
    /// All lines of that name; an empty one is none.
    fn set(&mut self, key: &str, value: String) {
        self.0.remove(key);
        if let (false, Ok(name), Ok(value)) = (value.is_empty(), HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
