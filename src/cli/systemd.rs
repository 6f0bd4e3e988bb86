//! What systemd is told of the service, when it asks: ready, reloading, stopping, alive. Without systemd nothing happens.

use std::time::Duration;

use sd_notify::{NotifyState, notify};

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

/// Says that the process is alive, as often as systemd wants to hear it. Runs where everything beside requests runs: when that hangs, nothing is said.
pub(super) fn keep_watch() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut tick = tokio::time::interval((limit / 2).max(Duration::from_millis(100)));
        loop {
            tick.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::debug!(error = &error as &dyn std::error::Error, "systemd was not told");
    }
}
