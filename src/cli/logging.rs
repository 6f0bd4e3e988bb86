//! Where log lines go: stderr, pretty on a terminal, one JSON object a line otherwise. How much is logged can be changed while it runs.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

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

/// Starts logging for the whole process. Fields of spans (the request id) are on every line; a panic is a line as well.
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
    std::panic::set_hook(Box::new(note_panic));
    Ok(Level(level))
}

/// Says where, and what only if that is a text of the program: one that was put together may hold any value that was at hand, of whoever's request it was.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let what = panic.payload().downcast_ref::<&'static str>().copied();
    tracing::error!(place, what, "a fault in the program ended a task; please report it");
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_panic_is_a_line_with_its_place_and_without_the_values_in_its_message() {
        let lines = Lines::default();
        let log = Registry::default().with(tracing_subscriber::fmt::layer().json().with_writer(lines.clone()));
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(note_panic));
        tracing::subscriber::with_default(log, || {
            let value = String::from("planted-secret");
            assert!(std::panic::catch_unwind(|| panic!("this is {value}")).is_err());
            assert!(std::panic::catch_unwind(|| panic!("words of the program")).is_err());
        });
        std::panic::set_hook(before);
        let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|line| line.contains("src/cli/logging.rs:") && !line.contains("planted-secret")), "{said:?}");
        assert!(said[1].contains("words of the program"), "{said:?}");
    }
}
