//! What systemd is told of the service, when it asks: ready, reloading, stopping, alive. Without systemd nothing happens.

use std::time::Duration;

use sd_notify::{NotifyState, notify};

use crate::server::Pulse;

/// It answers requests.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its configuration anew, until [`ready`].
pub(super) fn reloading() {
    // `Type=notify-reload` wants the time with it, to tell this reload from another.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the process is alive, as often as systemd wants to hear it: when whatever runs beside requests turns, and every thread that serves them.
pub(super) fn keep_watch(pulse: Pulse) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        loop {
            pulse.beat().await;
            tell(&[NotifyState::Watchdog]);
            tokio::time::sleep((limit / 2).max(Duration::from_millis(100))).await;
        }
    });
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::debug!(error = &error as &dyn std::error::Error, "systemd was not told");
    }
}
