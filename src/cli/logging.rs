//! Where log lines go: stderr, pretty on a terminal, one JSON object a line otherwise. How much is logged can be changed while it runs.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::config::{Log, LogFormat};

/// How much is logged.
#[derive(Debug, Clone)]
pub struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    /// Logs that much from now on.
    ///
    /// # Errors
    /// When the filter cannot be understood: it stays as it was.
    pub fn set(&self, log: &Log) -> anyhow::Result<()> {
        Ok(self.0.reload(filter(log)?)?)
    }
}

/// A level alone is Usher's. Libraries beneath it say more only when they are named: at `debug` and `trace` they write down what passes through them.
fn filter(log: &Log) -> anyhow::Result<EnvFilter> {
    let level = log.level.trim();
    let directives = if matches!(level, "debug" | "trace") { format!("info,usher={level}") } else { level.to_owned() };
    Ok(EnvFilter::try_new(directives)?)
}

/// Starts logging for the whole process. Fields of spans (the request id) are on every line.
///
/// # Errors
/// When the filter cannot be understood, or logging was started before.
pub fn start(log: &Log) -> anyhow::Result<Level> {
    let (filter, level) = reload::Layer::new(filter(log)?);
    let pretty = match log.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    if pretty {
        let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colour).with_target(false)).try_init()?;
    } else {
        let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(true);
        registry.with(lines.with_writer(std::io::stderr)).try_init()?;
    }
    Ok(Level(level))
}
